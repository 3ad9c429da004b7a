//! What the expansion looks like, and what each mistake is told. That it compiles and works is tested in `kista`.

mod expansion;
mod mistakes;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit::Visit;
use syn::{File, Item, ItemEnum, ItemImpl, ItemStruct, Macro, parse2};

use super::expand;

fn counter() -> TokenStream {
    quote! {
        impl Counter {
            #[init] fn new(start: i64) -> Self { Counter { n: start } }
            /// The value.
            ///
            /// It never sleeps.
            #[call] fn get(&self) -> i64 { self.n }
            #[call(name = "plus")] async fn add(&mut self, k: i64, cx: &mut Cx<Self>) -> i64 { self.n += k; self.n }
            #[cast] fn reset(&mut self) { self.n = 0 }
            fn helper(&self) {}
        }
    }
}

fn expanded(arguments: TokenStream, item: TokenStream) -> Expansion {
    let file: File = parse2(expand(arguments, item)).expect("the expansion is Rust");
    let mut expansion = Expansion::default();
    expansion.visit_file(&file);
    expansion
}

#[derive(Default)]
struct Expansion {
    enums: Vec<ItemEnum>,
    structs: Vec<ItemStruct>,
    impls: Vec<ItemImpl>,
    errors: Vec<String>,
}

impl Visit<'_> for Expansion {
    fn visit_item(&mut self, item: &Item) {
        match item {
            Item::Enum(item) => self.enums.push(item.clone()),
            Item::Struct(item) => self.structs.push(item.clone()),
            Item::Impl(item) => self.impls.push(item.clone()),
            _ => {}
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_macro(&mut self, called: &Macro) {
        if called
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "compile_error")
        {
            let message: syn::LitStr = called.parse_body().unwrap();
            self.errors.push(message.value());
        }
    }
}

impl Expansion {
    fn impl_of(&self, name: &str) -> Option<&ItemImpl> {
        self.impls.iter().find(|item| {
            let path = item.trait_.as_ref().map(|(path, _)| path);
            path.is_some_and(|path| {
                path.segments
                    .last()
                    .is_some_and(|segment| segment.ident == name)
            })
        })
    }
}

/// The mistakes that an impl block is told, in order.
fn mistakes(item: TokenStream) -> Vec<String> {
    expanded(TokenStream::new(), item).errors
}

/// That a block with these methods, beside a good `#[init]`, is told one mistake, which contains this text.
#[track_caller]
fn refuses(methods: TokenStream, text: &str) {
    let mistakes = mistakes(quote!(impl A { #[init] fn new() -> Self { A } #methods }));
    assert!(
        matches!(&*mistakes, [mistake] if mistake.contains(text)),
        "expected {text:?}, got {mistakes:#?}"
    );
}

#[track_caller]
fn assert_tokens(actual: &impl ToTokens, expected: &impl ToTokens) {
    assert_eq!(
        actual.to_token_stream().to_string(),
        expected.to_token_stream().to_string()
    );
}

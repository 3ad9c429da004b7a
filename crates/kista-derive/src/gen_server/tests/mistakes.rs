use quote::quote;
use syn::Ident;

use super::{counter, expand, expanded, mistakes, refuses};

#[test]
fn one_mistake_does_not_hide_the_other_methods() {
    let item = quote! {
        impl A {
            #[init] fn new() -> Self { A }
            #[call] fn bad(self) -> i64 { 1 }
            #[call] fn good(&self) -> i64 { 1 }
            #[call] fn worse(&self) -> &str { "" }
        }
    };
    let expansion = expanded(quote!(), item);
    assert_eq!(expansion.errors.len(), 2);
    let variants: Vec<&Ident> = expansion.enums[0]
        .variants
        .iter()
        .map(|variant| &variant.ident)
        .collect();
    assert_eq!(variants, ["Good"]);
}

#[test]
fn helper_attributes_are_gone_even_when_all_is_wrong() {
    let tokens = expand(
        quote!(nonsense),
        quote!(impl Trait for A { #[call] #[cast] fn a(&self) {} }),
    )
    .to_string();
    assert!(
        !tokens.contains("# [call]") && !tokens.contains("# [cast]"),
        "{tokens}"
    );
}

#[test]
fn the_block_must_be_a_servers() {
    for (item, text) in [
        (
            quote!(
                struct A;
            ),
            "goes on an `impl` block",
        ),
        (
            quote!(impl Trait for A { #[init] fn new() -> Self { A } }),
            "without one",
        ),
        (
            quote!(
                impl<'a> A<'a> {
                    #[init]
                    fn new() -> Self {
                        A
                    }
                }
            ),
            "cannot borrow",
        ),
        (
            quote!(impl [u8] { #[init] fn new() -> Self { A } }),
            "no name of its own",
        ),
        (quote!(impl A {}), "needs an #[init]"),
        (
            quote!(impl A { #[init] fn a() -> Self { A } #[init] fn b() -> Self { A } }),
            "one of these already",
        ),
        (
            quote!(impl A { #[init] fn a(&self) -> Self { A } }),
            "no `self` yet",
        ),
        (quote!(impl A { #[init] fn a() {} }), "return `Self`"),
        (
            quote!(impl A { #[init(x)] fn a() -> Self { A } #[init] fn b() -> Self { A } }),
            "unexpected",
        ),
        (
            quote!(impl A { #[init] fn a(r: ReplyTo<i64>) -> Self { A } }),
            "nobody to reply to",
        ),
        (
            quote!(impl A { #[init] fn spec() -> Self { A } }),
            "#[gen_server] generates",
        ),
        (
            quote!(impl A { #[cfg(unix)] #[init] fn a() -> Self { A } }),
            "put the condition within",
        ),
    ] {
        let mistakes = mistakes(item);
        assert!(
            matches!(&*mistakes, [mistake] if mistake.contains(text)),
            "expected {text:?}, got {mistakes:#?}"
        );
    }
}

#[test]
fn a_method_must_be_a_handler() {
    refuses(
        quote!(
            #[call]
            #[cast]
            fn a(&self) {}
        ),
        "one role",
    );
    refuses(
        quote!(
            #[call]
            fn a(self) {}
        ),
        "take `&self` or `&mut self`",
    );
    refuses(
        quote!(
            #[call]
            fn a(self: Box<Self>) {}
        ),
        "take `&self` or `&mut self`",
    );
    refuses(
        quote!(
            #[call]
            fn a() {}
        ),
        "take `&self` or `&mut self`",
    );
    refuses(
        quote!(
            #[call]
            fn a<T>(&self, t: T) {}
        ),
        "no parameters in `<>`",
    );
    refuses(
        quote!(
            #[call]
            unsafe fn a(&self) {}
        ),
        "unsafe",
    );
    refuses(
        quote!(
            #[call]
            extern "C" fn a(&self) {}
        ),
        "plain Rust function",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self, a: &mut Cx<Self>, b: &mut Cx<Self>) {}
        ),
        "take `cx` once",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self, a: Cx<Self>) {}
        ),
        "is borrowed",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self, a: ReplyTo<u8>, b: ReplyTo<u8>) {}
        ),
        "take `ReplyTo` once",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self, a: ReplyTo) {}
        ),
        "say what is replied",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self, a: &ExitReason) {}
        ),
        "only #[terminate]",
    );
    refuses(
        quote!(
            #[call]
            fn spec(&self) {}
        ),
        "#[gen_server] generates",
    );
    refuses(
        quote!(
            #[call]
            fn _1(&self) {}
        ),
        "begin a word with a letter",
    );
}

#[test]
fn a_message_is_owned() {
    refuses(
        quote!(
            #[call]
            fn a(&self, key: &str) {}
        ),
        "use an owned type",
    );
    refuses(
        quote!(
            #[cast]
            fn a(&self, key: Option<&str>) {}
        ),
        "use an owned type",
    );
    refuses(
        quote!(
            #[cast]
            fn a(&self, key: Cow<'_, str>) {}
        ),
        "use an owned type",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self) -> &str {
                ""
            }
        ),
        "use an owned type",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self, x: impl Into<String>) {}
        ),
        "name its type",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self) -> impl Encode {
                1
            }
        ),
        "name its type",
    );
    let fine = quote!(impl A { #[init] fn new() -> Self { A } #[cast] fn a(&self, f: Box<dyn Fn(&str) + Send>, s: &'static str) {} });
    assert!(mistakes(fine).is_empty());
}

#[test]
fn an_answer_fits_its_kind() {
    refuses(
        quote!(
            #[call]
            fn a(&self) -> Flow {
                Flow::Continue
            }
        ),
        "take `reply: ReplyTo<T>`",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self) -> ! {
                panic!()
            }
        ),
        "is no reply",
    );
    refuses(
        quote!(
            #[cast]
            fn a(&self, r: ReplyTo<u8>) {}
        ),
        "make it a #[call]",
    );
    refuses(
        quote!(
            #[terminate]
            fn a(&self) -> u8 {
                1
            }
        ),
        "return nothing",
    );
    refuses(
        quote!(
            #[terminate]
            fn a(&self, x: u8) {}
        ),
        "is given `reason: &ExitReason`",
    );
    refuses(
        quote!(
            #[terminate]
            fn a(&self) {}
            #[terminate]
            fn b(&self) {}
        ),
        "one of these already",
    );
}

#[test]
fn a_name_means_one_thing() {
    refuses(
        quote!(
            #[call]
            fn stop(&self) {}
        ),
        "#[call(name = \"stop\")]",
    );
    refuses(
        quote!(
            #[call]
            fn a(&self) {}
            #[call(name = "a")]
            fn b(&self) {}
        ),
        "handled by `a` already",
    );
    refuses(
        quote!(
            #[call]
            fn a1(&self) {}
            #[cast]
            fn a_1(&self) {}
        ),
        "the enum variant `A1`",
    );
    refuses(
        quote!(
            #[call(other)]
            fn a(&self, t: Term) {}
            #[call(other)]
            fn b(&self, t: Term) {}
        ),
        "the other calls already",
    );
    refuses(
        quote!(
            #[call]
            fn other_call(&self) {}
            #[call(other)]
            fn b(&self, t: Term) {}
        ),
        "the enum variant `OtherCall`",
    );
    let long = "x".repeat(256);
    refuses(
        quote!(
            #[call(name = #long)]
            fn a(&self) {}
        ),
        "255 characters",
    );
    let shared = quote!(impl A { #[init] fn new() -> Self { A } #[call] fn a(&self) {} #[cast(name = "a")] fn b(&self) {} });
    assert!(mistakes(shared).is_empty());
}

#[test]
fn other_messages_are_taken_whole() {
    refuses(
        quote!(
            #[call(other)]
            fn a(&self) {}
        ),
        "one argument, the whole message",
    );
    refuses(
        quote!(
            #[cast(other)]
            fn a(&self, a: Term, b: Term) {}
        ),
        "one argument, the whole message",
    );
    refuses(
        quote!(
            #[info(other)]
            fn a(&self) {}
        ),
        "is given `info: Info`",
    );
    refuses(
        quote!(
            #[call(other, name = "x")]
            fn a(&self, t: Term) {}
        ),
        "leave out one",
    );
    refuses(
        quote!(
            #[call = "x"]
            fn a(&self) {}
        ),
        "write #[call(name = \"..\")]",
    );
    refuses(
        quote!(
            #[call(nmae = "x")]
            fn a(&self) {}
        ),
        "unknown option",
    );
    let local =
        quote!(impl A { #[init] fn new() -> Self { A } #[cast(other)] fn a(&self, t: Term) {} });
    assert!(expanded(quote!(local), local).errors[0].contains("decodes nothing"));
    assert!(expanded(quote!(locla), counter()).errors[0].contains("`local` and `crate = path`"));
}

#[test]
fn what_comes_of_the_server_itself_is_given_nothing_from_outside() {
    refuses(
        quote!(
            #[timeout]
            fn idle(&mut self, after: u64) {}
        ),
        "#[timeout] is given nothing",
    );
    refuses(
        quote!(
            #[timeout]
            fn idle() {}
        ),
        "take `&self` or `&mut self`",
    );
    refuses(
        quote!(
            #[timeout(5)]
            fn idle(&mut self) {}
        ),
        "unexpected",
    );
    refuses(
        quote!(
            #[handle_continue]
            fn load(self) {}
        ),
        "the state stays in its process",
    );
    refuses(
        quote!(
            #[handle_continue(name = "x")]
            fn load(&mut self) {}
        ),
        "unexpected",
    );
    refuses(
        quote!(
            #[handle_continue]
            fn load(&mut self, path: &str) {}
        ),
        "use an owned type",
    );
    refuses(
        quote!(
            #[timeout]
            fn a(&mut self) {}
            #[timeout]
            fn b(&mut self) {}
        ),
        "one of these already",
    );
}

#[test]
fn what_is_shown_is_looked_at_and_returned() {
    for method in [
        quote!(
            #[format_status]
            fn shown(&mut self) -> i64 {
                1
            }
        ),
        quote!(
            #[format_status]
            fn shown() -> i64 {
                1
            }
        ),
        quote!(
            #[format_status]
            fn shown(&self, cx: &mut Cx<Self>) -> i64 {
                1
            }
        ),
    ] {
        refuses(method, "looks at the state");
    }
    refuses(
        quote!(
            #[format_status]
            async fn shown(&self) -> i64 {
                1
            }
        ),
        "cannot be `async`",
    );
    refuses(
        quote!(
            #[format_status]
            fn shown(&self) {}
        ),
        "returns what is to be shown",
    );
}

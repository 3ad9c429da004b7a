use quote::{ToTokens, quote};
use syn::{ItemEnum, ItemImpl, parse_quote, parse2};

use super::{assert_tokens, counter, expand, expanded};

#[test]
fn the_block_is_left_as_it_was() {
    let mut expected: ItemImpl = parse2(counter()).unwrap();
    for item in &mut expected.items {
        if let syn::ImplItem::Fn(method) = item {
            method
                .attrs
                .retain(|attribute| attribute.path().is_ident("doc"));
        }
    }
    assert_tokens(&expanded(quote!(), counter()).impls[0], &expected);
}

#[test]
fn a_variant_per_handler() {
    let mut msg = expanded(quote!(), counter()).enums.remove(0);
    msg.attrs.clear();
    let expected: ItemEnum = parse_quote! {
        pub enum CounterMsg {
            #[doc = "The call `get`."]
            #[doc = ""]
            #[doc = r" The value."]
            Get(::kista::ReplyTo<i64>),
            #[doc = "The call `{plus, K}`."]
            Add(i64, ::kista::ReplyTo<i64>),
            #[doc = "The cast `reset`."]
            Reset
        }
    };
    assert_tokens(&msg, &expected);
}

#[test]
fn a_client_method_per_handler() {
    let expansion = expanded(quote!(), counter());
    let named = |item: &&ItemImpl| {
        item.trait_.is_none() && item.self_ty.to_token_stream().to_string() == "CounterClient"
    };
    let client = expansion.impls.iter().find(named).unwrap();
    let expected: ItemImpl = parse_quote! {
        impl CounterClient {
            #[doc = r" The value."]
            #[doc = r""]
            #[doc = r" It never sleeps."]
            pub fn get(&self,) -> ::kista::Call<'_, CounterMsg, i64> {
                self.0.call(move |reply| CounterMsg::Get(reply))
            }
            #[doc = "Calls `{plus, K}`."]
            pub fn add(&self, k: i64) -> ::kista::Call<'_, CounterMsg, i64> {
                self.0.call(move |reply| CounterMsg::Add(k, reply))
            }
            #[doc = "Casts `reset`."]
            pub fn reset(&self,) -> ::kista::Sent {
                self.0.cast(CounterMsg::Reset)
            }
        }
    };
    assert_tokens(client, &expected);
    assert_eq!(expansion.structs[0].ident, "CounterClient");
}

#[test]
fn the_server_hands_each_message_to_its_method() {
    let expansion = expanded(quote!(), counter());
    let expected: ItemImpl = parse_quote! {
        #[automatically_derived]
        impl ::kista::GenServer for Counter {
            type Args = (i64,);
            type Msg = CounterMsg;
            type Client = CounterClient;
            async fn init(
                (arg0,): Self::Args,
                cx: &mut ::kista::Cx<Self>,
            ) -> ::core::result::Result<Self, ::kista::InitStop> {
                <Counter as ::kista::InitReturn<Self>>::into_init(Self::new(arg0))
            }
            async fn handle(&mut self, message: Self::Msg, cx: &mut ::kista::Cx<Self>) -> ::kista::Flow {
                match message {
                    CounterMsg::Add(arg0, reply) => {
                        reply.reply(Self::add(self, arg0, cx).await);
                        ::kista::Flow::Continue
                    },
                    #[allow(unreachable_patterns)]
                    message => <Self as ::kista::GenServer>::handle_now(self, message, cx)
                        .unwrap_or(::kista::Flow::Continue),
                }
            }
            fn handle_now(
                &mut self,
                message: Self::Msg,
                cx: &mut ::kista::Cx<Self>,
            ) -> ::core::result::Result<::kista::Flow, Self::Msg> {
                match message {
                    CounterMsg::Get(reply) => ::core::result::Result::Ok({
                        reply.reply(Self::get(self,));
                        ::kista::Flow::Continue
                    }),
                    CounterMsg::Reset => ::core::result::Result::Ok(
                        <() as ::kista::IntoFlow>::into_flow(Self::reset(self,))
                    ),
                    #[allow(unreachable_patterns)]
                    message => ::core::result::Result::Err(message),
                }
            }
            fn format_status(&self) -> ::kista::Term {
                use ::kista::sys::show::{Debugged as _, Encoded as _, Opaque as _};
                (&&&::kista::sys::show::Show(self)).show()
            }
        }
    };
    assert_tokens(expansion.impl_of("GenServer").unwrap(), &expected);
}

#[test]
fn a_local_server_has_no_wire_form() {
    let expansion = expanded(quote!(local), counter());
    let expected: ItemImpl = parse_quote!(
        #[automatically_derived]
        impl ::kista::Message for CounterMsg {
            fn kind(&self) -> u16 {
                match *self {
                    Self::Get { .. } => 0u16,
                    Self::Add { .. } => 1u16,
                    Self::Reset { .. } => 2u16,
                }
            }
            fn kind_name(kind: u16) -> &'static str {
                match kind {
                    0u16 => "call get",
                    1u16 => "call {plus, K}",
                    2u16 => "cast reset",
                    _ => "",
                }
            }
        }
    );
    assert_tokens(expansion.impl_of("Message").unwrap(), &expected);
    assert!(expansion.impl_of("__KistaWire").is_none());
}

#[test]
fn the_path_of_the_crate_can_be_given() {
    let tokens = expand(quote!(crate = crate::inner::kista), counter()).to_string();
    assert!(tokens.contains("crate :: inner :: kista :: GenServer"));
    assert!(
        !tokens
            .replace("crate :: inner :: kista", "")
            .contains(":: kista")
    );
}

#[test]
fn self_in_a_message_is_the_server_not_the_enum() {
    let item = quote! {
        impl<T: Send> Store<T> {
            #[init] fn new() -> Self { Self }
            #[call] fn swap(&mut self, other: Vec<Self>) -> Option<Self> { None }
        }
    };
    let msg = expanded(quote!(local), item).enums.remove(0);
    let fields = &msg.variants[0].fields;
    let expected: syn::Variant =
        parse_quote!(Swap(Vec<Store<T>>, ::kista::ReplyTo<Option<Store<T>>>));
    assert_tokens(fields, &expected.fields);
}

#[test]
fn what_a_handler_is_given_beside_the_message_is_not_sent() {
    let item = quote! {
        impl A {
            #[init] fn new() -> Self { A }
            #[call] async fn later(&mut self, cx: &mut kista::Cx<Self>, k: i64, reply: kista::ReplyTo<String>) {}
        }
    };
    let expansion = expanded(quote!(), item);
    let expected: syn::Variant = parse_quote!(Later(i64, ::kista::ReplyTo<String>));
    assert_tokens(&expansion.enums[0].variants[0].fields, &expected.fields);
    let server = expansion
        .impl_of("GenServer")
        .unwrap()
        .to_token_stream()
        .to_string();
    let arm = quote!(<() as ::kista::IntoFlow>::into_flow(
        Self::later(self, cx, arg0, reply).await
    ))
    .to_string();
    assert!(server.contains(&arm), "{server}");
}

#[test]
fn a_condition_guards_all_that_is_made_of_a_method() {
    let item = quote! {
        impl A {
            #[init] fn new() -> Self { A }
            #[cfg(unix)] #[cast] fn go(&mut self) {}
        }
    };
    // The method, its variant, the check of its parts (none), its number, its name, its kind, the decoder's arm, the encoder's, the
    // client's method, the handler's.
    assert_eq!(
        expand(quote!(), item)
            .to_string()
            .matches("cfg (unix)")
            .count(),
        9
    );
}

#[test]
fn a_spec_of_ones_own_is_kept() {
    let item = quote!(impl A { #[init] fn new(n: i64) -> Self { A } fn spec() -> u8 { 1 } });
    assert_eq!(
        expand(quote!(), item)
            .to_string()
            .matches("fn spec")
            .count(),
        1
    );
}

#[test]
fn a_continuation_is_a_variant_that_nobody_else_can_send() {
    let item = quote! {
        impl A {
            #[init] fn new() -> Self { A }
            #[handle_continue] async fn load(&mut self, path: String, cx: &mut Cx<Self>) -> Flow { Flow::Continue }
            #[handle_continue] fn finish(&mut self, reply: ReplyTo<i64>) { reply.reply(1) }
        }
    };
    let expansion = expanded(quote!(), item);
    assert!(expansion.errors.is_empty(), "{:?}", expansion.errors);
    let variants = expansion.enums[0].variants.to_token_stream().to_string();
    assert!(variants.contains("Load (String)"), "{variants}");
    assert!(
        variants.contains("Finish (:: kista :: ReplyTo < i64 >)"),
        "{variants}"
    );
    let client = expansion.impls.iter().find(|item| {
        item.trait_.is_none() && item.self_ty.to_token_stream().to_string() == "AClient"
    });
    assert!(client.unwrap().items.is_empty(), "no method sends it");
    let message = expansion.impl_of("Message").unwrap();
    let wire = message.to_token_stream().to_string();
    assert!(!wire.contains("decode_"), "nothing reads it: {wire}");
}

#[test]
fn a_timeout_leaves_the_other_messages_to_their_method() {
    let item = quote! {
        impl A {
            #[init] fn new() -> Self { A }
            #[timeout] fn idle(&mut self) -> Flow { Flow::Hibernate }
            #[info(other)] async fn info(&mut self, info: Info) {}
        }
    };
    let expansion = expanded(quote!(), item);
    assert!(expansion.errors.is_empty(), "{:?}", expansion.errors);
    let server = expansion.impl_of("GenServer").unwrap();
    let handles = server.items.iter().find_map(|item| match item {
        syn::ImplItem::Fn(method) if method.sig.ident == "handle_info" => Some(method),
        _ => None,
    });
    let expected: syn::ImplItemFn = parse_quote! {
        async fn handle_info(&mut self, info: ::kista::Info, cx: &mut ::kista::Cx<Self>) -> ::kista::Flow {
            match info {
                ::kista::Info::Timeout => <Flow as ::kista::IntoFlow>::into_flow(Self::idle(self,)),
                arg0 => <() as ::kista::IntoFlow>::into_flow(Self::info(self, arg0).await),
                #[allow(unreachable_patterns)]
                info => {
                    cx.log_not_understood(&info);
                    ::kista::Flow::Continue
                }
            }
        }
    };
    assert_tokens(handles.unwrap(), &expected);
}

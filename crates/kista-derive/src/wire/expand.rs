//! `impl Message`: how the messages are read and written.
//!
//! 1. A named message is the atom of its name, or a tuple that begins with it; it is found by the atom's text, which need not
//!    be interned, and the tuple's size.
//! 2. The reply token is taken last, when nothing can fail any more: a request that does not fit is refused by its caller's
//!    token, which is still there.
//! 3. Where there is an `other`, a known name whose arguments do not fit counts as one; bytes that are no term at all are an
//!    error, which ends the connection they came by.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::expand_msg::generics_variant;
use super::model::{Handler, Kind, Select, Server};
use super::names::{bindings, glue, local};

fn wire_trait() -> Ident {
    format_ident!("__KistaWire")
}

/// One trait stands for all that a message's parts must be able to, so that a type which is not gives one error, and this one.
pub(super) fn helpers(server: &Server) -> TokenStream {
    let kista = &server.options.kista;
    let wire = wire_trait();
    let tag = (server.handlers.iter().any(|handler| matches!(handler.select, Select::Name(..)))).then(|| {
        quote! {
            /// A message's name, and the size of its tuple; 0 when it is the bare atom.
            fn __kista_tag<'a>(
                d: &mut #kista::etf::Decoder<'a>,
            ) -> ::core::result::Result<(::std::borrow::Cow<'a, str>, usize), #kista::etf::DecodeError> {
                let mut arity = 0;
                if ::core::matches!(d.peek()?, #kista::etf::Kind::Tuple) {
                    arity = d.tuple()?;
                    if arity == 0 {
                        return ::core::result::Result::Err(#kista::etf::DecodeError::custom("{} is no message"));
                    }
                }
                ::core::result::Result::Ok((d.atom_str()?, arity))
            }
        }
    });
    quote! {
        #[diagnostic::on_unimplemented(
            message = "`{Self}` cannot travel to other nodes",
            label = "has no wire form",
            note = "derive `Encode` and `Decode` for it, or keep the server's messages on its node: `#[gen_server(local)]`"
        )]
        trait #wire: ::core::marker::Sized {
            fn read(
                d: &mut #kista::etf::Decoder<'_>,
            ) -> ::core::result::Result<Self, #kista::etf::DecodeError>;
            fn write(
                &self,
                e: &mut #kista::etf::Encoder,
            ) -> ::core::result::Result<(), #kista::etf::EncodeError>;
            fn token(
                caller: &mut #kista::Caller,
            ) -> ::core::result::Result<#kista::ReplyTo<Self>, #kista::etf::DecodeError>
            where
                Self: ::core::marker::Send + 'static;
            fn arm(reply: &#kista::ReplyTo<Self>);
        }

        #[diagnostic::do_not_recommend]
        impl<T> #wire for T
        where
            T: #kista::etf::Encode + for<'a> #kista::etf::Decode<'a>,
        {
            fn read(
                d: &mut #kista::etf::Decoder<'_>,
            ) -> ::core::result::Result<Self, #kista::etf::DecodeError> {
                #kista::etf::Decode::decode(d)
            }
            fn write(
                &self,
                e: &mut #kista::etf::Encoder,
            ) -> ::core::result::Result<(), #kista::etf::EncodeError> {
                #kista::etf::Encode::encode(self, e)
            }
            fn token(
                caller: &mut #kista::Caller,
            ) -> ::core::result::Result<#kista::ReplyTo<Self>, #kista::etf::DecodeError>
            where
                Self: ::core::marker::Send + 'static,
            {
                caller.reply_to()
            }
            fn arm(reply: &#kista::ReplyTo<Self>) {
                reply.arm()
            }
        }

        #tag
    }
}

/// Says of each part of a message by itself that it must be `Send`: the enum as a whole would say so at no useful place.
pub(super) fn send_check(server: &Server) -> TokenStream {
    let (generics, _, bounds) = server.generics.split_for_impl();
    let parts = server.handlers.iter().flat_map(|handler| {
        let cfg = &handler.method.cfg;
        let types = handler
            .method
            .values()
            .map(|value| &value.ty)
            .chain(handler.reply.iter().map(|reply| &reply.ty));
        types.map(move |ty| quote_spanned!(glue(ty.span())=> #(#cfg)* __kista_sent::<#ty>();))
    });
    quote! {
        fn __kista_sent<T: ::core::marker::Send + 'static>() {}
        fn __kista_parts #generics () #bounds { #(#parts)* }
    }
}

/// `impl Message for CounterMsg`
pub(super) fn impls(server: &Server) -> TokenStream {
    let kista = &server.options.kista;
    let (generics, arguments, bounds) = server.generics.split_for_impl();
    let msg = &server.msg;
    let kinds = kinds(server);
    let wire = (!server.options.local && !server.handlers.is_empty()).then(|| {
        let (d, caller) = (local("d"), local("caller"));
        let call = decode(server, Kind::Call).map(|body| {
            quote! {
                fn decode_call(
                    #d: &mut #kista::etf::Decoder<'_>,
                    #caller: &mut #kista::Caller,
                ) -> ::core::result::Result<Self, #kista::etf::DecodeError> { #body }
            }
        });
        let [cast, info] =
            [(Kind::Cast, "decode_cast"), (Kind::Info, "decode_info")].map(|(kind, name)| {
                let name = format_ident!("{name}");
                decode(server, kind).map(|body| {
                    quote! {
                        fn #name(
                            #d: &mut #kista::etf::Decoder<'_>,
                        ) -> ::core::result::Result<Self, #kista::etf::DecodeError> { #body }
                    }
                })
            });
        let encode = encode(server);
        quote!(#call #cast #info #encode)
    });
    quote! {
        #[automatically_derived]
        impl #generics #kista::Message for #msg #arguments #bounds { #kinds #wire }
    }
}

/// What a message is called in a crash report. Each has its number also when others are left out by a `cfg`.
fn kinds(server: &Server) -> Option<TokenStream> {
    if server.handlers.is_empty() {
        return None;
    }
    let kind = local("kind");
    let numbered = || (0u16..).zip(&server.handlers);
    let numbers = numbered().map(|(number, handler)| {
        let (cfg, variant) = (&handler.method.cfg, &handler.variant);
        quote!(#(#cfg)* Self::#variant { .. } => #number,)
    });
    let names = numbered().map(|(number, handler)| {
        let cfg = &handler.method.cfg;
        let name = match handler.kind {
            Kind::Call => "call ",
            Kind::Cast => "cast ",
            Kind::Info => "",
            Kind::Continue => "continue ",
        };
        let name = name.to_owned() + &handler.pattern();
        quote!(#(#cfg)* #number => #name,)
    });
    let impossible = generics_variant(server)
        .map(|(variant, _)| quote!(Self::#variant(never, _) => match never {},));
    Some(quote! {
        fn kind(&self) -> u16 {
            match *self { #(#numbers)* #impossible }
        }
        fn kind_name(#kind: u16) -> &'static str {
            match #kind { #(#names)* _ => "", }
        }
    })
}

/// The body of `decode_call`, `decode_cast` or `decode_info`; `None` when there are no such messages.
fn decode(server: &Server, kind: Kind) -> Option<TokenStream> {
    let kista = &server.options.kista;
    let (d, caller, name, arity) = (local("d"), local("caller"), local("name"), local("arity"));
    let wire = wire_trait();
    // What a handler's variant is made of, read in the order of the wire; the token last, when nothing can fail any more.
    let build = |handler: &Handler| {
        let variant = &handler.variant;
        let values = handler.method.values().map(|value| {
            let ty = &value.ty;
            quote_spanned!(glue(ty.span())=> <#ty as #wire>::read(#d)?)
        });
        let token = handler.reply.as_ref().map(|reply| {
            let ty = &reply.ty;
            quote_spanned!(glue(ty.span())=> <#ty as #wire>::token(#caller)?)
        });
        let fields: Vec<_> = values.chain(token).collect();
        let fields = (!fields.is_empty()).then(|| quote!((#(#fields),*)));
        quote!(Self::#variant #fields)
    };
    let other: Vec<_> = server
        .of_kind(kind)
        .filter(|handler| matches!(handler.select, Select::Other))
        .collect();
    let named = server
        .of_kind(kind)
        .filter_map(|handler| match &handler.select {
            Select::Name(name, _) => Some((handler, name)),
            Select::Other => None,
        });
    let arms: Vec<_> = named
        .map(|(handler, name)| {
            let (cfg, build) = (&handler.method.cfg, build(handler));
            let arity = match handler.method.values().count() {
                0 => 0,
                arguments => arguments + 1,
            };
            let build = if other.is_empty() {
                build
            } else {
                quote!(::core::option::Option::Some(#build))
            };
            quote!(#(#cfg)* (#name, #arity) => #build,)
        })
        .collect();
    let read_named = |none: TokenStream| {
        quote! {
            let (#name, #arity) = __kista_tag(#d)?;
            ::core::result::Result::Ok(match (&*#name, #arity) {
                #(#arms)*
                _ => #none
            })
        }
    };

    if other.is_empty() {
        let unknown = format!("{} has no {} {{}} of size {{}}", server.name, kind.name());
        return (!arms.is_empty()).then(|| {
            read_named(quote! {
                return ::core::result::Result::Err(#kista::etf::DecodeError::custom(
                    ::core::format_args!(#unknown, #name, #arity)
                ))
            })
        });
    }
    // A known name whose arguments do not fit is an other message too; bytes that are no term at all are an error.
    let (start, read, error) = (local("start"), local("read"), local("error"));
    let named = (!arms.is_empty()).then(|| {
        let read_named = read_named(quote!(::core::option::Option::None));
        quote! {
            let #start = #d.mark();
            let mut #read = || -> ::core::result::Result<::core::option::Option<Self>, #kista::etf::DecodeError> {
                #read_named
            };
            match #read() {
                ::core::result::Result::Ok(::core::option::Option::Some(#name)) => return ::core::result::Result::Ok(#name),
                ::core::result::Result::Ok(::core::option::Option::None) => {}
                ::core::result::Result::Err(#error) if #error.is_mismatch() => {}
                ::core::result::Result::Err(#error) => return ::core::result::Result::Err(#error),
            }
            #d.reset(#start);
        }
    });
    let other = other.into_iter().map(|handler| {
        let (cfg, build) = (&handler.method.cfg, build(handler));
        quote!(#(#cfg)* return ::core::result::Result::Ok(#build);)
    });
    let none =
        quote!(::core::result::Result::Err(#kista::etf::DecodeError::custom("no such message")));
    Some(quote!(#named #(#other)* #none))
}

fn encode(server: &Server) -> TokenStream {
    let kista = &server.options.kista;
    let (e, reply) = (local("e"), local("reply"));
    let wire = wire_trait();
    let arms = server.handlers.iter().map(|handler| {
        let Handler {
            variant, method, ..
        } = handler;
        let cfg = &method.cfg;
        let kind = match handler.kind {
            Kind::Call => "Call",
            Kind::Cast => "Cast",
            Kind::Info => "Info",
            Kind::Continue => {
                return quote! {
                    #(#cfg)*
                    Self::#variant { .. } => ::core::result::Result::Err(
                        #kista::etf::EncodeError::custom("a continuation stays within its server")
                    ),
                };
            }
        };
        let kind = format_ident!("{kind}");
        let bindings = bindings(method);
        let token = handler.reply.as_ref().map(|_| &reply);
        let fields: Vec<_> = bindings.iter().chain(token).collect();
        let fields = (!fields.is_empty()).then(|| quote!((#(ref #fields),*)));
        let name = match &handler.select {
            Select::Name(name, _) => {
                let tuple = (!bindings.is_empty()).then(|| {
                    let arity = bindings.len() + 1;
                    quote!(#e.tuple(#arity);)
                });
                Some(quote! {
                    static NAME: ::std::sync::LazyLock<#kista::etf::Atom> =
                        ::std::sync::LazyLock::new(|| #kista::etf::Atom::from_static(#name));
                    #tuple
                    #e.atom(*NAME);
                })
            }
            Select::Other => None,
        };
        let values = method.values().zip(&bindings).map(|(value, binding)| {
            let ty = &value.ty;
            quote_spanned!(glue(ty.span())=> <#ty as #wire>::write(#binding, #e)?;)
        });
        let arm = handler
            .reply
            .as_ref()
            .map(|token| arm_token(&token.ty, &reply));
        quote! {
            #(#cfg)*
            Self::#variant #fields => {
                #name
                #(#values)*
                #arm
                ::core::result::Result::Ok(#kista::WireKind::#kind)
            }
        }
    });
    let impossible = generics_variant(server)
        .map(|(variant, _)| quote!(Self::#variant(never, _) => match never {},));
    quote! {
        fn encode(
            &self,
            #e: &mut #kista::etf::Encoder,
        ) -> ::core::result::Result<#kista::WireKind, #kista::etf::EncodeError> {
            match *self { #(#arms)* #impossible }
        }
    }
}

fn arm_token(ty: &Type, reply: &Ident) -> TokenStream {
    let wire = wire_trait();
    quote_spanned!(glue(ty.span())=> <#ty as #wire>::arm(#reply);)
}

//! What the reading and the writing call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{Messages, Select};

/// A span that points at the user's token, while names resolve as the macro's own do.
pub(crate) fn glue(at: Span) -> Span {
    at.resolved_at(Span::call_site())
}

/// A local of the generated code, which no name of the user's can meet.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

pub(super) fn wire_trait() -> Ident {
    format_ident!("__KistaWire")
}

/// One trait stands for all that a message's parts must be able to, so that a type which is not gives one error, and this one.
pub(super) fn helpers(messages: &Messages<'_>) -> TokenStream {
    let (kista, advice) = (messages.kista, messages.advice);
    let wire = wire_trait();
    let mut variants = messages.variants.iter();
    let named = variants.any(|variant| matches!(variant.select, Select::Name(..)));
    let tag = named.then(|| {
        quote! {
            /// A message's name, and the size of its tuple; 0 when it is the bare atom.
            fn __kista_tag<'a>(
                d: &mut #kista::etf::Decoder<'a>,
            ) -> ::core::result::Result<(#kista::etf::FoundAtom<'a>, usize), #kista::etf::DecodeError> {
                let mut arity = 0;
                if ::core::matches!(d.peek()?, #kista::etf::Kind::Tuple) {
                    arity = d.tuple()?;
                    if arity == 0 {
                        return ::core::result::Result::Err(#kista::etf::DecodeError::custom("{} is no message"));
                    }
                }
                ::core::result::Result::Ok((d.found_atom()?, arity))
            }
        }
    });
    quote! {
        #[diagnostic::on_unimplemented(
            message = "`{Self}` cannot travel to other nodes",
            label = "has no wire form",
            note = #advice
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
pub(super) fn send_check(messages: &Messages<'_>) -> TokenStream {
    let (generics, _, bounds) = messages.generics.split_for_impl();
    let parts = messages.variants.iter().flat_map(|variant| {
        let cfg = variant.cfg;
        let types = variant.values.iter().copied().chain(variant.reply);
        types.map(move |ty| quote_spanned!(glue(ty.span())=> #(#cfg)* __kista_sent::<#ty>();))
    });
    quote! {
        fn __kista_sent<T: ::core::marker::Send + 'static>() {}
        fn __kista_parts #generics () #bounds { #(#parts)* }
    }
}

//! `derive(Message)`: an enum of messages gets the wire form that `#[gen_server]` gives the enum which it generates.
//!
//! `attrs` reads the attributes, `parse` makes the model of [`wire`](crate::wire) out of the enum, or says what is wrong with it: all
//! mistakes at once, each at its token.

mod attrs;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::errors::Errors;
use crate::wire::{self, Messages, Variant};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let generated = parse::read(&input, &mut errors).map(|read| {
        let variants = read.variants.iter().map(|variant| Variant {
            ident: &variant.ident,
            cfg: &variant.cfg,
            travel: variant.travel,
            called: variant.called(),
            select: &variant.select,
            values: variant.values.iter().collect(),
            reply: variant.reply.as_ref(),
        });
        let impls = wire::impls(&Messages {
            kista: &read.kista,
            owner: input.ident.to_string(),
            ident: &input.ident,
            generics: &input.generics,
            local: read.local,
            advice: "derive `Encode` and `Decode` for it, or keep the message on its node: `#[message(local)]`",
            variants: variants.collect(),
            impossible: None,
        });
        quote! {
            #[allow(
                clippy::all,
                clippy::nursery,
                clippy::pedantic,
                deprecated,
                non_local_definitions,
                private_bounds,
                private_interfaces,
                unreachable_code
            )]
            const _: () = { #impls };
        }
    });
    quote!(#generated #errors)
}

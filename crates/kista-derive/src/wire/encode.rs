//! Writing: `encode`, and the names of messages.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::support::wire_trait;
use super::{Messages, Select, Travel, Variant, glue, local};

pub(super) fn method(messages: &Messages<'_>) -> TokenStream {
    let kista = messages.kista;
    let e = local("e");
    let arms = messages.variants.iter().map(|variant| {
        let (cfg, arm) = (variant.cfg, arm(variant, messages, &e));
        quote!(#(#cfg)* #arm)
    });
    let impossible = &messages.impossible;
    let kinds = messages.variants.iter().map(|variant| {
        let (cfg, ident) = (variant.cfg, variant.ident);
        let kind = match wire_kind(variant.travel) {
            Some(kind) => quote!(::core::option::Option::Some(#kista::WireKind::#kind)),
            None => quote!(::core::option::Option::None),
        };
        quote!(#(#cfg)* Self::#ident { .. } => #kind,)
    });
    quote! {
        fn wire_kind(&self) -> ::core::option::Option<#kista::WireKind> {
            match *self { #(#kinds)* #impossible }
        }
        fn encode(
            &self,
            #e: &mut #kista::etf::Encoder,
        ) -> ::core::result::Result<#kista::WireKind, #kista::etf::EncodeError> {
            match *self { #(#arms)* #impossible }
        }
    }
}

/// The name of the `WireKind` of what travels so.
fn wire_kind(travel: Travel) -> Option<Ident> {
    match travel {
        Travel::Call => Some(format_ident!("Call")),
        Travel::Cast => Some(format_ident!("Cast")),
        Travel::Info => Some(format_ident!("Info")),
        Travel::Not => None,
    }
}

fn arm(variant: &Variant<'_>, messages: &Messages<'_>, e: &Ident) -> TokenStream {
    let (kista, wire, reply) = (messages.kista, wire_trait(), local("reply"));
    let ident = variant.ident;
    let Some(kind) = wire_kind(variant.travel) else {
        let why = format!("`{ident}` stays within its server");
        return quote! {
            Self::#ident { .. } => ::core::result::Result::Err(
                #kista::etf::EncodeError::custom(#why)
            ),
        };
    };
    let bindings: Vec<_> = variant
        .values
        .iter()
        .enumerate()
        .map(|(index, ty)| {
            let span = Span::mixed_site().located_at(ty.span());
            Ident::new(&format!("arg{index}"), span)
        })
        .collect();
    let token = variant.reply.map(|_| &reply);
    let fields: Vec<_> = bindings.iter().chain(token).collect();
    let fields = (!fields.is_empty()).then(|| quote!((#(ref #fields),*)));
    let name = match variant.select {
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
    let values = variant.values.iter().zip(&bindings).map(
        |(ty, binding)| quote_spanned!(glue(ty.span())=> <#ty as #wire>::write(#binding, #e)?;),
    );
    let armed = variant
        .reply
        .map(|ty| quote_spanned!(glue(ty.span())=> <#ty as #wire>::arm(#reply);));
    quote! {
        Self::#ident #fields => {
            #name
            #(#values)*
            #armed
            ::core::result::Result::Ok(#kista::WireKind::#kind)
        }
    }
}

/// What a message is called where the message itself is gone. Each has its number also when others are left out by a `cfg`.
pub(super) fn kinds(messages: &Messages<'_>) -> Option<TokenStream> {
    if messages.variants.is_empty() {
        return None;
    }
    let kind = local("kind");
    let numbered = || (0u16..).zip(&messages.variants);
    let numbers = numbered().map(|(number, variant)| {
        let (cfg, ident) = (variant.cfg, variant.ident);
        quote!(#(#cfg)* Self::#ident { .. } => #number,)
    });
    let names = numbered().map(|(number, variant)| {
        let (cfg, name) = (variant.cfg, &variant.called);
        quote!(#(#cfg)* #number => #name,)
    });
    let impossible = &messages.impossible;
    Some(quote! {
        fn kind(&self) -> u16 {
            match *self { #(#numbers)* #impossible }
        }
        fn kind_name(#kind: u16) -> &'static str {
            match #kind { #(#names)* _ => "", }
        }
    })
}

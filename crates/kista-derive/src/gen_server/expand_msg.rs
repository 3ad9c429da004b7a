//! The message enum: `enum CounterMsg { Get(ReplyTo<i64>), Add(i64, ReplyTo<i64>), Reset }`.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, GenericParam, Lit, Meta, MetaNameValue};

use super::model::{Handler, Kind, Select, Server};
use super::names::{glue, local};

/// `enum CounterMsg { Get(ReplyTo<i64>), Add(i64, ReplyTo<i64>), Reset }`
pub(super) fn item(server: &Server) -> TokenStream {
    let Server { msg, name, cfg, .. } = server;
    let kista = &server.options.kista;
    let (generics, _, bounds) = server.generics.split_for_impl();
    let variants = server.handlers.iter().map(|handler| {
        let Handler {
            variant,
            method,
            reply,
            ..
        } = handler;
        let (cfg, values) = (&method.cfg, method.values().map(|value| &value.ty));
        let reply = reply.as_ref().map(|reply| {
            let ty = &reply.ty;
            quote_spanned!(glue(ty.span())=> #kista::ReplyTo<#ty>)
        });
        let fields: Vec<_> = values.map(ToTokens::to_token_stream).chain(reply).collect();
        let fields = (!fields.is_empty()).then(|| quote!((#(#fields),*)));
        let docs = variant_docs(handler);
        quote!(#(#cfg)* #docs #variant #fields)
    });
    let generic = generics_variant(server).map(
        |(variant, marker)| quote!(#[doc(hidden)] #variant(::core::convert::Infallible, #marker)),
    );
    let variants = variants.chain(generic);
    let docs = format!("The messages of [`{name}`].");
    quote! {
        #(#cfg)*
        #[doc = #docs]
        #[allow(
            clippy::all,
            clippy::nursery,
            clippy::pedantic,
            dead_code,
            private_bounds,
            private_interfaces,
            rustdoc::broken_intra_doc_links,
            rustdoc::private_intra_doc_links,
            unreachable_pub
        )]
        pub enum #msg #generics #bounds { #(#variants),* }
    }
}

/// The message's place on the wire, and what the method's own documentation begins with.
fn variant_docs(handler: &Handler) -> TokenStream {
    let kind = match handler.kind {
        Kind::Call => "call",
        Kind::Cast => "cast",
        Kind::Info => "plain message",
        Kind::Continue => "continuation",
    };
    let summary = match handler.select {
        Select::Name(..) => format!("The {kind} `{}`.", handler.pattern()),
        Select::Other => format!("Any other {kind}."),
    };
    let first_paragraph: Vec<_> = handler
        .method
        .docs
        .iter()
        .take_while(|line| !is_blank(line))
        .collect();
    let gap = (!first_paragraph.is_empty()).then(|| quote!(#[doc = ""]));
    quote!(#[doc = #summary] #gap #(#first_paragraph)*)
}

fn is_blank(line: &Attribute) -> bool {
    let Meta::NameValue(MetaNameValue {
        value: Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }),
        ..
    }) = &line.meta
    else {
        return false;
    };
    text.value().trim().is_empty()
}

/// A generic server's enum mentions every parameter, in a variant that has no values.
pub(super) fn generics_variant(server: &Server) -> Option<(Ident, TokenStream)> {
    let types = server
        .generics
        .params
        .iter()
        .filter_map(|param| match param {
            GenericParam::Type(ty) => Some(&ty.ident),
            GenericParam::Lifetime(_) | GenericParam::Const(_) => None,
        });
    let types: Vec<_> = types.collect();
    let marker = quote!(::core::marker::PhantomData<fn() -> (#(#types,)*)>);
    (!types.is_empty()).then(|| (format_ident!("__Generics"), marker))
}

/// The arms that a `match` on a message needs beside the handlers' own.
pub(super) fn impossible_arm(server: &Server) -> Option<TokenStream> {
    let never = local("never");
    generics_variant(server).map(|(variant, _)| {
        let msg = &server.msg;
        quote!(#msg::#variant(#never, _) => match #never {},)
    })
}

//! The client: one method per message, which makes the variant and sends it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Attribute;
use syn::spanned::Spanned;

use super::model::{Handler, Kind, Select, Server, Value};
use super::names::{glue, local};

/// `struct CounterClient(Address<CounterMsg>);`
pub(super) fn item(server: &Server) -> TokenStream {
    let Server {
        msg,
        client,
        name,
        cfg,
        ..
    } = server;
    let kista = &server.options.kista;
    let (generics, arguments, bounds) = server.generics.split_for_impl();
    let docs =
        format!("The calls and casts of [`{name}`]: what a `ServerRef<{name}>` dereferences to.");
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
            rustdoc::private_intra_doc_links,
            unreachable_pub
        )]
        pub struct #client #generics(#kista::Address<#msg #arguments>) #bounds;
    }
}

/// The client's methods, and what makes it a `Client`.
pub(super) fn impls(server: &Server) -> TokenStream {
    let Server { msg, client, .. } = server;
    let kista = &server.options.kista;
    let (generics, arguments, bounds) = server.generics.split_for_impl();
    let methods = server
        .handlers
        .iter()
        .filter(|handler| handler.kind != Kind::Continue)
        .map(|handler| method(server, handler));
    quote! {
        impl #generics #client #arguments #bounds { #(#methods)* }

        #[automatically_derived]
        impl #generics ::core::convert::From<#kista::Address<#msg #arguments>> for #client #arguments #bounds {
            fn from(address: #kista::Address<#msg #arguments>) -> Self {
                Self(address)
            }
        }

        #[automatically_derived]
        impl #generics ::core::clone::Clone for #client #arguments #bounds {
            fn clone(&self) -> Self {
                Self(::core::clone::Clone::clone(&self.0))
            }
        }

        #[automatically_derived]
        impl #generics ::core::fmt::Debug for #client #arguments #bounds {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.0, f)
            }
        }

        #[automatically_derived]
        impl #generics #kista::Client<#msg #arguments> for #client #arguments #bounds {
            fn address(&self) -> &#kista::Address<#msg #arguments> {
                &self.0
            }
        }
    }
}

/// `pub fn add(&self, k: i64) -> Call<'_, CounterMsg, i64> { self.0.call(|reply| CounterMsg::Add(k, reply)) }`
fn method(server: &Server, handler: &Handler) -> TokenStream {
    let Server { msg, .. } = server;
    let kista = &server.options.kista;
    let (_, arguments, _) = server.generics.split_for_impl();
    let Handler {
        variant, method, ..
    } = handler;
    let (name, cfg, deprecated) = (&method.name, &method.cfg, &method.deprecated);
    let docs = docs(handler);
    let params = method.values().map(|Value { name, ty }| quote!(#name: #ty));
    let values: Vec<_> = method.values().map(|value| &value.name).collect();
    let attributes = quote!(#(#cfg)* #(#deprecated)* #docs);
    match &handler.reply {
        Some(answer) => {
            let (ty, reply) = (&answer.ty, local("reply"));
            let returns = quote_spanned!(glue(ty.span())=> #kista::Call<'_, #msg #arguments, #ty>);
            quote! {
                #attributes
                pub fn #name(&self, #(#params),*) -> #returns {
                    self.0.call(move |#reply| #msg::#variant(#(#values,)* #reply))
                }
            }
        }
        None => {
            let fields = (!values.is_empty()).then(|| quote!((#(#values),*)));
            quote! {
                #attributes
                pub fn #name(&self, #(#params),*) -> #kista::Sent {
                    self.0.cast(#msg::#variant #fields)
                }
            }
        }
    }
}

/// What the user wrote about the method, or a line that says what is sent.
fn docs(handler: &Handler) -> TokenStream {
    let docs: &[Attribute] = &handler.method.docs;
    if !docs.is_empty() {
        return quote!(#(#docs)*);
    }
    let line = match (&handler.select, handler.kind) {
        (Select::Name(..), Kind::Call) => format!("Calls `{}`.", handler.pattern()),
        (Select::Name(..), Kind::Cast) => format!("Casts `{}`.", handler.pattern()),
        (Select::Name(..), Kind::Info | Kind::Continue) => {
            format!("Sends `{}`.", handler.pattern())
        }
        (Select::Other, Kind::Call) => "Calls with a request of any shape.".to_owned(),
        (Select::Other, _) => "Casts a message of any shape.".to_owned(),
    };
    quote!(#[doc = #line])
}

/// The parameters of a function that the user's values are handed to: `start: i64, name: String`.
pub(super) fn signature<'a>(
    values: impl Iterator<Item = &'a Value>,
) -> (Vec<TokenStream>, Vec<&'a Ident>) {
    values
        .map(|Value { name, ty }| (quote!(#name: #ty).into_token_stream(), name))
        .unzip()
}

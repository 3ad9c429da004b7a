//! `Self` in a handler's types means the server; in the message enum it would mean the enum.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;

/// `ty` with `Self` spelled out as `server`, at the place of `Self`.
pub(super) fn spell_out(ty: &Type, server: &Type) -> Type {
    let tokens = ty.to_token_stream();
    if mentions(tokens.clone()) {
        Type::Verbatim(replace(tokens, &server.to_token_stream()))
    } else {
        ty.clone()
    }
}

fn mentions(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn replace(tokens: TokenStream, server: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => server
                .clone()
                .into_iter()
                .map(|mut token| {
                    token.set_span(token.span().located_at(ident.span()));
                    token
                })
                .collect(),
            TokenTree::Group(group) => {
                let mut replaced = Group::new(group.delimiter(), replace(group.stream(), server));
                replaced.set_span(group.span());
                TokenTree::Group(replaced).into()
            }
            other => TokenStream::from(other),
        })
        .collect()
}

//! From a node to the expression that builds the term.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::node::Node;

pub(super) fn expression(path: &TokenStream, node: &Node) -> TokenStream {
    let all = |nodes: &[Node]| -> Vec<TokenStream> {
        nodes.iter().map(|node| expression(path, node)).collect()
    };
    match node {
        Node::Atom(text) => {
            let atom = atom(path, text);
            quote!(#path::Term::Atom(#atom))
        }
        Node::Integer(digits) => match digits.parse::<i64>() {
            Ok(value) => quote!(#path::Term::Int(#value)),
            Err(_) => quote! {
                #path::Term::big(#digits.parse::<#path::BigInt>().expect("the macro checked the digits"))
            },
        },
        Node::Float(value) => quote!(#path::Term::Float(#value)),
        Node::Charlist(text) => quote!(#path::Term::charlist(#text)),
        Node::Bits(bytes, bits) => {
            let bytes = Literal::byte_string(bytes);
            match bits {
                0 => quote!(#path::Term::from(&#bytes[..])),
                bits => quote! {
                    #path::Term::from(#path::BitString::new(&#bytes[..], #bits).expect("the macro counted the bits"))
                },
            }
        }
        Node::Tuple(items) => {
            let items = all(items);
            quote!(#path::Term::tuple([#(#items),*]))
        }
        Node::List(items, tail) => {
            let items = all(items);
            match tail {
                _ if items.is_empty() => quote!(#path::Term::NIL),
                None => quote!(#path::Term::list([#(#items),*])),
                Some(tail) => {
                    let tail = expression(path, tail);
                    quote!(#path::Term::improper([#(#items),*], #tail))
                }
            }
        }
        Node::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| {
                let (key, value) = (expression(path, key), expression(path, value));
                quote!((#key, #value))
            });
            quote!(#path::Term::Map(#path::term::Map::from_pairs_last([#(#pairs),*])))
        }
        Node::Export(module, function, arity) => {
            let (module, function) = (atom(path, module), atom(path, function));
            quote! {
                #path::Term::from(#path::term::Export {
                    module: #path::AtomName::from(#module),
                    function: #path::AtomName::from(#function),
                    arity: #arity,
                })
            }
        }
        Node::Rust(expression, span) => quote_spanned! {*span=>
            ::core::convert::Into::<#path::Term>::into(#expression)
        },
    }
}

fn atom(path: &TokenStream, text: &str) -> TokenStream {
    quote! {{
        static ATOM: #path::StaticAtom = #path::StaticAtom::new(#text);
        ATOM.atom()
    }}
}

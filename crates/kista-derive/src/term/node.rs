//! A term as the macro knows it.

use proc_macro2::{Span, TokenStream};

/// A part of a term, literal or a Rust expression.
pub(super) enum Node {
    Atom(String),
    /// In base 10, with its sign.
    Integer(String),
    Float(f64),
    Charlist(String),
    /// The bytes, and how many bits of the last one count when it is not a whole one.
    Bits(Vec<u8>, u8),
    Tuple(Vec<Self>),
    List(Vec<Self>, Option<Box<Self>>),
    Map(Vec<(Self, Self)>),
    Export(String, String, u8),
    Rust(TokenStream, Span),
}

impl Node {
    /// A text that is the same exactly for the same literal term; `None` when a Rust expression is in it.
    pub(super) fn key(&self) -> Option<String> {
        let all = |nodes: &[Self]| {
            let keys: Option<Vec<String>> = nodes.iter().map(Self::key).collect();
            keys.map(|keys| keys.join(","))
        };
        Some(match self {
            Self::Atom(text) => format!("atom {text:?}"),
            Self::Integer(digits) => digits.clone(),
            Self::Float(value) => format!("float {:x}", value.to_bits()),
            Self::Charlist(text) => {
                let codes = text.chars().map(|char| u32::from(char).to_string());
                format!("[{}]", codes.collect::<Vec<_>>().join(","))
            }
            Self::Bits(bytes, bits) => format!("<<{bytes:?}:{bits}>>"),
            Self::Tuple(items) => format!("{{{}}}", all(items)?),
            Self::List(items, None) => format!("[{}]", all(items)?),
            Self::List(items, Some(tail)) => format!("[{}|{}]", all(items)?, tail.key()?),
            Self::Map(pairs) => {
                let mut keys = Vec::new();
                for (key, value) in pairs {
                    keys.push(format!("{} => {}", key.key()?, value.key()?));
                }
                keys.sort();
                format!("#{{{}}}", keys.join(","))
            }
            Self::Export(module, function, arity) => {
                format!("fun {module:?}:{function:?}/{arity}")
            }
            Self::Rust(..) => return None,
        })
    }
}

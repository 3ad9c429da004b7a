//! What is to be known of messages to read and write them.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, Generics, Path, Type};

/// An enum of messages.
pub(crate) struct Messages<'a> {
    /// Where kista is found.
    pub(crate) kista: &'a Path,
    /// Whose they are, for errors: `Counter`.
    pub(crate) owner: String,
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    /// They never leave the node, and need no wire form.
    pub(crate) local: bool,
    /// What to write instead, where a type cannot travel.
    pub(crate) advice: &'static str,
    pub(crate) variants: Vec<Variant<'a>>,
    /// An arm for a variant that has no values, if there is one.
    pub(crate) impossible: Option<TokenStream>,
}

pub(crate) struct Variant<'a> {
    pub(crate) ident: &'a Ident,
    /// `#[cfg]`s, which guard all that is made of it.
    pub(crate) cfg: &'a [Attribute],
    pub(crate) travel: Travel,
    /// How people are told of it: `call {add, K}`.
    pub(crate) called: String,
    pub(crate) select: &'a Select,
    /// Of the fields, in order; the token is none of them.
    pub(crate) values: Vec<&'a Type>,
    /// `T` of the `ReplyTo<T>` that comes last.
    pub(crate) reply: Option<&'a Type>,
}

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Travel {
    Call,
    Cast,
    Info,
    /// It stays on its node.
    Not,
}

/// Which messages of its kind a variant takes.
pub(crate) enum Select {
    /// The atom, or the tuple that begins with it.
    Name(String, proc_macro2::Span),
    /// What none of the others takes.
    Other,
}

impl Travel {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Cast => "cast",
            Self::Info => "info",
            Self::Not => "local message",
        }
    }
}

impl<'a> Messages<'a> {
    pub(super) fn that(&self, travel: Travel) -> impl Iterator<Item = &Variant<'a>> {
        let variants = self.variants.iter();
        variants.filter(move |variant| variant.travel == travel)
    }
}

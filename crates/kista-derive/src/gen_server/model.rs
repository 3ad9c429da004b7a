//! What the macro knows of a server once its impl block is read.

use proc_macro2::Ident;
use quote::quote;
use syn::{Attribute, Generics, Type};

use super::expand_msg::generics_variant;
use super::options::Options;
pub(super) use crate::wire::Select;
use crate::wire::{Messages, Travel, Variant};

pub(super) struct Server {
    pub(super) options: Options,
    /// `Counter<T>`, and of it `Counter`.
    pub(super) ty: Type,
    pub(super) name: Ident,
    pub(super) generics: Generics,
    /// The block's own `#[cfg]`s: what is generated lives and dies with it.
    pub(super) cfg: Vec<Attribute>,
    /// `CounterMsg` and `CounterClient`.
    pub(super) msg: Ident,
    pub(super) client: Ident,
    pub(super) init: Method,
    /// In the order of the source, which is the order of the variants.
    pub(super) handlers: Vec<Handler>,
    /// `#[info(other)]`.
    pub(super) info_other: Option<Method>,
    pub(super) terminate: Option<Method>,
    pub(super) timeout: Option<Method>,
    pub(super) format_status: Option<Method>,
    /// The user wrote a `fn spec` of their own: none is generated.
    pub(super) has_spec: bool,
}

/// A method as it is called: `Self::name(self, parameters...)`.
pub(super) struct Method {
    pub(super) name: Ident,
    pub(super) is_async: bool,
    pub(super) params: Vec<Param>,
    /// The return type; `()` at the method's name when there is none.
    pub(super) output: Type,
    /// Its doc comments.
    pub(super) docs: Vec<Attribute>,
    /// `#[cfg]`s, which guard all that is made of it, and `#[deprecated]`, which warns the client's callers.
    pub(super) cfg: Vec<Attribute>,
    pub(super) deprecated: Vec<Attribute>,
}

/// A parameter after `self`, by where its value comes from.
pub(super) enum Param {
    /// From the message, or from the arguments of the start.
    Value(Value),
    /// The process: `cx: &mut Cx<Self>`.
    Cx,
    /// The reply token: `reply: ReplyTo<T>`. Holds `T`.
    Reply(Type),
    /// The exit reason, for `#[terminate]`; the type as it stands there.
    Reason(Type),
}

/// Something the user hands in.
pub(super) struct Value {
    /// The name in the source, for the client's method; `arg0` where there is a pattern.
    pub(super) name: Ident,
    pub(super) ty: Type,
}

/// A method that handles one variant.
pub(super) struct Handler {
    pub(super) kind: Kind,
    pub(super) select: Select,
    pub(super) variant: Ident,
    pub(super) method: Method,
    /// Of a call: what is answered.
    pub(super) reply: Option<Reply>,
}

/// How a message is sent, and whether it is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Call,
    Cast,
    Info,
    /// What the server gives itself to do next; nobody else can send it.
    Continue,
}

pub(super) struct Reply {
    pub(super) ty: Type,
    /// The method takes the token and answers itself, now or later.
    pub(super) deferred: bool,
}

impl Method {
    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.params.iter().filter_map(|param| match param {
            Param::Value(value) => Some(value),
            Param::Cx | Param::Reply(_) | Param::Reason(_) => None,
        })
    }

    pub(super) fn reply(&self) -> Option<&Type> {
        self.params.iter().find_map(|param| match param {
            Param::Reply(ty) => Some(ty),
            Param::Value(_) | Param::Cx | Param::Reason(_) => None,
        })
    }
}

impl Server {
    /// The enum, as its wire form is made of it.
    pub(super) fn messages(&self) -> Messages<'_> {
        let variants = self.handlers.iter().map(|handler| Variant {
            ident: &handler.variant,
            cfg: &handler.method.cfg,
            travel: handler.kind.travel(),
            called: handler.called(),
            select: &handler.select,
            values: handler.method.values().map(|value| &value.ty).collect(),
            reply: handler.reply.as_ref().map(|reply| &reply.ty),
        });
        Messages {
            kista: &self.options.kista,
            owner: self.name.to_string(),
            ident: &self.msg,
            generics: &self.generics,
            local: self.options.local,
            advice: "derive `Encode` and `Decode` for it, or keep the server's messages on its node: `#[gen_server(local)]`",
            variants: variants.collect(),
            impossible: generics_variant(self)
                .map(|(variant, _)| quote!(Self::#variant(never, _) => match never {},)),
        }
    }
}

impl Kind {
    const fn travel(self) -> Travel {
        match self {
            Self::Call => Travel::Call,
            Self::Cast => Travel::Cast,
            Self::Info => Travel::Info,
            Self::Continue => Travel::Not,
        }
    }

    /// The attribute, and the word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Cast => "cast",
            Self::Info => "info",
            Self::Continue => "handle_continue",
        }
    }
}

impl Handler {
    fn called(&self) -> String {
        let kind = match self.kind {
            Kind::Call => "call ",
            Kind::Cast => "cast ",
            Kind::Info => "",
            Kind::Continue => "continue ",
        };
        kind.to_owned() + &self.pattern()
    }

    /// How the message looks on the wire, in Erlang's syntax: `get`, `{add, K}`.
    pub(super) fn pattern(&self) -> String {
        let Select::Name(name, _) = &self.select else {
            return "_".to_owned();
        };
        let plain = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@'));
        let atom = if plain {
            name.clone()
        } else {
            format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"))
        };
        let mut variables = self.method.values().map(|value| {
            let name = super::names::variant(&value.name);
            name.map_or_else(|| "_".to_owned(), |name| name.to_string())
        });
        match variables.next() {
            None => atom,
            Some(first) => {
                variables.fold(format!("{{{atom}, {first}"), |text, next| {
                    text + ", " + &next
                }) + "}"
            }
        }
    }
}

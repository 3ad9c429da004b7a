use std::fmt;

use kista_etf::{Atom, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Term};

/// Which handler of a manager: OTP's `Module | {Module, Id}`, where the first part here is any name.
///
/// ```
/// use kista::gen_event::HandlerId;
/// assert_eq!(HandlerId::from("logger").to_string(), "logger");
/// assert_eq!(HandlerId::from(("logger", 7)).to_string(), "{logger,7}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HandlerId {
    module: Atom,
    id: Option<Term>,
}

impl HandlerId {
    /// The first part: in Erlang the callback module.
    pub const fn module(&self) -> Atom {
        self.module
    }

    /// What tells it from other handlers of that module, if anything does.
    pub const fn id(&self) -> Option<&Term> {
        self.id.as_ref()
    }

    /// None: it is neither an atom nor a pair that begins with one.
    pub(super) fn from_term(term: &Term) -> Option<Self> {
        if let Some(module) = term.as_atom() {
            return Some(Self { module, id: None });
        }
        let [module, id] = term.as_tuple()? else {
            return None;
        };
        Some(Self {
            module: module.as_atom()?,
            id: Some(id.clone()),
        })
    }
}

impl From<Atom> for HandlerId {
    fn from(module: Atom) -> Self {
        Self { module, id: None }
    }
}

/// # Panics
/// When the name has more than 255 characters.
impl From<&'static str> for HandlerId {
    fn from(module: &'static str) -> Self {
        Self::from(Atom::from_static(module))
    }
}

/// # Panics
/// When the name has more than 255 characters.
impl<T: Into<Term>> From<(&'static str, T)> for HandlerId {
    fn from((module, id): (&'static str, T)) -> Self {
        Self {
            module: Atom::from_static(module),
            id: Some(id.into()),
        }
    }
}

impl From<&HandlerId> for Term {
    fn from(handler: &HandlerId) -> Self {
        let module = Self::from(handler.module);
        match &handler.id {
            None => module,
            Some(id) => Self::tuple([module, id.clone()]),
        }
    }
}

impl fmt::Display for HandlerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Term::from(self).fmt(f)
    }
}

impl Encode for HandlerId {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.term(&Term::from(self))
    }
}

impl<'a> Decode<'a> for HandlerId {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Self::from_term(&d.term()?)
            .ok_or_else(|| DecodeError::custom("a handler is an atom or {atom, Id}"))
    }
}

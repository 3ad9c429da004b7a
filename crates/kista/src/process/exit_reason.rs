use std::fmt;
use std::sync::Arc;

use kista_etf::{
    Atom, Binary, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Term, atoms,
};

/// Why a process ended, or why it is asked to end.
///
/// The common reasons are variants of their own, so that comparing and copying them costs nothing;
/// everything else is the [`Term`] that travelled. On the wire a reason is exactly what Erlang uses:
/// `normal`, `shutdown`, `killed`, `noproc`, `{panic, <<"text">>}` and so on. `ExitReason` is cheap to clone.
///
/// Source: *Processes*, "Receiving Exit Signals", in the Erlang reference manual.
///
/// ```
/// use kista::{ExitReason, Term};
/// assert!(ExitReason::Normal.is_normal());
/// let why = ExitReason::from(Term::from(42));
/// assert_eq!(why.to_string(), "42");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExitReason {
    /// `normal`: the work is done.
    Normal,
    /// `shutdown`: stopped by its supervisor or by the node.
    Shutdown,
    /// `kill`. Sent by `exit(Pid, kill)` it cannot be trapped, and links see [`ExitReason::Killed`]; as the reason with which a
    /// process ends by itself, or as one that comes by a link, it is like any other.
    Kill,
    /// `killed`: what the links and monitors of a killed process see.
    Killed,
    /// `noproc`: there was no such process.
    NoProc,
    /// `noconnection`: the connection to the other node was lost, or never came up.
    NoConnection,
    /// `{panic, Text}`: a handler panicked with this message.
    Panic(Arc<str>),
    /// Any other term.
    Term(Arc<Term>),
}

impl ExitReason {
    /// Whether supervisors count this as a proper end: `normal`, `shutdown` or `{shutdown, _}`.
    pub fn is_normal(&self) -> bool {
        match self {
            Self::Normal | Self::Shutdown => true,
            Self::Term(term) => {
                matches!(term.as_tuple(), Some([tag, _]) if tag.as_atom() == Some(atoms::SHUTDOWN))
            }
            _ => false,
        }
    }

    /// The reason as the term that Erlang would show.
    pub fn to_term(&self) -> Term {
        match self {
            Self::Normal => Term::from(atoms::NORMAL),
            Self::Shutdown => Term::from(atoms::SHUTDOWN),
            Self::Kill => Term::from(atoms::KILL),
            Self::Killed => Term::from(atoms::KILLED),
            Self::NoProc => Term::from(atoms::NOPROC),
            Self::NoConnection => Term::from(atoms::NOCONNECTION),
            Self::Panic(text) => Term::tuple([
                Term::from(Atom::from_static("panic")),
                Term::from(Binary::from(text.as_bytes())),
            ]),
            Self::Term(term) => (**term).clone(),
        }
    }
}

impl From<Term> for ExitReason {
    fn from(term: Term) -> Self {
        match term.as_atom() {
            Some(atom) => Self::from(atom),
            None => Self::Term(Arc::new(term)),
        }
    }
}

impl From<Atom> for ExitReason {
    fn from(atom: Atom) -> Self {
        match atom {
            atoms::NORMAL => Self::Normal,
            atoms::SHUTDOWN => Self::Shutdown,
            atoms::KILL => Self::Kill,
            atoms::KILLED => Self::Killed,
            atoms::NOPROC => Self::NoProc,
            atoms::NOCONNECTION => Self::NoConnection,
            other => Self::Term(Arc::new(Term::from(other))),
        }
    }
}

/// A text becomes the binary of the same text.
impl From<&str> for ExitReason {
    fn from(text: &str) -> Self {
        Self::Term(Arc::new(Term::from(Binary::from(text.as_bytes()))))
    }
}

/// A text becomes the binary of the same text.
impl From<String> for ExitReason {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_term(), f)
    }
}

impl fmt::Debug for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Encode for ExitReason {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::Term(term) => e.term(term),
            other => e.term(&other.to_term()),
        }
    }
}

impl<'a> Decode<'a> for ExitReason {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Ok(Self::from(d.term()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoms_come_back_as_their_variants() {
        for reason in [
            ExitReason::Normal,
            ExitReason::Shutdown,
            ExitReason::Kill,
            ExitReason::Killed,
            ExitReason::NoProc,
            ExitReason::NoConnection,
        ] {
            assert_eq!(ExitReason::from(reason.to_term()), reason);
        }
    }

    #[test]
    fn shutdown_with_a_term_is_a_proper_end() {
        let why = Term::tuple([Term::from(atoms::SHUTDOWN), Term::from(1)]);
        assert!(ExitReason::from(why).is_normal());
        assert!(!ExitReason::Killed.is_normal());
    }
}

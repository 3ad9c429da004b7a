//! How a value of this crate passes through serde without losing anything.
//!
//! serde knows no atoms, pids or tuples of any size. Therefore a [`Term`] (or [`Atom`](crate::Atom), ...) offers itself as a
//! newtype struct with a name that nobody else uses ([`TOKEN`]), as `serde_json` does for its raw values. A serializer of ours
//! that sees this name lends its encoder to the value, by a place of this thread; the value writes itself, gives the encoder
//! back, and ends with `serialize_unit`. A deserializer of ours leaves the term in that place and calls `visit_unit`.
//!
//! Each loan begins and ends within one call of serde's, so that loans nest; what stood in the place before is put back.

use std::cell::Cell;

use crate::{EncodeError, Encoder, Term};

/// The name of a newtype struct whose value is one of ours.
pub(super) const TOKEN: &str = "$kista_etf::serde";

/// What lies in the place.
#[derive(Default)]
pub(super) enum Loan {
    #[default]
    Nothing,
    /// Lent to a value, to write itself with.
    Encoder(Encoder),
    /// The encoder, given back, and how it went.
    Encoded(Encoder, Result<(), EncodeError>),
    /// Asks a value for its term.
    WantTerm,
    /// The term that was asked for.
    Made(Result<Term, EncodeError>),
    /// A term for a visitor.
    Term(Term),
}

thread_local! {
    static PLACE: Cell<Loan> = const { Cell::new(Loan::Nothing) };
}

/// Runs `during` with this loan in the place; gives what lies there afterwards.
pub(super) fn lend<T>(loan: Loan, during: impl FnOnce() -> T) -> (T, Loan) {
    let before = PLACE.replace(loan);
    let result = during();
    (result, PLACE.replace(before))
}

/// Takes what lies in the place.
pub(super) fn take() -> Loan {
    PLACE.take()
}

/// Puts something into the place.
pub(super) fn put(loan: Loan) {
    PLACE.set(loan);
}

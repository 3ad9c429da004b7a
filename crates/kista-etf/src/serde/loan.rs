//! How a value of this crate passes through serde without losing anything.
//!
//! serde knows no atoms, pids or tuples of any size. Therefore a [`Term`] (or [`Atom`](crate::Atom), ...) offers itself as a
//! newtype struct with a name that nobody else uses ([`TOKEN`]), as `serde_json` does for its raw values. The rules:
//!
//! 1. A serializer of ours that sees this name asks ([`ask`]), by a place of this thread, and hands itself over. A value of
//!    ours takes the question away before anything else can happen, and answers; any other type does not, and is an error.
//! 2. Asked for its parts, a value writes itself in the few words of [`Native`](super::native_sink::Native): an atom is its
//!    number, a binary its bytes. What has more to say is lent the encoder itself ([`lend_encoder`]), which is moved into a
//!    place of this thread and back; that costs ten times as much.
//! 3. Asked for its term, it leaves that in a place ([`leave`]) and ends with `serialize_unit`. A deserializer of ours does the
//!    same with a term that it has read, and calls `visit_unit`.
//! 4. Each question and each loan begins and ends within one call of serde's, so that they nest; what stood in the place
//!    before is put back.

use std::cell::Cell;

use crate::{EncodeError, Encoder, Term};

/// The name of a newtype struct whose value is one of ours.
pub(super) const TOKEN: &str = "$kista_etf::serde";

/// What a value of ours is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Asked {
    #[default]
    Nothing,
    Parts,
    Term,
}

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked::Nothing) };
    static TERM: Cell<Option<Result<Term, EncodeError>>> = const { Cell::new(None) };
    static ENCODER: Cell<Option<(Encoder, Result<(), EncodeError>)>> = const { Cell::new(None) };
}

/// Asks whoever is serialized by `during`.
pub(super) fn ask<T>(what: Asked, during: impl FnOnce() -> T) -> T {
    /// Nobody else is to answer, also after a panic.
    struct TakeBack;
    impl Drop for TakeBack {
        fn drop(&mut self) {
            ASKED.set(Asked::Nothing);
        }
    }
    let _take_back = TakeBack;
    ASKED.set(what);
    during()
}

/// Takes the question away.
#[inline]
pub(super) fn take_question() -> Asked {
    ASKED.take()
}

/// Whether the question was taken.
#[inline]
pub(super) fn is_answered() -> bool {
    ASKED.get() == Asked::Nothing
}

/// Runs `during` with this in the place for a term; gives what lies there afterwards.
pub(super) fn with_term<T>(
    term: Option<Term>,
    during: impl FnOnce() -> T,
) -> (T, Option<Result<Term, EncodeError>>) {
    let before = TERM.replace(term.map(Ok));
    let result = during();
    (result, TERM.replace(before))
}

/// Leaves a term in the place.
pub(super) fn leave(term: Result<Term, EncodeError>) {
    TERM.set(Some(term));
}

/// Takes the term out of the place.
pub(super) fn take_term() -> Option<Term> {
    TERM.take().and_then(Result::ok)
}

/// Runs `during` with the encoder in its place; gives what went wrong with it.
pub(super) fn lend_encoder(
    encoder: &mut Encoder,
    during: impl FnOnce(),
) -> Result<(), EncodeError> {
    let before = ENCODER.replace(Some((std::mem::take(encoder), Ok(()))));
    during();
    if let Some((lent, written)) = ENCODER.replace(before) {
        *encoder = lent;
        return written;
    }
    Ok(())
}

/// Writes with the encoder that was lent.
pub(super) fn with_encoder(write: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>) {
    if let Some((mut encoder, _)) = ENCODER.take() {
        let written = write(&mut encoder);
        ENCODER.set(Some((encoder, written)));
    }
}

//! What serde sets aside.
//!
//! For `flatten`, `untagged` and `tag`, serde's derives read a value as whatever it is, keep it, and read it once more out of
//! what they kept. This code is serde's; nobody of ours is asked. There an atom is a text and a tuple a sequence, and a text is
//! compared with the names of variants as they are in Rust: `red` is no `Red`. The rules:
//!
//! 1. When that made an enum or a unit struct fail, the whole value fails ([`watch`]), also when serde tries something else
//!    that would fit. Better an error that says what to write than another value.
//! 2. A [`Term`](crate::Term) set aside is an error, for it is not what it was; an [`Atom`](struct@crate::Atom) must have been
//!    one in this input.
//!
//! What was seen is remembered as a few bits for this thread. So an error too many is possible, where a text is an atom in one
//! place of the input and a binary in another.

use std::any::type_name;
use std::cell::Cell;

use serde_core::de::{Expected, Unexpected};

use super::names::is_named;
use crate::DecodeError;

#[derive(Clone, Copy, Default)]
struct Seen {
    /// A bit for each text that was the text of an atom.
    atoms: u128,
    /// Whether there was a tuple that begins with an atom.
    tagged: bool,
    /// Whether something was lost: what, says [`LOST`].
    lost: bool,
}

thread_local! {
    static SEEN: Cell<Seen> = const { Cell::new(Seen { atoms: 0, tagged: false, lost: false }) };
    static LOST: Cell<Option<DecodeError>> = const { Cell::new(None) };
}

/// Reads one value, which fails if something was lost on the way.
#[inline]
pub(super) fn watch<T>(read: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    let around = SEEN.replace(Seen::default());
    let result = read();
    if SEEN.replace(around).lost {
        return failed(result);
    }
    result
}

#[cold]
fn failed<T>(result: Result<T, DecodeError>) -> Result<T, DecodeError> {
    let Some(lost) = LOST.take() else {
        return result;
    };
    match result {
        // It says where.
        Err(error) if !error.is_mismatch() || *error.root() == lost => Err(error),
        _ => Err(lost),
    }
}

/// An atom was given away as a text.
pub(super) fn saw_atom(text: &str) {
    let mut seen = SEEN.get();
    seen.atoms |= bit(text);
    SEEN.set(seen);
}

/// A tuple that begins with an atom was given away as a sequence.
pub(super) fn saw_tagged() {
    let mut seen = SEEN.get();
    seen.tagged = true;
    SEEN.set(seen);
}

/// Whether an atom of this text was given away; may be true for another text.
pub(super) fn was_atom(text: &str) -> bool {
    SEEN.get().atoms & bit(text) != 0
}

fn bit(text: &str) -> u128 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    1 << (hash >> 57)
}

/// Whether a deserializer with this error reads what was set aside out of our input, and not another format.
pub(super) fn is_ours<E>() -> bool {
    type_name::<E>() == type_name::<DecodeError>()
}

#[cold]
fn lose(text: impl std::fmt::Display) -> DecodeError {
    let error = DecodeError::custom(text);
    LOST.set(Some(error.clone()));
    let mut seen = SEEN.get();
    seen.lost = true;
    SEEN.set(seen);
    error
}

/// The error when `found` is none of these variants, if it would be one had serde not set it aside.
pub(super) fn unknown_variant(found: &str, variants: &[&str]) -> Option<DecodeError> {
    let meant = |variant: &&&str| **variant != found && is_named(found, variant);
    let variant = variants.iter().find(meant)?;
    was_atom(found).then(|| {
        lose(format_args!(
            "the atom {found} is the variant {variant}, but serde set it aside (`flatten`, `tag`, `untagged`), where names are as in \
             Rust: put #[serde(rename_all = \"snake_case\")] on this enum"
        ))
    })
}

/// The error when something of another type was found, if it would be of this type had serde not set it aside.
pub(super) fn invalid_type(found: &Unexpected<'_>, expected: &dyn Expected) -> Option<DecodeError> {
    match found {
        // What serde expects of an enum that it kept.
        Unexpected::Seq if SEEN.get().tagged && expected.to_string() == "string or map" => {
            Some(lose(
                "a variant with data is a tagged tuple, but serde set it aside (`flatten`, `tag`, `untagged`), where tuples are \
                 sequences: put #[serde(tag = \"type\")] on this enum, or take the derives of kista_etf",
            ))
        }
        Unexpected::Str(text) if was_atom(text) => {
            let expected = expected.to_string();
            let name = expected.strip_prefix("unit struct ")?;
            is_named(text, name).then(|| {
                lose(format_args!(
                    "the atom {text} is the unit struct {name}, but serde set it aside (`flatten`, `tag`, `untagged`), where \
                     it is a text: make it an enum with one variant and #[serde(rename_all = \"snake_case\")]"
                ))
            })
        }
        _ => None,
    }
}

/// The error for a value of ours that lost what it was.
pub(super) fn not_as_it_was(what: &str) -> DecodeError {
    lose(format_args!(
        "{what} cannot be read from what serde set aside (`flatten`, `tag`, `untagged`), where atoms are texts and tuples are \
         sequences: keep it out of there, or take the derives of kista_etf"
    ))
}

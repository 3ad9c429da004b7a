//! serde types straight to and from the external term format; feature `serde`.
//!
//! ```
//! use kista_etf::serde::{from_slice, to_term, to_vec};
//!
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
//! enum Request {
//!     Get,
//!     Add { amount: i64, note: Option<String> },
//! }
//!
//! let request = Request::Add { amount: 2, note: None };
//! assert_eq!(to_term(&request).unwrap().to_string(), "{add,#{amount => 2,note => undefined}}");
//!
//! let bytes = to_vec(&request).unwrap();
//! assert_eq!(from_slice::<Request>(&bytes).unwrap(), request);
//! ```
//!
//! A value has the form that the derives of this crate give it, so that one node may use these and another one serde:
//!
//! | Rust | Erlang |
//! |---|---|
//! | integers, floats, `bool`, tuples, `Vec`, maps | as everywhere in this crate |
//! | `String`, `&str`, `char` | binary of UTF-8 |
//! | what serde calls bytes (`serde_bytes`) | binary |
//! | `()` | `undefined`; `nil` and `ok` are read too: serde does not tell it from the null of `serde_json::Value` |
//! | `PhantomData` | `ok` |
//! | `Option` | `undefined`, or the value; `nil` is read too |
//! | `Result` | `{ok, Value}`, `{error, Reason}`; `Ok(())` is `ok`, `Err(())` is `error` |
//! | `Duration`, `SystemTime` | nanoseconds |
//! | `struct S { a: A }` | `#{a => A}` |
//! | `struct S(A)`, `struct S(A, B)`, `struct S;` | `A`, `{A, B}`, `s` |
//! | `E::GetAll`, `E::Add(A)`, `E::Add(A, B)`, `E::Add { a: A }` | `get_all`, `{add, A}`, `{add, A, B}`, `{add, #{a => A}}` |
//! | [`Term`], [`Atom`](struct@crate::Atom), [`Pid`](crate::Pid), ... | themselves |
//!
//! The rules:
//!
//! 1. Names of variants and unit structs in UpperCamelCase become snake_case; all others, `rename = "DOWN"` for one, stay. A
//!    name of capitals only counts as one of those others.
//! 2. Keys of structs and of maps with `String` keys are read as atoms and as binaries. Keys of structs are written as atoms;
//!    those of a struct with `flatten` as binaries, since serde does not tell them from data, and data must not become atoms.
//! 3. Nothing read is interned, but what an [`Atom`](struct@crate::Atom) or a [`Term`] is asked for.
//! 4. A map with a key twice is refused, whatever it is read as, and nesting is bounded by
//!    [`Limits::recursion`](crate::Limits::recursion).
//! 5. What asks for nothing in particular (`serde_json::Value`, and what serde sets aside) gets `true` and `false` as booleans,
//!    `undefined` and `nil` as null, other atoms as strings, binaries as strings if they are UTF-8 and else as bytes, tuples and
//!    lists as sequences, and pids and their like as maps of their parts.
//!
//! # `flatten`, `tag` and `untagged`
//!
//! With these attributes serde sets values aside, in a form that knows neither atoms nor tuples, and reads them from there
//! without asking this crate. What stands inside of such a type must be written so that nothing is lost:
//!
//! | inside of a type with `flatten`, `tag` or `untagged` | write |
//! |---|---|
//! | an enum without data | `#[serde(rename_all = "snake_case")]` on that enum |
//! | an enum with data | `#[serde(tag = "type", rename_all = "snake_case")]` on that enum, or with `content = "value"` too |
//! | a unit struct, a `Result` | an enum like these |
//! | [`Term`], [`exact`] for more than numbers | not there |
//! | `Duration`, `SystemTime` | `#[serde(with = "kista_etf::serde::exact")]` on the field |
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! #[serde(rename_all = "snake_case")]                 // without it: an error that says so
//! enum Color { Red, DarkBlue }
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! #[serde(untagged)]
//! enum Paint { Color(Color), Mix(String) }
//!
//! let bytes = kista_etf::serde::to_vec(&Paint::Color(Color::DarkBlue)).unwrap();
//! assert!(matches!(kista_etf::serde::from_slice(&bytes).unwrap(), Paint::Color(Color::DarkBlue)));
//! ```
//!
//! Otherwise reading fails with an error that names the attribute to write: also where serde would go on to another variant of
//! an `untagged` enum, or leave the field out. Two things nobody here gets to see: an enum with `#[serde(other)]` takes `red`
//! for its other variant; and a `String` in there takes atoms, an enum binaries. The derives of this crate set nothing aside:
//! their `flatten` and `untagged` have none of these limits.
//!
//! What else serde cannot do: tell an array from a tuple (it is written as a tuple, and read from both). An IP address is text,
//! as serde has it. [`exact`] takes single fields out of serde's hands; [`Serde`] goes the other way, and so does
//! `#[etf(with = kista_etf::serde)]` on a field.
//!
//! In other formats the values of this crate have a form as near as it gets: `serde_json` shows an atom as a string, and a pid
//! as an object of its parts, which a `Pid` reads back. Formats that are not for people get the bytes of `term_to_binary`.

mod access;
mod aside;
mod compound;
mod deserializer;
mod error;
mod form;
mod keys;
mod loan;
mod names;
mod native;
mod native_sink;
mod serializer;
mod sink;
mod source;
mod term_builder;
mod term_reader;
mod time;
mod wrapper;

use bytes::Bytes;
use serde_core::de::DeserializeOwned;
use serde_core::{Deserialize, Serialize};

pub use deserializer::Deserializer;
pub use native::exact;
pub use serializer::Serializer;
pub use term_builder::TermBuilder;
pub use term_reader::TermReader;
pub use wrapper::Serde;

use crate::{DecodeError, Decoder, EncodeError, Encoder, Limits, Term};

/// What `term_to_binary` makes of this value.
///
/// ```
/// assert_eq!(kista_etf::serde::to_vec(&(1, "a")).unwrap(), [131, 104, 2, 97, 1, 109, 0, 0, 0, 1, b'a']);
/// ```
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    crate::to_vec(&Serde(value))
}

/// Reads what `term_to_binary` made, also compressed. Nothing may follow it.
///
/// ```
/// let bytes = [131, 104, 2, 97, 1, 109, 0, 0, 0, 1, b'a'];
/// let value: (u8, String) = kista_etf::serde::from_slice(&bytes).unwrap();
/// assert_eq!(value, (1, "a".to_string()));
/// ```
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    from_slice_with(bytes, &Limits::DEFAULT)
}

/// [`from_slice`] with limits of one's own.
pub fn from_slice_with<T: DeserializeOwned>(
    bytes: &[u8],
    limits: &Limits,
) -> Result<T, DecodeError> {
    crate::from_slice_with::<Serde<T>>(bytes, limits).map(|Serde(value)| value)
}

/// Reads a value that may borrow from the input, which must not be compressed.
///
/// ```
/// let bytes = [131, 104, 2, 97, 1, 109, 0, 0, 0, 1, b'a'];
/// let value: (u8, &str) = kista_etf::serde::from_slice_borrowed(&bytes).unwrap();
/// assert_eq!(value, (1, "a"));
/// ```
pub fn from_slice_borrowed<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let mut d = Decoder::new(crate::external::plain(bytes, &Limits::DEFAULT)?);
    let value = decode(&mut d)?;
    d.finish()?;
    Ok(value)
}

/// [`from_slice`] out of shared memory: large binaries in a [`Term`] or [`Binary`](crate::Binary) become slices of it.
///
/// ```
/// use kista_etf::{Binary, serde::{from_bytes, to_vec}};
/// let bytes = bytes::Bytes::from(to_vec(&Binary::from(vec![7; 5000])).unwrap());
/// let binary: Binary = from_bytes(&bytes).unwrap();
/// assert!(bytes.as_ptr_range().contains(&binary.as_ptr()));
/// ```
pub fn from_bytes<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, DecodeError> {
    crate::from_bytes::<Serde<T>>(bytes).map(|Serde(value)| value)
}

/// Writes one term; with [`decode`] what `#[etf(with = kista_etf::serde)]` asks for.
///
/// ```
/// let mut e = kista_etf::Encoder::new();
/// kista_etf::serde::encode(&true, &mut e).unwrap();
/// assert_eq!(e.inline_bytes(), [119, 4, b't', b'r', b'u', b'e']);
/// ```
pub fn encode<T: Serialize + ?Sized>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
    value.serialize(Serializer::new(e))
}

/// Reads one term. Has not moved after a mismatch.
///
/// ```
/// let mut d = kista_etf::Decoder::new(&[97, 7]);
/// assert!(kista_etf::serde::decode::<&str>(&mut d).unwrap_err().is_mismatch());
/// assert_eq!(kista_etf::serde::decode::<u8>(&mut d).unwrap(), 7);
/// ```
pub fn decode<'a, T: Deserialize<'a>>(d: &mut Decoder<'a>) -> Result<T, DecodeError> {
    let mark = d.mark();
    aside::watch(|| T::deserialize(Deserializer::new(d))).inspect_err(|_| d.reset(mark))
}

/// The value as a term.
///
/// ```
/// assert_eq!(kista_etf::serde::to_term(&Some(1.5)).unwrap().as_float(), Some(1.5));
/// ```
pub fn to_term<T: Serialize + ?Sized>(value: &T) -> Result<Term, EncodeError> {
    let mut builder = TermBuilder::default();
    value.serialize(Serializer::new(&mut builder))?;
    builder
        .finish()
        .ok_or_else(|| EncodeError::custom("an implementation of Serialize wrote nothing"))
}

/// A value out of a term, from which it may borrow.
///
/// ```
/// use kista_etf::Term;
/// let term = Term::from((1, "a"));
/// assert_eq!(kista_etf::serde::from_term::<(u8, &str)>(&term).unwrap(), (1, "a"));
/// ```
pub fn from_term<'a, T: Deserialize<'a>>(term: &'a Term) -> Result<T, DecodeError> {
    aside::watch(|| T::deserialize(Deserializer::new(&mut TermReader::new(term))))
}

//! Erlang terms and the external term format: bounded, direct, fast.
//!
//! ```
//! use kista_etf::{Decode, Encode, from_slice, to_vec};
//!
//! #[derive(Debug, PartialEq, Encode, Decode)]
//! enum Request {
//!     Get,          // the atom `get`
//!     Add(i64),     // the tuple `{add, 2}`
//! }
//!
//! let bytes = to_vec(&Request::Add(2)).unwrap();          // what `term_to_binary({add, 2})` writes
//! assert_eq!(from_slice::<Request>(&bytes).unwrap(), Request::Add(2));
//! ```
//!
//! Three ways in, for three needs:
//!
//! - [`Encode`] and [`Decode`] (and their derives) move Rust types straight to and from bytes.
//! - [`Term`] holds any Erlang term, understood or not, and gives it back unchanged.
//! - [`Encoder`] and [`Decoder`] write and read one item at a time.
//!
//! Nothing here can be hurt by its input: every length is checked before memory is taken, nothing recurses on it, and names
//! from outside are interned only as far as an [`AtomQuota`] allows. Limits are in [`Limits`]; errors say who is at fault
//! ([`DecodeError::fault`]). There is no runtime, no socket and no clock in this crate.

extern crate self as kista_etf;

mod atom;
mod atom_name;
pub mod atoms;
mod binary;
mod charlist;
mod decode;
mod decoder;
mod encode;
mod encoder;
mod error;
mod external;
pub mod fields;
mod kind;
mod limits;
mod parse;
#[doc = include_str!("mapping.md")]
pub mod mapping {}
mod pid;
mod port;
mod quota;
mod read_identifier;
mod read_term;
mod reference;
#[cfg(feature = "serde")]
pub mod serde;
mod skip;
mod static_atom;
#[doc(hidden)]
#[allow(missing_docs)]
pub mod support;
mod tag;
pub mod term;
#[cfg(feature = "derive")]
mod term_macro;
mod text_view;
mod transcode;
mod types;
pub mod with;
mod write_term;

pub use atom::{Atom, AtomError};
pub use atom_name::{AtomName, AtomText};
pub use binary::{Binary, BitString};
pub use charlist::Charlist;
pub use decode::{Decode, DecodeOwned};
pub use decoder::{Decoder, ListHeader, Mark};
pub use encode::Encode;
pub use encoder::Encoder;
pub use error::{DecodeError, EncodeError, Fault, Place, Within};
pub use external::{
    Compression, from_bytes, from_bytes_with, from_slice, from_slice_borrowed, from_slice_with,
    to_vec, to_vec_compressed,
};
pub use kind::Kind;
#[cfg(feature = "derive")]
#[doc(hidden)]
pub use kista_derive::term as __term;
#[cfg(feature = "derive")]
pub use kista_derive::{Decode, Encode};
pub use limits::Limits;
pub use num_bigint::{BigInt, Sign};
pub use parse::{ParseError, Problem};
pub use pid::Pid;
pub use port::Port;
pub use quota::AtomQuota;
pub use reference::Reference;
pub use static_atom::StaticAtom;
pub use term::Term;

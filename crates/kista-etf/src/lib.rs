//! Erlang terms and the external term format: complete, bounded, direct, fast.
//!
//! A struct goes to Elixir and back:
//!
//! ```
//! use kista_etf::{Decode, Encode, from_slice, to_vec};
//!
//! #[derive(Debug, PartialEq, Encode, Decode)]
//! #[etf(elixir = "Shop.Order")]                     // %Shop.Order{id: 7, note: nil, lines: [..]}
//! struct Order { id: u64, note: Option<String>, lines: Vec<Line> }
//!
//! #[derive(Debug, PartialEq, Encode, Decode)]
//! enum Line { Shipping, Item(String, u32) }         // :shipping, {:item, "tea", 2}
//!
//! let order = Order { id: 7, note: None, lines: vec![Line::Shipping, Line::Item("tea".into(), 2)] };
//! let bytes = to_vec(&order)?;
//! assert_eq!(from_slice::<Order>(&bytes)?, order);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```elixir
//! defmodule Shop.Order do
//!   defstruct [:id, :note, lines: []]
//! end
//!
//! :erlang.binary_to_term(bytes)       # %Shop.Order{id: 7, note: nil, lines: [:shipping, {:item, "tea", 2}]}
//! :erlang.term_to_binary(%Shop.Order{id: 8, lines: [:shipping]})             # what from_slice::<Order> reads
//! ```
//!
//! Any other term is a [`Term`], in Erlang's own syntax where that is handy:
//!
//! ```
//! use kista_etf::{Term, term};
//!
//! let name = "Jo";
//! let term = term!({ok, #{name => (name), tags => [new, <<"vip">>]}});
//! assert_eq!(term.to_string(), r#"{ok,#{name => <<"Jo">>,tags => [new,<<"vip">>]}}"#);
//! assert_eq!(term.to_string().parse::<Term>()?, term);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Which way for what:
//!
//! | need | way |
//! |---|---|
//! | my types | [`Encode`] and [`Decode`] with their derives: straight between bytes and fields; [`mapping`] has every form |
//! | types with serde | the feature `serde`: the module `serde`, in the same forms. After `use kista_etf::*` the name `serde` is this module: write `::serde` for the crate, or import by name |
//! | whatever comes | [`Term`]: equal, ordered and hashed as `=:=`, [`erl_eq`](Term::erl_eq) and [`erl_cmp`](Term::erl_cmp) as `==` and `<`, [`phash2`](Term::phash2) |
//! | text and bytes in whatever form | [`Term::as_text`], [`Term::iolist_to_binary`] |
//! | a [`Term`] as one of my types, and back | [`from_term`], [`to_term`]; `TryFrom` and `From` for plain values |
//! | one item at a time | [`Encoder`], [`Decoder`] |
//! | bytes out of the input | `&str` and `&[u8]` by [`from_slice_borrowed`]; [`Binary`] and `Bytes` share large ones by [`from_bytes`] |
//! | smaller bytes | [`to_vec_compressed`] |
//!
//! Nothing here can be hurt by its input: every length is checked before memory is taken, nothing recurses on it, and names
//! from outside are interned only as far as an [`AtomQuota`] allows. Limits are in [`Limits`]; errors say where, and who is at
//! fault ([`DecodeError::fault`]). There is no runtime, no socket and no clock in this crate.
//!
//! Source: *External Term Format* in the ERTS User's Guide; what OTP 25, 27 and 29 do, where that differs.

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
mod reference;
mod renaming;
#[cfg(feature = "serde")]
pub mod serde;
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

pub use atom::{Atom, AtomError};
pub use atom_name::{AtomName, AtomText};
pub use binary::{Binary, BitString};
pub use charlist::Charlist;
pub use decode::{Decode, DecodeOwned};
pub use decoder::{AtomTable, Decoder, FoundAtom, ListHeader, Mark};
pub use encode::Encode;
pub use encoder::Encoder;
pub use error::{DecodeError, EncodeError, Fault, Limited, Place, Within};
pub use external::{
    Compression, from_bytes, from_bytes_with, from_slice, from_slice_borrowed,
    from_slice_borrowed_with, from_slice_with, from_slice_with_quota, from_term, to_term, to_vec,
    to_vec_compressed,
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
pub use renaming::{Incarnation, Renaming};
pub use static_atom::StaticAtom;
pub use term::Term;

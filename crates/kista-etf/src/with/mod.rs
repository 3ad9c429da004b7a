//! Other forms for single fields: what `#[etf(with = ..)]` names.
//!
//! Each module takes the types its page names, and an `Option` or a `Vec` of them: `Option<Duration>` in milliseconds,
//! `Vec<Vec<u8>>` as a list of binaries. It has a function `encode(&value, &mut Encoder)` and a function
//! `decode(&mut Decoder)`; a module of one's own needs the same two, and makes its errors with
//! [`EncodeError::custom`](crate::EncodeError::custom) and [`DecodeError::custom`](crate::DecodeError::custom):
//!
//! ```
//! mod hex {
//!     use kista_etf::{DecodeError, Decoder, EncodeError, Encoder};
//!
//!     pub fn encode(value: &u32, e: &mut Encoder) -> Result<(), EncodeError> {
//!         e.binary(format!("{value:x}").as_bytes());
//!         Ok(())
//!     }
//!
//!     pub fn decode(d: &mut Decoder<'_>) -> Result<u32, DecodeError> {
//!         u32::from_str_radix(d.str()?, 16).map_err(DecodeError::custom)
//!     }
//! }
//!
//! #[derive(kista_etf::Encode, kista_etf::Decode)]
//! struct Color { #[etf(with = hex)] rgb: u32 }
//!
//! let bytes = kista_etf::to_vec(&Color { rgb: 0xff8000 }).unwrap();
//! assert!(bytes.ends_with(b"ff8000"));
//! assert_eq!(kista_etf::from_slice::<Color>(&bytes).unwrap().rgb, 0xff8000);
//! ```
//!
//! The ready ones:
//!
//! ```
//! use std::time::Duration;
//! use kista_etf::{Decode, Encode, Term, from_slice, to_vec, with};
//!
//! #[derive(Debug, PartialEq, Encode, Decode)]
//! struct Job {
//!     #[etf(with = with::charlist)]
//!     name: String,
//!     #[etf(with = with::binary)]
//!     data: Vec<u8>,
//!     #[etf(with = with::milliseconds)]
//!     timeout: Duration,
//!     #[etf(with = with::number)]
//!     weight: f64,
//! }
//!
//! let job = Job { name: "Jo".into(), data: vec![1], timeout: Duration::from_secs(5), weight: 1.5 };
//! let bytes = to_vec(&job).unwrap();
//! let term: Term = from_slice(&bytes).unwrap();
//! assert_eq!(term.to_string(), "#{data => <<1>>,name => \"Jo\",timeout => 5000,weight => 1.5}");
//! assert_eq!(from_slice::<Job>(&bytes).unwrap(), job);
//! ```

pub mod binary;
pub mod charlist;
mod forms;
pub mod nil;
pub mod number;
mod time;

pub use forms::{DecodeAs, EncodeAs};
pub use time::{Ticks, microseconds, milliseconds, nanoseconds, seconds};

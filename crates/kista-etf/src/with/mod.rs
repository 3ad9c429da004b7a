//! Other forms for single fields: what `#[etf(with = ..)]` names.
//!
//! Each module has a function `encode(&value, &mut Encoder)` and a function `decode(&mut Decoder)`; a module of one's own needs
//! the same two.
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
pub mod nil;
pub mod number;
mod time;

pub use time::{Ticks, microseconds, milliseconds, nanoseconds, seconds};

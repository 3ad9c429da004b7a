//! `Encode` and `Decode` for the types of the standard library, of `bytes` and `num-bigint`, and for terms: a file for each
//! family, with both directions. Which form a type has is told in [`mapping`](crate::mapping).

mod bytes;
mod float;
mod integer;
mod list;
mod map;
mod net;
mod option;
mod parts;
mod pointer;
mod term;
mod text;
mod time;
mod tuple;
mod unit;

pub(crate) use list::{decode_vec, encode_list};

use crate::EncodeError;

/// The format counts with 32 bits.
pub(crate) fn fits(len: usize, what: &'static str) -> Result<(), EncodeError> {
    if u32::try_from(len).is_ok() {
        Ok(())
    } else {
        Err(EncodeError::TooLong { what })
    }
}

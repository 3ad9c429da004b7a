//! Compressed terms.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use kista_etf::{Decoder, Fault, Term, from_slice_with, to_vec_compressed};

use crate::names::limits;
use crate::owned::same;
use crate::within_budget;

/// Reads the input as what follows the bytes 131, 80; or as a term that is compressed first, with the size it has, or with one
/// that it has not; or writes the term itself. Its first byte says which, and the level.
pub fn compressed(input: &[u8]) {
    let Some((how, term)) = input.split_first() else {
        return;
    };
    let (what, level) = (how % 8, u32::from(how / 8) % 10);
    let pack = |size: usize| {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(level));
        packed.write_all(term).expect("memory takes it");
        let packed = packed.finish().expect("memory takes it");
        [&[131, 80][..], &(size as u32).to_be_bytes(), &packed].concat()
    };
    match what {
        // Packing takes most of the time, so most inputs are taken as they are.
        0..=4 => foreign(&[&[131, 80], term].concat()),
        5 => foreign(&pack(term.len())),
        6 => {
            let lie = term.len() + 1 + usize::from(term.first().copied().unwrap_or(0));
            let bytes = pack(lie);
            let refused = within_budget(bytes.len() + lie, || {
                from_slice_with::<Term>(&bytes, &limits())
            });
            assert!(refused.is_err(), "{lie} is not the size");
        }
        _ => {
            let Ok(value) = Decoder::new(term).quota(&crate::names::QUOTA).term() else {
                return;
            };
            let ours = to_vec_compressed(&value, level).expect("it can be written");
            let back = from_slice_with(&ours, &limits()).expect("our own bytes");
            same(&value, &back);
        }
    }
}

/// Bytes of somebody else. What they say to inflate to is paid for by the input only up to the limits.
fn foreign(bytes: &[u8]) {
    let mut limits = limits();
    limits.inflated_free = 64 * 1024;
    let claimed = bytes
        .get(2..6)
        .and_then(|size| size.try_into().ok())
        .map_or(0, u32::from_be_bytes) as usize;
    let allowed = (bytes.len() * limits.inflation_ratio).max(limits.inflated_free);
    let read = within_budget(bytes.len() + claimed.min(allowed), || {
        from_slice_with::<Term>(bytes, &limits)
    });
    match read {
        Ok(_) => assert!(claimed <= allowed),
        Err(error) => assert_ne!(error.fault(), Fault::Mismatch, "{error}"),
    }
}

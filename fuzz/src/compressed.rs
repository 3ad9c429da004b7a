//! Compressed terms.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use kista_etf::{Decoder, Fault, Limits, Term, from_slice_with, to_vec_compressed};

use crate::owned::same;
use crate::within_budget;

/// Reads the input as what follows the bytes 131, 80; then as a term that is compressed first, with the size it has, and
/// with one that it has not.
pub fn compressed(input: &[u8]) {
    foreign(&[&[131, 80], input].concat());

    let Some((how, term)) = input.split_first() else {
        return;
    };
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::new(u32::from(how % 10)));
    packed.write_all(term).expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    let with_size = |size: usize| [&[131, 80][..], &(size as u32).to_be_bytes(), &packed].concat();
    foreign(&with_size(term.len()));
    let lie = term
        .len()
        .wrapping_add(usize::from(how / 10))
        .wrapping_sub(12);
    if lie != term.len() {
        let refused = within_budget(packed.len() + lie.min(1 << 20), || {
            from_slice_with::<Term>(&with_size(lie), &Limits::DEFAULT)
        });
        assert!(refused.is_err(), "{lie} is not the size");
    }

    let Ok(value) = Decoder::new(term).quota(&crate::names::QUOTA).term() else {
        return;
    };
    let ours = to_vec_compressed(&value, u32::from(how % 10)).expect("it can be written");
    same(
        &value,
        &from_slice_with(&ours, &Limits::DEFAULT).expect("our own bytes"),
    );
}

/// Bytes of somebody else. What they say to inflate to is paid for by the input only up to the limits.
fn foreign(bytes: &[u8]) {
    let mut limits = Limits::DEFAULT;
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

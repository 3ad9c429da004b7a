//! What is written and read in the codec rows (T).
//!
//! 1. Every codec gets the same document: the bytes of [`Document::bytes`], read by whatever it reads with. Ours are read as
//!    the Rust types in [`types`] and as `Term`; those of JSON and MessagePack, which have fewer kinds of value, hold the same
//!    text and numbers.
//! 2. Before anything is measured a codec shows what it does: what it encodes is read by us, and must be the document; what
//!    it decodes is encoded by itself, and then the same.
//! 3. A codec that can write into memory used before does so; one that cannot, or a VM, makes new memory each time. What was
//!    decoded is dropped within the time; a VM's garbage collection is within it too.

mod document;
mod measured;
pub(crate) mod types;

pub(crate) use document::Document;
pub(crate) use measured::measured;

//! `derive(Encode, Decode)`: Rust types straight to and from the external term format.
//!
//! What stands for what is in `kista-etf/src/mapping.md`. The way there: `attrs` reads the attributes, `model` makes a form out
//! of them and of the type, `check` refuses what cannot work; `encode`, `decode` and `decode_keyed` write the implementations.
//! The rules:
//!
//! 1. What is generated calls only public functions of `kista-etf`, by the path that `#[etf(crate = path)]` gives: the documented
//!    ones, and those of its hidden module `support`, which keep the expansion short.
//! 2. No atom is interned to be compared or written, unless a message has an atom table. Names are compared as texts, first
//!    with the one that is expected next, else through a table made by the compiler.
//! 3. What cannot work is a compile error at the place it is written, saying what to write.

mod attrs;
mod check;
mod decode;
mod decode_keyed;
mod encode;
mod generics;
mod literal;
mod model;
pub(crate) mod names;

use proc_macro2::TokenStream;

pub(crate) fn encode(input: TokenStream) -> TokenStream {
    expand(input, encode::expand)
}

pub(crate) fn decode(input: TokenStream) -> TokenStream {
    expand(input, decode::expand)
}

fn expand(input: TokenStream, generate: impl FnOnce(&model::Type) -> TokenStream) -> TokenStream {
    match syn::parse2(input).and_then(model::Type::new) {
        Ok(model) => generate(&model),
        Err(error) => error.into_compile_error(),
    }
}

//! `derive(Encode, Decode)`: Rust types straight to and from the external term format.
//!
//! | Rust | Erlang |
//! |---|---|
//! | `enum E { Get }` | `get` |
//! | `enum E { Add(i64) }`, `enum E { Add { k: i64 } }` | `{add, K}` |
//! | `struct S { a: A }` | `#{a => A}` |
//! | `#[etf(tag = "s")] struct S { a: A }` | `{s, A}`: a record |
//! | `#[etf(tuple)] struct S { a: A }`, `struct S(A, B)` | `{A}`, `{A, B}` |
//! | `struct S(A)` | `A` |
//! | `struct S;` | `s` |
//!
//! The rules:
//!
//! 1. Names are atoms in snake_case (variants, unit structs) or as they are (fields); `rename` says another one.
//! 2. What is generated calls only public functions of `kista-etf`, by the path that `#[etf(crate = path)]` gives, and keeps
//!    each atom in a `static`: no table is asked for it twice.
//! 3. What cannot work is a compile error at the place it is written, saying what to write.

mod attrs;
mod decode;
mod encode;
mod model;

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

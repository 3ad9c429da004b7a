//! The macros of Kista.

mod etf;

use proc_macro::TokenStream;

/// Derives `kista_etf::Encode`.
#[proc_macro_derive(Encode, attributes(etf))]
pub fn derive_encode(input: TokenStream) -> TokenStream {
    etf::encode(input.into()).into()
}

/// Derives `kista_etf::Decode`.
#[proc_macro_derive(Decode, attributes(etf))]
pub fn derive_decode(input: TokenStream) -> TokenStream {
    etf::decode(input.into()).into()
}

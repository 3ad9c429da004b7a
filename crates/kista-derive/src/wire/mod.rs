//! `impl Message`: how messages are read and written, for `#[gen_server]` and `#[derive(Message)]` alike.
//!
//! 1. A named message is the atom of its name, or a tuple that begins with it; it is found by the atom, which need not be
//!    interned, and the tuple's size.
//! 2. The reply token is taken last, when nothing can fail any more: a request that does not fit is refused by its caller's
//!    token, which is still there.
//! 3. Where there is an `other`, a known name whose arguments do not fit counts as one; bytes that are no term at all are an
//!    error, which ends the connection they came by.

mod decode;
mod encode;
mod model;
mod support;

use proc_macro2::TokenStream;
use quote::quote;

pub(crate) use model::{Messages, Select, Travel, Variant};
pub(crate) use support::{glue, local};

/// `impl Message for CounterMsg`, and what it calls. To be put into a scope of its own.
pub(crate) fn impls(messages: &Messages<'_>) -> TokenStream {
    let kista = messages.kista;
    let (generics, arguments, bounds) = messages.generics.split_for_impl();
    let ident = messages.ident;
    let travels = !messages.local && !messages.variants.is_empty();
    let helpers = (!messages.local).then(|| support::helpers(messages));
    let send_check = support::send_check(messages);
    let wire = travels.then(|| {
        let (decode, encode) = (decode::methods(messages), encode::method(messages));
        quote!(#decode #encode)
    });
    let kinds = encode::kinds(messages);
    quote! {
        #helpers
        #send_check
        #[automatically_derived]
        impl #generics #kista::Message for #ident #arguments #bounds { #kinds #wire }
    }
}

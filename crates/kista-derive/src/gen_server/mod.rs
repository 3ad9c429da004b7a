//! `#[gen_server]`: an impl block becomes a server.
//!
//! 1. The block is left as the user wrote it, less the helper attributes: [`parse`] takes them off and returns the
//!    [`Server`], which knows everything that the rest needs.
//! 2. Beside it stand the message enum ([`expand_msg`]) and its wire form ([`wire`](crate::wire)), the client ([`expand_client`]), and the
//!    implementation of `GenServer` ([`expand_server`]). What need not be named by users is within one `const _`.
//! 3. A mistake is reported at the token that makes it, all mistakes at once, and what can be generated still is: a wrong
//!    method does not bury its own error under a dozen missing names.
//! 4. Generated code names everything by absolute paths, and its own locals hygienically: nothing the user has in scope
//!    changes what it means.

mod check;
mod expand_client;
mod expand_msg;
mod expand_server;
mod model;
mod names;
mod options;
mod params;
mod parse;
mod roles;
mod self_type;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemImpl;

use model::Server;
use options::Options;
pub(crate) use roles::atom;

use crate::errors::Errors;
use crate::wire;

/// The attribute's arguments and the item under it become the item and what goes with it.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut block: ItemImpl = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(_) => {
            let error = syn::Error::new_spanned(
                &item,
                "#[gen_server] goes on an `impl` block: `impl Counter { .. }`",
            );
            let error = error.to_compile_error();
            return quote!(#item #error);
        }
    };
    let mut errors = Errors::default();
    let options = errors.check(Options::parse(arguments)).unwrap_or_default();
    let server = parse::server(&mut block, options, &mut errors);
    let generated = server.as_ref().map(generate);
    quote!(#block #generated #errors)
}

fn generate(server: &Server) -> TokenStream {
    let msg = expand_msg::item(server);
    let client = expand_client::item(server);
    let impls = [
        wire::impls(&server.messages()),
        expand_client::impls(server),
        expand_server::impls(server),
    ];
    let cfg = &server.cfg;
    quote! {
        #msg
        #client
        // The user's lints judge the user's code. `dead_code`: a call may come from other nodes only.
        #(#cfg)*
        #[allow(
            clippy::all,
            clippy::nursery,
            clippy::pedantic,
            dead_code,
            deprecated,
            non_local_definitions,
            private_bounds,
            private_interfaces,
            rustdoc::broken_intra_doc_links,
            unreachable_code,
            unreachable_pub,
            unused_variables
        )]
        const _: () = { #(#impls)* };
    }
}

//! `term!`: Erlang syntax to an expression that builds the term.
//!
//! `read.rs` makes a [`Node`](node::Node) out of Rust's tokens, `binary.rs` the segments of one; `write.rs` makes Rust out of the node.
//! What Rust's tokens cannot spell is spelled otherwise: `:"quoted atom"`, since `'two words'` is no token; and a Rust
//! expression stands in parentheses, which no Erlang term needs.

mod binary;
mod node;
mod read;
mod write;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::Error;

/// The input begins with the path of `kista-etf`, in parentheses.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut tokens = input.into_iter();
    let path = match tokens.next() {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            group.stream()
        }
        _ => {
            let error = Error::new(proc_macro2::Span::call_site(), "use `kista_etf::term!`");
            return error.into_compile_error();
        }
    };
    match read::whole(tokens.collect()) {
        Ok(node) => write::expression(&path, &node),
        Err(error) => error.into_compile_error(),
    }
}

#[cfg(test)]
mod tests;

//! Names as the compiler sees them: already in their wire form.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

/// A statement that writes an atom of the program.
pub(super) fn known_atom(krate: &Path, text: &str) -> TokenStream {
    let inline = match u8::try_from(text.len()) {
        Ok(len) => [&[119, len], text.as_bytes()].concat(),
        // At most 255 characters of four bytes: checked where the name was read.
        Err(_) => [
            &[118],
            &(text.len() as u16).to_be_bytes()[..],
            text.as_bytes(),
        ]
        .concat(),
    };
    let inline = Literal::byte_string(&inline);
    quote! {{
        static __ATOM: #krate::StaticAtom = #krate::StaticAtom::new(#text);
        __e.known_atom(&__ATOM, #inline);
    }}
}

/// A statement that writes a binary.
pub(super) fn binary(text: &str) -> TokenStream {
    let head = (text.len() as u32).to_be_bytes();
    let inline = Literal::byte_string(&[&[109], &head[..], text.as_bytes()].concat());
    quote!(__e.raw(#inline);)
}

/// A key as a `FieldKey`, as an expression and as a pattern.
pub(super) struct Key<'t> {
    pub(super) krate: Path,
    pub(super) binary: bool,
    pub(super) text: &'t str,
}

impl ToTokens for Key<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { krate, text, .. } = self;
        tokens.extend(if self.binary {
            let bytes = Literal::byte_string(text.as_bytes());
            quote!(#krate::fields::FieldKey::Binary(#bytes))
        } else {
            quote!(#krate::fields::FieldKey::Atom(#text))
        });
    }
}

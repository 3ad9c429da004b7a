use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::{Path, parse_quote};

/// The arguments of the attribute: `#[gen_server(local, crate = path::to::kista)]`.
pub(super) struct Options {
    /// The messages never leave the node, and need no wire form.
    pub(super) local: bool,
    /// Where kista is found.
    pub(super) kista: Path,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            local: false,
            kista: parse_quote!(::kista),
        }
    }
}

impl Options {
    pub(super) fn parse(arguments: TokenStream) -> syn::Result<Self> {
        let mut options = Self::default();
        syn::meta::parser(|meta| {
            if meta.path.is_ident("local") {
                options.local = true;
            } else if meta.path.is_ident("crate") {
                options.kista = meta.value()?.call(Path::parse_mod_style)?;
            } else {
                return Err(meta.error("unknown option: there are `local` and `crate = path`"));
            }
            Ok(())
        })
        .parse2(arguments)?;
        Ok(options)
    }
}

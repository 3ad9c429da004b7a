use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Path, parse_quote};

use crate::gen_server::atom;

/// `#[message(..)]` of the enum.
pub(super) struct EnumAttrs {
    pub(super) local: bool,
    pub(super) kista: Path,
}

/// `#[message(..)]` of a variant.
#[derive(Default)]
pub(super) struct VariantAttrs {
    pub(super) name: Option<LitStr>,
    pub(super) info: Option<Span>,
    pub(super) other: Option<Span>,
    pub(super) local: Option<Span>,
}

impl EnumAttrs {
    pub(super) fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut read = Self {
            local: false,
            kista: parse_quote!(::kista),
        };
        each(attributes, |meta| {
            if meta.path.is_ident("local") {
                read.local = true;
            } else if meta.path.is_ident("crate") {
                read.kista = meta.value()?.call(Path::parse_mod_style)?;
            } else {
                return Err(meta.error("unknown here: an enum has `local` and `crate = path`"));
            }
            Ok(())
        })?;
        Ok(read)
    }
}

impl VariantAttrs {
    pub(super) fn read(attributes: &[Attribute]) -> syn::Result<Self> {
        let mut read = Self::default();
        each(attributes, |meta| {
            let span = meta.path.get_ident().map(proc_macro2::Ident::span);
            let flag = match () {
                () if meta.path.is_ident("name") => {
                    read.name = Some(atom(meta.value()?.parse()?)?);
                    return Ok(());
                }
                () if meta.path.is_ident("info") => &mut read.info,
                () if meta.path.is_ident("other") => &mut read.other,
                () if meta.path.is_ident("local") => &mut read.local,
                () => {
                    let known =
                        "unknown here: a variant has `name = \"..\"`, `info`, `other` and `local`";
                    return Err(meta.error(known));
                }
            };
            *flag = span;
            Ok(())
        })?;
        let contradiction = match &read {
            Self {
                other: Some(span),
                name: Some(_),
                ..
            } => Some((
                *span,
                "`other` takes what has no name: leave out one of the two",
            )),
            Self {
                local: Some(span),
                name,
                info,
                other,
            } if name.is_some() || info.is_some() || other.is_some() => Some((
                *span,
                "what stays on its node has no form on the wire: leave out the rest",
            )),
            _ => None,
        };
        match contradiction {
            Some((span, message)) => Err(syn::Error::new(span, message)),
            None => Ok(read),
        }
    }
}

fn each(
    attributes: &[Attribute],
    mut read: impl FnMut(&ParseNestedMeta<'_>) -> syn::Result<()>,
) -> syn::Result<()> {
    let mut ours = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("message"));
    ours.try_for_each(|attribute| attribute.parse_nested_meta(|meta| read(&meta)))
}

//! The `#[etf(...)]` attributes of a type, a variant or a field.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr, Path, Result};

/// What stands in all `#[etf(...)]` of one item.
#[derive(Default)]
pub(super) struct Attrs {
    /// `crate = path`, on the type.
    pub(super) krate: Option<Path>,
    /// `rename = "name"`.
    pub(super) rename: Option<LitStr>,
    /// `tag = "name"`, on a struct.
    pub(super) tag: Option<LitStr>,
    /// `tuple`, on a struct.
    pub(super) tuple: bool,
    /// `default`, on a field.
    pub(super) default: bool,
    /// `skip`, on a field.
    pub(super) skip: bool,
    /// `other`, on a variant.
    pub(super) other: bool,
}

/// Where attributes stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Struct,
    Enum,
    Variant,
    /// A field of a struct that becomes a map.
    MapField,
    Field,
}

impl Place {
    fn allowed(self) -> &'static [&'static str] {
        match self {
            Self::Struct => &["crate", "rename", "tag", "tuple"],
            Self::Enum => &["crate"],
            Self::Variant => &["rename", "other"],
            Self::MapField => &["rename", "default", "skip"],
            Self::Field => &["skip"],
        }
    }
}

impl Attrs {
    pub(super) fn new(attributes: &[Attribute], place: Place) -> Result<Self> {
        let mut attrs = Self::default();
        for attribute in attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("etf"))
        {
            attribute.parse_nested_meta(|meta| attrs.read(&meta, place))?;
        }
        Ok(attrs)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>, place: Place) -> Result<()> {
        let name = meta
            .path
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        if !place.allowed().contains(&name.as_str()) {
            let known = place
                .allowed()
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ");
            return Err(meta.error(format!("`{name}` is not known here; there is {known}")));
        }
        match name.as_str() {
            "crate" => self.krate = Some(path(meta)?),
            "rename" => self.rename = Some(atom(meta)?),
            "tag" => self.tag = Some(atom(meta)?),
            "tuple" => self.tuple = true,
            "default" => self.default = true,
            "skip" => self.skip = true,
            _ => self.other = true,
        }
        Ok(())
    }
}

/// `crate = path` or `crate = "path"`.
fn path(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    let value = meta.value()?;
    if value.peek(LitStr) {
        value.parse::<LitStr>()?.parse()
    } else {
        value.call(Path::parse_mod_style)
    }
}

fn atom(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let literal: LitStr = meta.value()?.parse()?;
    match literal.value().chars().count() {
        0..=255 => Ok(literal),
        chars => Err(syn::Error::new(
            literal.span(),
            format!("an atom has at most 255 characters, this has {chars}"),
        )),
    }
}

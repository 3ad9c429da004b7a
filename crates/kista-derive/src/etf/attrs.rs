//! The `#[etf(...)]` attributes of a type, a variant or a field.

use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, LitStr, Path, Result, Token};

use super::names::Style;

/// What stands in all `#[etf(...)]` of one item.
#[derive(Default)]
pub(super) struct Attrs {
    pub(super) krate: Option<Path>,
    pub(super) keys: Option<LitStr>,
    pub(super) elixir: Option<LitStr>,
    /// `record`, or `record = "name"`.
    pub(super) record: Option<(Span, Option<LitStr>)>,
    pub(super) tuple: Option<Span>,
    pub(super) proplist: Option<Span>,
    pub(super) untagged: Option<Span>,
    pub(super) deny_unknown: Option<Span>,
    pub(super) rename: Option<LitStr>,
    pub(super) rename_all: Option<(Span, Style)>,
    pub(super) rename_all_fields: Option<(Span, Style)>,
    /// `default`, or `default = path`.
    pub(super) default: Option<(Span, Option<Path>)>,
    pub(super) skip: Option<Span>,
    pub(super) skip_encoding_if: Option<Path>,
    pub(super) with: Option<Path>,
    pub(super) nil: Option<Span>,
    pub(super) flatten: Option<Span>,
    pub(super) other: Option<Span>,
    seen: Vec<String>,
}

/// Where attributes stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Struct,
    Enum,
    Variant,
    Field,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Struct => "a struct",
            Self::Enum => "an enum",
            Self::Variant => "a variant",
            Self::Field => "a field",
        }
    }
}

/// Each attribute, how it is written, and where.
const KNOWN: [(&str, &str, &[Place]); 18] = {
    use Place::{Enum, Field, Struct, Variant};
    [
        ("crate", "crate = path", &[Struct, Enum]),
        ("keys", "keys = \"binary\"", &[Struct]),
        ("elixir", "elixir = \"My.Struct\"", &[Struct]),
        ("record", "record", &[Struct]),
        ("tuple", "tuple", &[Struct, Variant]),
        ("proplist", "proplist", &[Struct]),
        ("untagged", "untagged", &[Enum]),
        ("deny_unknown", "deny_unknown", &[Struct, Enum]),
        ("rename", "rename = \"name\"", &[Struct, Variant, Field]),
        (
            "rename_all",
            "rename_all = \"camelCase\"",
            &[Struct, Enum, Variant],
        ),
        (
            "rename_all_fields",
            "rename_all_fields = \"camelCase\"",
            &[Enum],
        ),
        ("default", "default", &[Struct, Field]),
        ("skip", "skip", &[Field]),
        ("skip_encoding_if", "skip_encoding_if = path", &[Field]),
        ("with", "with = module", &[Field]),
        ("nil", "nil", &[Struct, Enum, Field]),
        ("flatten", "flatten", &[Field]),
        ("other", "other", &[Variant]),
    ]
};

/// What people write who know another library.
const HINTS: [(&str, &str); 9] = [
    ("list", "write `proplist`"),
    ("map", "a struct is a map already; leave it out"),
    (
        "transparent",
        "a struct with one unnamed field is written as that field; leave it out",
    ),
    ("deny_unknown_fields", "write `deny_unknown`"),
    ("skip_serializing_if", "write `skip_encoding_if`"),
    ("skip_serializing", "write `skip`"),
    ("skip_deserializing", "write `skip`"),
    ("alias", "a key has one name; write `rename`"),
    (
        "content",
        "a variant with data is a tagged tuple, `{name, Data}`; leave it out",
    ),
];

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
        let Some(name) = meta.path.get_ident().map(ToString::to_string) else {
            return Err(meta.error(unknown("a path", place)));
        };
        match KNOWN.iter().find(|(known, ..)| *known == name) {
            None => return Err(meta.error(unknown(&format!("`{name}`"), place))),
            Some((_, _, places)) if !places.contains(&place) => {
                let places: Vec<&str> = places.iter().map(|place| place.name()).collect();
                return Err(meta.error(format!(
                    "`{name}` belongs on {}, not on {}",
                    places.join(" or "),
                    place.name()
                )));
            }
            Some(_) if self.seen.contains(&name) => {
                return Err(meta.error(format!("`{name}` is there twice; leave one out")));
            }
            Some(_) => {}
        }
        let span = meta
            .path
            .get_ident()
            .map_or_else(Span::call_site, proc_macro2::Ident::span);
        match name.as_str() {
            "crate" => self.krate = Some(path(meta)?),
            "keys" => self.keys = Some(keys(meta)?),
            "elixir" => self.elixir = Some(module(meta)?),
            "record" => {
                let name = match meta.input.peek(Token![=]) {
                    true => Some(named(
                        atom(meta, "record = \"name\"")?,
                        "record = \"name\"",
                    )?),
                    false => None,
                };
                self.record = Some((span, name));
            }
            "tuple" => self.tuple = Some(flag(meta, span)?),
            "proplist" => self.proplist = Some(flag(meta, span)?),
            "untagged" => self.untagged = Some(flag(meta, span)?),
            "deny_unknown" => self.deny_unknown = Some(flag(meta, span)?),
            "rename" => self.rename = Some(atom(meta, "rename = \"name\"")?),
            "rename_all" => self.rename_all = Some((span, style(meta)?)),
            "rename_all_fields" => self.rename_all_fields = Some((span, style(meta)?)),
            "default" => {
                let path = match meta.input.peek(Token![=]) {
                    true if place == Place::Struct => {
                        return Err(meta.error(
                            "on a struct it is the `Default` of the whole; write `default`, and `default = path` on a field",
                        ));
                    }
                    true => Some(path(meta)?),
                    false => None,
                };
                self.default = Some((span, path));
            }
            "skip" => self.skip = Some(flag(meta, span)?),
            "skip_encoding_if" => self.skip_encoding_if = Some(path(meta)?),
            "with" => self.with = Some(path(meta)?),
            "nil" => self.nil = Some(flag(meta, span)?),
            "flatten" => self.flatten = Some(flag(meta, span)?),
            _ => self.other = Some(flag(meta, span)?),
        }
        self.seen.push(name);
        Ok(())
    }
}

fn unknown(name: &str, place: Place) -> String {
    if name == "`tag`" {
        return match place {
            Place::Enum => "`tag` is not known here: a variant with data is a tagged tuple, `{name, Data}`; leave it out, or write the map as a struct with an enum in it".to_owned(),
            Place::Variant | Place::Field => "`tag` is not known here: write `rename = \"name\"`".to_owned(),
            Place::Struct => "`tag` is not known here: write `record = \"name\"`".to_owned(),
        };
    }
    if let Some((_, hint)) = HINTS.iter().find(|(known, _)| name == format!("`{known}`")) {
        return format!("{name} is not known here: {hint}");
    }
    let known: Vec<String> = KNOWN
        .iter()
        .filter(|(.., places)| places.contains(&place))
        .map(|(_, written, _)| format!("`{written}`"))
        .collect();
    format!(
        "{name} is not known here; on {} there is {}",
        place.name(),
        known.join(", ")
    )
}

fn flag(meta: &ParseNestedMeta<'_>, span: Span) -> Result<Span> {
    if meta.input.peek(Token![=]) || meta.input.peek(syn::token::Paren) {
        return Err(meta.error("this attribute takes no value; write its name alone"));
    }
    Ok(span)
}

/// `name = path` or `name = "path"`.
fn path(meta: &ParseNestedMeta<'_>) -> Result<Path> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error("this attribute takes a path; write `= some::path` after it"));
    }
    let value = meta.value()?;
    if value.peek(LitStr) {
        value.parse::<LitStr>()?.parse()
    } else {
        value.parse()
    }
}

fn text(meta: &ParseNestedMeta<'_>, written: &str) -> Result<LitStr> {
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(format!("this attribute takes a text; write `{written}`")));
    }
    let value = meta.value()?;
    if !value.peek(LitStr) {
        return Err(value.error(format!("expected a text in quotes; write `{written}`")));
    }
    value.parse()
}

fn atom(meta: &ParseNestedMeta<'_>, written: &str) -> Result<LitStr> {
    let literal = text(meta, written)?;
    match literal.value().chars().count() {
        0..=255 => Ok(literal),
        chars => Err(Error::new(
            literal.span(),
            format!("an atom has at most 255 characters, this has {chars}"),
        )),
    }
}

/// A name that is not empty.
fn named(literal: LitStr, written: &str) -> Result<LitStr> {
    if literal.value().is_empty() {
        return Err(Error::new(
            literal.span(),
            format!("this name is empty; write `{written}`"),
        ));
    }
    Ok(literal)
}

/// A module of Elixir: words that begin with a capital, between them dots.
fn module(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let written = "elixir = \"My.Struct\"";
    let literal = named(atom(meta, written)?, written)?;
    let name = literal.value();
    let is_word = |word: &str| {
        word.starts_with(char::is_uppercase)
            && word
                .chars()
                .all(|char| char.is_alphanumeric() || char == '_')
    };
    if name.split('.').all(is_word) && name != "Elixir" {
        return Ok(literal);
    }
    Err(Error::new(
        literal.span(),
        format!(
            "`{name}` is no module of Elixir, whose words begin with capitals; write `{written}`"
        ),
    ))
}

fn style(meta: &ParseNestedMeta<'_>) -> Result<Style> {
    Style::new(&text(meta, "rename_all = \"camelCase\"")?)
}

fn keys(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let literal = text(meta, "keys = \"binary\"")?;
    match literal.value().as_str() {
        "binary" | "atom" => Ok(literal),
        _ => Err(Error::new(
            literal.span(),
            "keys are atoms, or binaries with `keys = \"binary\"`",
        )),
    }
}

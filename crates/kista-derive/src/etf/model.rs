//! What a type is to the derives: checked, with its names decided.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Generics, Ident, Member, Path, Result};

use super::attrs::{Attrs, Place};

pub(super) struct Type {
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    /// The path of `kista-etf`.
    pub(super) krate: Path,
    pub(super) body: Body,
}

pub(super) enum Body {
    /// One field, written as itself.
    Transparent(Box<Field>),
    /// An atom.
    Unit(String),
    /// A tuple, with an atom in front if there is a tag.
    Tuple {
        tag: Option<String>,
        fields: Vec<Field>,
    },
    Map(Vec<Field>),
    Enum(Vec<Variant>),
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    pub(super) tag: String,
    /// Takes every term that no other variant takes.
    pub(super) other: bool,
    pub(super) fields: Vec<Field>,
}

pub(super) struct Field {
    pub(super) member: Member,
    /// The key in a map.
    pub(super) key: String,
    pub(super) ty: syn::Type,
    pub(super) default: bool,
    pub(super) skip: bool,
}

impl Type {
    pub(super) fn new(input: DeriveInput) -> Result<Self> {
        let place = match &input.data {
            Data::Struct(_) => Place::Struct,
            Data::Enum(_) => Place::Enum,
            Data::Union(_) => {
                return Err(Error::new(
                    input.ident.span(),
                    "a union has no Erlang form; use a struct or an enum",
                ));
            }
        };
        let attrs = Attrs::new(&input.attrs, place)?;
        let krate = attrs
            .krate
            .clone()
            .unwrap_or_else(|| syn::parse_quote!(::kista_etf));
        let body = match input.data {
            Data::Enum(data) => {
                let variants = data
                    .variants
                    .into_iter()
                    .map(Variant::new)
                    .collect::<Result<Vec<_>>>()?;
                check_variants(&variants)?;
                Body::Enum(variants)
            }
            Data::Struct(data) => struct_body(&input.ident, &attrs, data.fields)?,
            Data::Union(_) => unreachable!("refused above"),
        };
        Ok(Self {
            ident: input.ident,
            generics: input.generics,
            krate,
            body,
        })
    }
}

fn struct_body(ident: &Ident, attrs: &Attrs, fields: Fields) -> Result<Body> {
    let tag = attrs.tag.as_ref().map(syn::LitStr::value);
    if let (Some(tag), true) = (&attrs.tag, attrs.tuple) {
        return Err(Error::new(
            tag.span(),
            "`tag` makes a tuple already; leave out `tuple`",
        ));
    }
    let as_tuple = tag.is_some() || attrs.tuple;
    let place = if as_tuple || !matches!(fields, Fields::Named(_)) {
        Place::Field
    } else {
        Place::MapField
    };
    if let (Some(rename), false) = (&attrs.rename, matches!(fields, Fields::Unit)) {
        return Err(Error::new(
            rename.span(),
            "only a unit struct is an atom that could be renamed; write `tag = ...`",
        ));
    }
    let kind = match &fields {
        Fields::Unit => {
            let name = attrs.rename.as_ref().map(syn::LitStr::value).or(tag);
            return Ok(Body::Unit(name.unwrap_or_else(|| snake_case(ident))));
        }
        Fields::Named(_) => true,
        Fields::Unnamed(_) => false,
    };
    let mut fields = read_fields(fields, place)?;
    if kind && !as_tuple {
        check_keys(&fields)?;
        return Ok(Body::Map(fields));
    }
    if !as_tuple && fields.len() == 1 && !fields[0].skip {
        return Ok(Body::Transparent(Box::new(fields.remove(0))));
    }
    Ok(Body::Tuple { tag, fields })
}

fn read_fields(fields: Fields, place: Place) -> Result<Vec<Field>> {
    let mut read = Vec::new();
    for (index, field) in (0u32..).zip(fields) {
        let attrs = Attrs::new(&field.attrs, place)?;
        let span = field.ty.span();
        let member = match field.ident {
            Some(ident) => Member::Named(ident),
            None => Member::Unnamed(syn::Index { index, span }),
        };
        let key = match (&attrs.rename, &member) {
            (Some(rename), _) => rename.value(),
            (None, Member::Named(ident)) => ident.unraw().to_string(),
            (None, Member::Unnamed(_)) => String::new(),
        };
        read.push(Field {
            member,
            key,
            ty: field.ty,
            default: attrs.default,
            skip: attrs.skip,
        });
    }
    Ok(read)
}

impl Variant {
    fn new(variant: syn::Variant) -> Result<Self> {
        let attrs = Attrs::new(&variant.attrs, Place::Variant)?;
        let tag = attrs
            .rename
            .as_ref()
            .map_or_else(|| snake_case(&variant.ident), syn::LitStr::value);
        let fields = read_fields(variant.fields, Place::Field)?;
        if attrs.other && (fields.len() != 1 || fields[0].skip) {
            let text =
                "`other` takes every other term: it needs exactly one field, such as `Other(Term)`";
            return Err(Error::new(variant.ident.span(), text));
        }
        Ok(Self {
            ident: variant.ident,
            tag,
            other: attrs.other,
            fields,
        })
    }

    /// How many terms the variant's tuple has; 0 for an atom.
    pub(super) fn arity(&self) -> usize {
        match self.fields.iter().filter(|field| !field.skip).count() {
            0 if self.fields.is_empty() => 0,
            count => count + 1,
        }
    }
}

fn check_variants(variants: &[Variant]) -> Result<()> {
    let mut seen: HashMap<(&str, usize), &Ident> = HashMap::new();
    let mut other: Option<&Ident> = None;
    for variant in variants {
        if variant.other {
            if let Some(first) = other.replace(&variant.ident) {
                return Err(twice(
                    variant.ident.span(),
                    &format!("`{first}` takes every other term already"),
                ));
            }
        } else if let Some(first) = seen.insert((&variant.tag, variant.arity()), &variant.ident) {
            let text = format!(
                "`{first}` is already `{}` with as many fields; add `#[etf(rename = \"...\")]` to one of them",
                variant.tag
            );
            return Err(twice(variant.ident.span(), &text));
        }
    }
    Ok(())
}

fn check_keys(fields: &[Field]) -> Result<()> {
    let mut seen: HashMap<&str, ()> = HashMap::new();
    for field in fields.iter().filter(|field| !field.skip) {
        if seen.insert(&field.key, ()).is_some() {
            return Err(twice(
                field.member.span(),
                &format!("another field has the key `{}` already", field.key),
            ));
        }
    }
    Ok(())
}

fn twice(span: Span, text: &str) -> Error {
    Error::new(span, text)
}

/// `GetValue` as `get_value`, `HTTPServer` as `http_server`.
fn snake_case(ident: &Ident) -> String {
    let name: Vec<char> = ident.unraw().to_string().chars().collect();
    let mut snake = String::new();
    for (at, char) in name.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| name[before]);
        let starts_word = char.is_uppercase()
            && before.is_some_and(|before| {
                before != '_'
                    && (!before.is_uppercase()
                        || name.get(at + 1).is_some_and(|next| next.is_lowercase()))
            });
        if starts_word {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn variants_are_snake_case_atoms() {
        for (name, atom) in [
            ("Get", "get"),
            ("GetValue", "get_value"),
            ("HTTPServer", "http_server"),
            ("A1b", "a1b"),
        ] {
            assert_eq!(snake_case(&Ident::new(name, Span::call_site())), atom);
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_what_to_write() {
        let cases: [(DeriveInput, &str); 7] = [
            (parse_quote!(union U { a: u8 }), "use a struct or an enum"),
            (
                parse_quote!(
                    enum E {
                        A(u8),
                        #[etf(rename = "a")]
                        B(u16),
                    }
                ),
                "rename",
            ),
            (
                parse_quote!(
                    enum E {
                        #[etf(other)]
                        A,
                    }
                ),
                "exactly one field",
            ),
            (
                parse_quote!(
                    enum E {
                        #[etf(other)]
                        A(u8),
                        #[etf(other)]
                        B(u8),
                    }
                ),
                "takes every other term already",
            ),
            (
                parse_quote!(
                    struct S {
                        a: u8,
                        #[etf(rename = "a")]
                        b: u8,
                    }
                ),
                "the key `a` already",
            ),
            (
                parse_quote!(
                    struct S {
                        #[etf(renam = "a")]
                        b: u8,
                    }
                ),
                "there is `rename`",
            ),
            (
                parse_quote!(
                    #[etf(tag = "s", tuple)]
                    struct S {
                        b: u8,
                    }
                ),
                "leave out `tuple`",
            ),
        ];
        for (input, text) in cases {
            let error = Type::new(input).err().expect("refused").to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}

//! What a type is to the derives: its form, with its names decided.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Generics, Ident, Member, Path, Result};

use super::attrs::{Attrs, Place};
use super::check;
use super::names::Style;

pub(super) struct Type {
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    /// The path of `kista-etf`.
    pub(super) krate: Path,
    /// Whether every `None` in it is `nil`.
    pub(super) nil: bool,
    pub(super) body: Body,
}

pub(super) enum Body {
    Struct(Shape),
    Enum {
        /// The variants are tried one after the other, without looking at tags.
        untagged: bool,
        variants: Vec<Variant>,
    },
}

/// What a struct, or a variant of an enum, is on the wire.
pub(super) enum Shape {
    Atom(String),
    /// One field, written as itself.
    Value(Box<Field>),
    /// A tuple, with an atom in front if there is a tag.
    Tuple {
        tag: Option<String>,
        fields: Vec<Field>,
    },
    /// A map or proplist; with a tag, in a tuple behind it.
    Keyed {
        tag: Option<String>,
        keyed: Keyed,
    },
}

/// Fields with keys.
pub(super) struct Keyed {
    pub(super) proplist: bool,
    pub(super) binary_keys: bool,
    /// The value of `__struct__`.
    pub(super) elixir: Option<String>,
    pub(super) deny_unknown: bool,
    pub(super) fields: Vec<Field>,
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    /// Takes every term that no other variant takes.
    pub(super) other: bool,
    pub(super) shape: Shape,
}

pub(super) struct Field {
    pub(super) member: Member,
    /// Its key, where fields have keys.
    pub(super) key: String,
    pub(super) ty: syn::Type,
    pub(super) default: Option<Default_>,
    pub(super) skip: bool,
    pub(super) skip_encoding_if: Option<Path>,
    pub(super) with: Option<Path>,
    pub(super) nil: bool,
    pub(super) flatten: bool,
}

/// Where the value of a field comes from that is not in the input.
pub(super) enum Default_ {
    Trait,
    Path(Path),
    /// This field of the whole struct's default.
    OfSelf,
}

impl Type {
    pub(super) fn new(input: DeriveInput) -> Result<Self> {
        let (attrs, body) = match input.data {
            Data::Struct(data) => {
                let attrs = Attrs::new(&input.attrs, Place::Struct)?;
                check::structure(&attrs, &data.fields)?;
                let shape = struct_shape(&input.ident, &attrs, data.fields)?;
                (attrs, Body::Struct(shape))
            }
            Data::Enum(data) => {
                let attrs = Attrs::new(&input.attrs, Place::Enum)?;
                let variants = data
                    .variants
                    .into_iter()
                    .map(|variant| Variant::new(variant, &attrs))
                    .collect::<Result<Vec<_>>>()?;
                check::variants(&variants, &attrs)?;
                let untagged = attrs.untagged.is_some();
                (attrs, Body::Enum { untagged, variants })
            }
            Data::Union(_) => {
                return Err(Error::new(
                    input.ident.span(),
                    "a union has no Erlang form; use a struct or an enum",
                ));
            }
        };
        Ok(Self {
            ident: input.ident,
            generics: input.generics,
            nil: attrs.nil.is_some() || attrs.elixir.is_some(),
            krate: attrs
                .krate
                .unwrap_or_else(|| syn::parse_quote!(::kista_etf)),
            body,
        })
    }

    /// All fields, in whichever variant.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        let shapes: Vec<&Shape> = match &self.body {
            Body::Struct(shape) => vec![shape],
            Body::Enum { variants, .. } => variants.iter().map(|variant| &variant.shape).collect(),
        };
        shapes.into_iter().flat_map(Shape::fields)
    }
}

impl Shape {
    pub(super) fn fields(&self) -> &[Field] {
        match self {
            Self::Atom(_) => &[],
            Self::Value(field) => std::slice::from_ref(field),
            Self::Tuple { fields, .. } => fields,
            Self::Keyed { keyed, .. } => &keyed.fields,
        }
    }

    /// The atom that it is, or begins with.
    pub(super) fn tag(&self) -> Option<&str> {
        match self {
            Self::Atom(tag) => Some(tag),
            Self::Value(_) => None,
            Self::Tuple { tag, .. } | Self::Keyed { tag, .. } => tag.as_deref(),
        }
    }

    /// How many terms the tuple has that begins with the tag; 0 for an atom.
    pub(super) fn arity(&self) -> usize {
        match self {
            Self::Atom(_) | Self::Value(_) => 0,
            Self::Tuple { tag, fields } => kept(fields).count() + usize::from(tag.is_some()),
            Self::Keyed { .. } => 2,
        }
    }
}

/// The fields that are written.
pub(super) fn kept(fields: &[Field]) -> impl Iterator<Item = &Field> + Clone {
    fields.iter().filter(|field| !field.skip)
}

fn struct_shape(ident: &Ident, attrs: &Attrs, fields: syn::Fields) -> Result<Shape> {
    let snake = || Style::Snake.apply(&ident.unraw().to_string());
    let tag = attrs
        .record
        .as_ref()
        .map(|(_, name)| name.as_ref().map_or_else(snake, syn::LitStr::value));
    if matches!(fields, syn::Fields::Unit) {
        let name = attrs.rename.as_ref().map(syn::LitStr::value);
        return Ok(match tag {
            Some(tag) => Shape::Tuple {
                tag: Some(tag),
                fields: Vec::new(),
            },
            None => Shape::Atom(name.unwrap_or_else(snake)),
        });
    }
    let named = matches!(fields, syn::Fields::Named(_));
    let positional = attrs.record.is_some() || attrs.tuple.is_some();
    let reading = Reading {
        keyed: named && !positional,
        style: attrs.rename_all.map(|(_, style)| style),
        default: attrs.default.is_some(),
    };
    let mut fields = reading.fields(fields)?;
    if reading.keyed {
        let keyed = Keyed {
            proplist: attrs.proplist.is_some(),
            binary_keys: attrs
                .keys
                .as_ref()
                .is_some_and(|keys| keys.value() == "binary"),
            elixir: attrs
                .elixir
                .as_ref()
                .map(|name| elixir_module(&name.value())),
            deny_unknown: attrs.deny_unknown.is_some(),
            fields,
        };
        check::keys(&keyed)?;
        return Ok(Shape::Keyed { tag: None, keyed });
    }
    if !positional && fields.len() == 1 && !fields[0].skip {
        return Ok(Shape::Value(Box::new(fields.remove(0))));
    }
    Ok(Shape::Tuple { tag, fields })
}

/// `My.Struct` as `Elixir.My.Struct`.
fn elixir_module(name: &str) -> String {
    if name.starts_with("Elixir.") {
        name.to_owned()
    } else {
        format!("Elixir.{name}")
    }
}

impl Variant {
    fn new(variant: syn::Variant, outer: &Attrs) -> Result<Self> {
        let attrs = Attrs::new(&variant.attrs, Place::Variant)?;
        check::variant(&variant, &attrs, outer)?;
        let name = variant.ident.unraw().to_string();
        let tag = match (&attrs.rename, outer.rename_all) {
            (Some(rename), _) => rename.value(),
            (None, Some((_, style))) => style.apply(&name),
            (None, None) => Style::Snake.apply(&name),
        };
        let reading = Reading {
            keyed: matches!(variant.fields, syn::Fields::Named(_))
                && attrs.tuple.is_none()
                && attrs.other.is_none(),
            style: attrs
                .rename_all
                .or(outer.rename_all_fields)
                .map(|(_, style)| style),
            default: false,
        };
        let other = attrs.other.is_some();
        let untagged = outer.untagged.is_some();
        let mut fields = reading.fields(variant.fields)?;
        let tagged = (!untagged).then(|| tag.clone());
        let shape = if reading.keyed {
            let keyed = Keyed {
                proplist: false,
                binary_keys: false,
                elixir: None,
                deny_unknown: outer.deny_unknown.is_some(),
                fields,
            };
            check::keys(&keyed)?;
            Shape::Keyed { tag: tagged, keyed }
        } else if fields.is_empty() {
            Shape::Atom(tag)
        } else if other || untagged && fields.len() == 1 && !fields[0].skip && attrs.tuple.is_none()
        {
            check::other(&variant.ident, &fields)?;
            Shape::Value(Box::new(fields.remove(0)))
        } else {
            Shape::Tuple {
                tag: tagged,
                fields,
            }
        };
        Ok(Self {
            ident: variant.ident,
            other,
            shape,
        })
    }
}

/// How the fields of a struct or variant are read.
struct Reading {
    /// Whether fields have keys.
    keyed: bool,
    style: Option<Style>,
    default: bool,
}

impl Reading {
    fn fields(&self, fields: syn::Fields) -> Result<Vec<Field>> {
        (0u32..)
            .zip(fields)
            .map(|(index, field)| self.field(index, field))
            .collect()
    }

    fn field(&self, index: u32, field: syn::Field) -> Result<Field> {
        let attrs = Attrs::new(&field.attrs, Place::Field)?;
        let option = is_option(&field.ty);
        check::field(&attrs, self.keyed, option, self.default)?;
        let span = field.ty.span();
        let member = match field.ident {
            Some(ident) => Member::Named(ident),
            None => Member::Unnamed(syn::Index { index, span }),
        };
        let key = match (&attrs.rename, &member) {
            (Some(rename), _) => rename.value(),
            (None, Member::Unnamed(_)) => String::new(),
            (None, Member::Named(ident)) => {
                let name = ident.unraw().to_string();
                self.style
                    .map_or_else(|| name.clone(), |style| style.apply(&name))
            }
        };
        let default = match attrs.default {
            Some((_, Some(path))) => Some(Default_::Path(path)),
            Some((_, None)) => Some(Default_::Trait),
            None if self.default => Some(Default_::OfSelf),
            None => None,
        };
        Ok(Field {
            member,
            key,
            ty: field.ty,
            default,
            skip: attrs.skip.is_some(),
            skip_encoding_if: attrs.skip_encoding_if,
            nil: attrs.nil.is_some(),
            with: attrs.with,
            flatten: attrs.flatten.is_some(),
        })
    }
}

/// Whether the type is written as an `Option`.
pub(super) fn is_option(ty: &syn::Type) -> bool {
    match ty {
        syn::Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "Option"),
        _ => false,
    }
}

impl Field {
    /// The field's name in errors.
    pub(super) fn name(&self) -> String {
        match &self.member {
            Member::Named(ident) => ident.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }

    pub(super) fn span(&self) -> Span {
        self.member.span()
    }
}

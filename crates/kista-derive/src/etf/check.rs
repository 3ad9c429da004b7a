//! What cannot work is a compile error at the place it is written, saying what to write.

use std::collections::HashMap;

use proc_macro2::Span;
use syn::{Error, Fields, Ident, Result};

use super::attrs::Attrs;
use super::model::{Field, Keyed, Shape, Variant, kept};

fn refuse<T>(span: Span, text: impl std::fmt::Display) -> Result<T> {
    Err(Error::new(span, text))
}

/// The attributes of a struct.
pub(super) fn structure(attrs: &Attrs, fields: &Fields) -> Result<()> {
    let forms = [
        ("record", attrs.record.as_ref().map(|(span, _)| *span)),
        ("tuple", attrs.tuple),
        ("proplist", attrs.proplist),
        ("elixir", attrs.elixir.as_ref().map(syn::LitStr::span)),
    ];
    let mut forms = forms
        .into_iter()
        .filter_map(|(name, span)| span.map(|span| (name, span)));
    let form = forms.next();
    if let (Some((first, _)), Some((second, span))) = (form, forms.next()) {
        return refuse(
            span,
            format_args!("`{first}` and `{second}` are two forms; a struct has one: leave one out"),
        );
    }
    if let (Some(rename), false) = (&attrs.rename, matches!(fields, Fields::Unit)) {
        return refuse(
            rename.span(),
            "this struct has no name on the wire; write `record = \"name\"` for a tagged tuple",
        );
    }
    if let (Some(rename), Some(_)) = (&attrs.rename, form) {
        return refuse(
            rename.span(),
            "a record is named by `record = \"name\"`; leave out `rename`",
        );
    }
    let keyed = [
        ("proplist", attrs.proplist),
        ("elixir", attrs.elixir.as_ref().map(syn::LitStr::span)),
        ("keys", attrs.keys.as_ref().map(syn::LitStr::span)),
        ("deny_unknown", attrs.deny_unknown),
        ("default", attrs.default.as_ref().map(|(span, _)| *span)),
        ("rename_all", attrs.rename_all.map(|(span, _)| span)),
    ];
    let keyed = keyed
        .into_iter()
        .find_map(|(name, span)| span.map(|span| (name, span)));
    if let Some((name, span)) = keyed {
        if !matches!(fields, Fields::Named(_)) {
            return refuse(
                span,
                format_args!(
                    "`{name}` is about keys: give the struct named fields, or leave it out"
                ),
            );
        }
        if let Some((form @ ("record" | "tuple"), _)) = form {
            return refuse(
                span,
                format_args!(
                    "`{name}` is about keys, and `{form}` makes a tuple, which has none: leave one out"
                ),
            );
        }
    }
    if let (Some(keys), Some(_)) = (&attrs.keys, &attrs.elixir)
        && keys.value() == "binary"
    {
        return refuse(
            keys.span(),
            "the keys of an Elixir struct are atoms; leave out `keys`",
        );
    }
    if let (Some(span), Fields::Unit) = (attrs.tuple, fields) {
        return refuse(
            span,
            "a unit struct is an atom; write `record` for `{name}`",
        );
    }
    Ok(())
}

/// The attributes of a variant.
pub(super) fn variant(variant: &syn::Variant, attrs: &Attrs, outer: &Attrs) -> Result<()> {
    let named = matches!(variant.fields, Fields::Named(_));
    if let Some(span) = attrs.other {
        if outer.untagged.is_some() {
            return refuse(
                span,
                "in an untagged enum a last variant such as `Other(Term)` takes every term anyway; leave out `other`",
            );
        }
        if let Some(rename) = &attrs.rename {
            return refuse(
                rename.span(),
                "a variant with `other` has no name on the wire; leave out `rename`",
            );
        }
        if variant.fields.len() != 1 {
            return refuse(
                variant.ident.span(),
                "`other` takes every other term: it needs exactly one field, such as `Other(Term)`",
            );
        }
        if let Some(span) = attrs.tuple {
            return refuse(
                span,
                "a variant with `other` is its one field; leave out `tuple`",
            );
        }
    }
    if let (Some(span), false) = (attrs.tuple, named) {
        return refuse(
            span,
            "`tuple` is for a variant with named fields; others are tuples anyway: leave it out",
        );
    }
    if let Some((span, _)) = attrs.rename_all
        && (!named || attrs.tuple.is_some() || attrs.other.is_some())
    {
        return refuse(
            span,
            "`rename_all` on a variant is about the keys of its fields, and this one has none: leave it out",
        );
    }
    if let (Some(rename), Some(_), true) =
        (&attrs.rename, outer.untagged, !variant.fields.is_empty())
    {
        return refuse(
            rename.span(),
            "only a unit variant of an untagged enum has a name on the wire; leave out `rename`",
        );
    }
    Ok(())
}

/// The field of a variant that is written as itself.
pub(super) fn other(variant: &Ident, fields: &[Field]) -> Result<()> {
    match fields {
        [field] if !field.skip => Ok(()),
        _ => refuse(
            variant.span(),
            "`other` takes every other term: its field cannot be skipped",
        ),
    }
}

/// All variants together.
pub(super) fn variants(variants: &[Variant], attrs: &Attrs) -> Result<()> {
    let keyed = variants
        .iter()
        .any(|variant| matches!(variant.shape, Shape::Keyed { .. }));
    let about_keys = [
        ("deny_unknown", attrs.deny_unknown),
        (
            "rename_all_fields",
            attrs.rename_all_fields.map(|(span, _)| span),
        ),
    ];
    for (name, span) in about_keys {
        if let (Some(span), false) = (span, keyed) {
            return refuse(
                span,
                format_args!(
                    "`{name}` is about the keys of variants with named fields, and there is none: leave it out"
                ),
            );
        }
    }
    if let Some((last, before)) = variants.split_last()
        && let Some(variant) = before.iter().find(|variant| variant.other)
    {
        return refuse(
            variant.ident.span(),
            if last.other {
                "two variants have `other`, and one takes every term: leave out one of them"
            } else {
                "a variant with `other` takes every term that is left: put it last"
            },
        );
    }
    if attrs.untagged.is_some() {
        return Ok(());
    }
    let mut seen: HashMap<(&str, usize), &Ident> = HashMap::new();
    for variant in variants.iter().filter(|variant| !variant.other) {
        let (tag, arity) = (
            variant.shape.tag().unwrap_or_default(),
            variant.shape.arity(),
        );
        if let Some(first) = seen.insert((tag, arity), &variant.ident) {
            return refuse(
                variant.ident.span(),
                format_args!(
                    "`{first}` is already `{tag}` with as many fields; add `#[etf(rename = \"...\")]` to one of them"
                ),
            );
        }
    }
    Ok(())
}

/// The attributes of one field.
pub(super) fn field(attrs: &Attrs, keyed: bool, option: bool, whole_default: bool) -> Result<()> {
    use syn::spanned::Spanned;
    let rename = attrs.rename.as_ref().map(syn::LitStr::span);
    let skip_if = attrs.skip_encoding_if.as_ref().map(Spanned::span);
    let with = attrs.with.as_ref().map(Spanned::span);
    let default = attrs.default.as_ref().map(|(span, _)| *span);
    let first = |list: &[(&'static str, Option<Span>)]| {
        list.iter()
            .find_map(|(name, span)| span.map(|span| (*name, span)))
    };
    if !keyed {
        let about_keys = [
            ("rename", rename),
            ("skip_encoding_if", skip_if),
            ("flatten", attrs.flatten),
        ];
        if let Some((name, span)) = first(&about_keys) {
            return refuse(
                span,
                format_args!(
                    "`{name}` is about keys, and this field has none; leave it out, or give the fields names and keys"
                ),
            );
        }
        if let (Some(span), None) = (default, attrs.skip) {
            return refuse(
                span,
                "a field of a tuple is never missing: `default` goes with `skip` here, or leave it out",
            );
        }
    }
    let others = [
        ("rename", rename),
        ("skip_encoding_if", skip_if),
        ("with", with),
        ("nil", attrs.nil),
    ];
    if attrs.skip.is_some() {
        let others = [&others[..], &[("flatten", attrs.flatten)]].concat();
        if let Some((name, span)) = first(&others) {
            return refuse(
                span,
                format_args!("a skipped field is neither written nor read: leave out `{name}`"),
            );
        }
    }
    if attrs.flatten.is_some() {
        let others = [&others[..], &[("default", default)]].concat();
        if let Some((name, span)) = first(&others) {
            return refuse(
                span,
                format_args!("a flattened field has no key of its own: leave out `{name}`"),
            );
        }
    }
    if let Some(span) = attrs.nil {
        if !option {
            return refuse(
                span,
                "`nil` is what an `Option` writes for `None`, and this is none: leave it out",
            );
        }
        if with.is_some() {
            return refuse(span, "`with` decides what is written: leave out `nil`");
        }
    }
    if let Some(span) = skip_if
        && default.is_none()
        && !option
        && !whole_default
    {
        return refuse(
            span,
            "what is not written is missing when it is read: add `default`",
        );
    }
    Ok(())
}

/// All fields with keys together.
pub(super) fn keys(keyed: &Keyed) -> Result<()> {
    let mut seen: HashMap<&str, ()> = HashMap::new();
    if keyed.elixir.is_some() {
        seen.insert("__struct__", ());
    }
    for field in kept(&keyed.fields) {
        if field.flatten {
            if keyed.deny_unknown {
                return refuse(
                    field.span(),
                    "`deny_unknown` does not know the keys of a flattened field: leave out one of them",
                );
            }
            continue;
        }
        if seen.insert(&field.key, ()).is_some() {
            return refuse(
                field.span(),
                format_args!(
                    "another field has the key `{}` already; add `#[etf(rename = \"...\")]` to one of them",
                    field.key
                ),
            );
        }
    }
    Ok(())
}

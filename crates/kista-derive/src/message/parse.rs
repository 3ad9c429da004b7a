//! From the enum to what the wire form is made of.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Fields, Path, Type};

use super::attrs::{EnumAttrs, VariantAttrs};
use crate::errors::Errors;
use crate::etf::names::Style;
use crate::types::{last_segment, only_type_argument, owned};
use crate::wire::{Select, Travel};

pub(super) struct Read {
    pub(super) kista: Path,
    pub(super) local: bool,
    pub(super) variants: Vec<Variant>,
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    pub(super) cfg: Vec<Attribute>,
    pub(super) travel: Travel,
    pub(super) select: Select,
    pub(super) values: Vec<Type>,
    pub(super) reply: Option<Type>,
}

impl Variant {
    /// How people are told of it: `call {add, _}`.
    pub(super) fn called(&self) -> String {
        let name = match &self.select {
            Select::Name(name, _) => name.as_str(),
            Select::Other => "_",
        };
        let arguments = ", _".repeat(self.values.len());
        let pattern = match (&self.select, &*arguments) {
            (Select::Other, _) | (_, "") => name.to_owned(),
            (_, arguments) => format!("{{{name}{arguments}}}"),
        };
        match self.travel {
            Travel::Call => format!("call {pattern}"),
            Travel::Cast => format!("cast {pattern}"),
            Travel::Info => pattern,
            Travel::Not => self.ident.to_string(),
        }
    }
}

/// `None`, and errors, when nothing sensible can be generated.
pub(super) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Read> {
    let attrs = errors.check(EnumAttrs::read(&input.attrs))?;
    let Data::Enum(data) = &input.data else {
        let message = "messages are an enum, one variant for each: `enum Msg { Add(i64, ReplyTo<i64>), Reset }`";
        errors.at(&input.ident, message);
        return None;
    };
    if let Some(lifetime) = input.generics.lifetimes().next() {
        let message = "a message outlives the one who sends it: it cannot borrow";
        errors.at(lifetime, message);
        return None;
    }
    let known = errors.count();
    let variants: Vec<_> = data
        .variants
        .iter()
        .filter_map(|variant| read_variant(variant, attrs.local, errors))
        .collect();
    unambiguous(&variants, errors);
    (errors.count() == known).then_some(Read {
        kista: attrs.kista,
        local: attrs.local,
        variants,
    })
}

fn read_variant(variant: &syn::Variant, all_local: bool, errors: &mut Errors) -> Option<Variant> {
    let attrs = errors.check(VariantAttrs::read(&variant.attrs))?;
    let stays = all_local || attrs.local.is_some();
    let travel_attribute = attrs.info.or(attrs.other);
    if all_local
        && let Some(span) = travel_attribute.or_else(|| attrs.name.as_ref().map(syn::LitStr::span))
    {
        let message = "the whole enum stays on its node: its messages have no form on the wire";
        errors.push(syn::Error::new(span, message));
        return None;
    }
    if let Fields::Named(fields) = &variant.fields
        && !stays
    {
        let message = "a message is a tuple on the wire: give its fields no names, or put them into a struct that derives `Encode` and `Decode`";
        errors.at(&fields.named, message);
        return None;
    }
    let mut values: Vec<Type> = variant
        .fields
        .iter()
        .map(|field| field.ty.clone())
        .collect();
    let reply = take_token(&mut values, stays, errors)?;
    for ty in &values {
        errors.check(owned(ty, "a message"))?;
    }
    let travel = match (&reply, attrs.info) {
        _ if stays => Travel::Not,
        (Some(ty), Some(_)) => {
            let message =
                "nobody waits for an answer to a plain message: leave out `info`, or the `ReplyTo`";
            errors.at(ty, message);
            return None;
        }
        (Some(_), None) => Travel::Call,
        (None, Some(_)) => Travel::Info,
        (None, None) => Travel::Cast,
    };
    let select = match attrs.other {
        Some(span) if values.len() != 1 => {
            let message = "`other` has one field, the whole message (`Term`, or any type that decodes), and for calls `ReplyTo`";
            errors.push(syn::Error::new(span, message));
            return None;
        }
        Some(_) => Select::Other,
        None => {
            let plain = || {
                (
                    Style::Snake.apply(&variant.ident.unraw().to_string()),
                    variant.ident.span(),
                )
            };
            let (name, span) = attrs
                .name
                .map_or_else(plain, |name| (name.value(), name.span()));
            Select::Name(name, span)
        }
    };
    let cfg = variant
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    Some(Variant {
        ident: variant.ident.clone(),
        cfg: cfg.cloned().collect(),
        travel,
        select,
        values,
        reply,
    })
}

/// The token of a call is the last of its fields.
fn take_token(values: &mut Vec<Type>, stays: bool, errors: &mut Errors) -> Option<Option<Type>> {
    let is_token = |ty: &Type| last_segment(ty).is_some_and(|last| last.ident == "ReplyTo");
    let token = values.pop_if(|last| is_token(last));
    if stays {
        let ty = token.as_ref().and_then(last_segment);
        return Some(ty.and_then(only_type_argument).cloned());
    }
    if let Some(misplaced) = values.iter().find(|ty| is_token(ty)) {
        let message = match token {
            Some(_) => "a call has one answer: take `ReplyTo` once",
            None => "the token of a call comes last: `Add(i64, ReplyTo<i64>)`",
        };
        errors.at(misplaced, message);
        return None;
    }
    let Some(token) = token else {
        return Some(None);
    };
    let Some(ty) = last_segment(&token).and_then(only_type_argument) else {
        errors.at(&token, "say what is replied: `ReplyTo<i64>`");
        return None;
    };
    errors.check(owned(ty, "a reply"))?;
    Some(Some(ty.clone()))
}

/// Refuses two variants for one message. What stands under a `#[cfg]` is left to the compiler, since only one of the two may be there.
fn unambiguous(variants: &[Variant], errors: &mut Errors) {
    let mut taken = HashMap::<(&str, Option<(&str, usize)>), &Ident>::new();
    let clear = |variant: &&Variant| variant.cfg.is_empty() && variant.travel != Travel::Not;
    for variant in variants.iter().filter(clear) {
        let kind = variant.travel.name();
        let (key, span): (_, Span) = match &variant.select {
            Select::Name(name, span) => (Some((&**name, variant.values.len())), *span),
            Select::Other => (None, variant.ident.span()),
        };
        if let Some(earlier) = taken.insert((kind, key), &variant.ident) {
            let message = match key {
                Some((name, 0)) => format!("the {kind} `{name}` is `{earlier}` already"),
                Some((name, values)) => {
                    format!("the {kind} `{name}` with {values} arguments is `{earlier}` already")
                }
                None => format!("`{earlier}` takes the other {kind}s already"),
            };
            errors.push(syn::Error::new(span, message));
        }
    }
}

//! The bounds of what is generated.
//!
//! A type parameter must be able to do what the fields that mention it are asked for: fields that are skipped or have `with`
//! ask for nothing, and `PhantomData` neither. Where a field's type is an associated type of a parameter, that one is bound.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{Generics, Ident, Path, TypePath};

use super::model::{Default_, Type};

/// The generics of an implementation: with `value` for the parameters, `fields` (given the form) for flattened fields, and
/// `Default` for what is made by it, if asked for.
pub(super) fn bounded(
    model: &Type,
    value: &TokenStream,
    fields: impl Fn(&Path) -> TokenStream,
    defaults: bool,
) -> Generics {
    let mut generics = model.generics.clone();
    let parameters: HashSet<Ident> = generics
        .type_params()
        .map(|parameter| parameter.ident.clone())
        .collect();
    if parameters.is_empty() {
        return generics;
    }
    let mut used = HashSet::new();
    let mut bounds: Vec<TokenStream> = Vec::new();
    for field in model.fields() {
        let ty = &field.ty;
        let found = Mentions::of(ty, &parameters);
        if found.is_empty() {
            continue;
        }
        let made =
            field.skip && field.default.is_none() || matches!(field.default, Some(Default_::Trait));
        if defaults && made {
            bounds.push(quote!(#ty: ::core::default::Default));
        }
        if field.skip || field.with.is_some() {
            continue;
        }
        if field.flatten {
            let fields = fields(&model.form());
            bounds.push(quote!(#ty: #fields));
            continue;
        }
        used.extend(found.parameters);
        bounds.extend(found.associated.iter().map(|path| quote!(#path: #value)));
    }
    for parameter in generics.type_params_mut() {
        if used.contains(&parameter.ident) {
            parameter.bounds.push(syn::parse_quote!(#value));
        }
    }
    let mut seen = HashSet::new();
    for bound in bounds {
        if seen.insert(bound.to_string()) {
            generics
                .make_where_clause()
                .predicates
                .push(syn::parse_quote!(#bound));
        }
    }
    generics
}

/// Where a type mentions type parameters.
struct Mentions<'p> {
    known: &'p HashSet<Ident>,
    parameters: HashSet<Ident>,
    associated: Vec<TypePath>,
}

impl<'p> Mentions<'p> {
    fn of(ty: &syn::Type, known: &'p HashSet<Ident>) -> Self {
        let mut mentions = Self {
            known,
            parameters: HashSet::new(),
            associated: Vec::new(),
        };
        mentions.visit_type(ty);
        mentions
    }

    fn is_empty(&self) -> bool {
        self.parameters.is_empty() && self.associated.is_empty()
    }
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_type_path(&mut self, path: &'ast TypePath) {
        let segments = &path.path.segments;
        if segments
            .last()
            .is_some_and(|last| last.ident == "PhantomData")
        {
            return;
        }
        let qualified = path.qself.as_ref().is_some_and(|own| {
            let ty = own.ty.to_token_stream().to_string();
            self.known.iter().any(|known| *known == ty)
        });
        if qualified {
            self.associated.push(path.clone());
            return;
        }
        if let Some(first) = segments.first()
            && path.qself.is_none()
            && path.path.leading_colon.is_none()
            && self.known.contains(&first.ident)
        {
            if segments.len() > 1 {
                self.associated.push(path.clone());
            } else {
                self.parameters.insert(first.ident.clone());
            }
        }
        visit::visit_type_path(self, path);
    }
}

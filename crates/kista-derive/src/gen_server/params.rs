//! A signature, parameter by parameter.
//!
//! Types are recognised by their last name, as they stand in the source: `&mut Cx<..>`, `ReplyTo<T>`, `Flow`. A macro
//! cannot see through an alias.

use quote::format_ident;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{
    FnArg, GenericArgument, Lifetime, Pat, PatType, PathArguments, PathSegment, Receiver,
    ReceiverKind, Signature, Type, TypeFnPtr, TypeImplTrait, TypeInfer, TypeReference,
    TypeTraitObject,
};

use super::errors::Errors;
use super::model::{Param, Value};
use super::self_type;

/// The parameters after `self`.
pub(super) fn params(signature: &Signature, server: &Type, errors: &mut Errors) -> Vec<Param> {
    let typed = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    typed
        .enumerate()
        .filter_map(|(index, typed)| errors.check(param(index, typed, server)))
        .collect()
}

fn param(index: usize, typed: &PatType, server: &Type) -> syn::Result<Param> {
    if let Type::Reference(reference) = peeled(&typed.ty) {
        match last_segment(&reference.elem) {
            Some(segment) if segment.ident == "Cx" => return Ok(Param::Cx),
            Some(segment) if segment.ident == "ExitReason" => {
                return Ok(Param::Reason((*typed.ty).clone()));
            }
            _ => {}
        }
    }
    match last_segment(&typed.ty) {
        Some(segment) if segment.ident == "Cx" => {
            return Err(syn::Error::new_spanned(
                &typed.ty,
                "the process is borrowed: `cx: &mut Cx<Self>`",
            ));
        }
        Some(segment) if segment.ident == "ReplyTo" => {
            let Some(ty) = only_type_argument(segment) else {
                return Err(syn::Error::new_spanned(
                    &typed.ty,
                    "say what is replied: `reply: ReplyTo<i64>`",
                ));
            };
            owned(ty, "a reply")?;
            return Ok(Param::Reply(self_type::spell_out(ty, server)));
        }
        _ => {}
    }
    owned(&typed.ty, "an argument")?;
    let name = match &*typed.pat {
        Pat::Ident(pattern) => pattern.ident.clone(),
        pattern => format_ident!("arg{index}", span = pattern.span()),
    };
    Ok(Param::Value(Value {
        name,
        ty: self_type::spell_out(&typed.ty, server),
    }))
}

/// The `self` of a method that handles something.
pub(super) fn borrowed_self(signature: &Signature) -> syn::Result<()> {
    match signature.receiver() {
        Some(Receiver {
            kind: ReceiverKind::Reference(..),
            ..
        }) => Ok(()),
        Some(Receiver {
            kind: ReceiverKind::Typed(_, ty),
            ..
        }) if matches!(**ty, Type::Reference(_)) => Ok(()),
        Some(receiver) => Err(syn::Error::new_spanned(
            receiver,
            "the state stays in its process: take `&self` or `&mut self`",
        )),
        None => Err(syn::Error::new_spanned(
            &signature.ident,
            "this works on the server's state: take `&self` or `&mut self`",
        )),
    }
}

/// The last name of a path: `ReplyTo<i64>` of `kista::ReplyTo<i64>`.
pub(super) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The type within the invisible group that `macro_rules!` puts around a `$t:ty`, or within parentheses.
pub(super) fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peeled(&group.elem),
        Type::Paren(paren) => peeled(&paren.elem),
        other => other,
    }
}

fn only_type_argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(ty)), 1) => Some(ty),
        _ => None,
    }
}

/// Refuses what cannot stand in an enum that is sent to another task: borrows and unnamed types.
pub(super) fn owned(ty: &Type, what: &'static str) -> syn::Result<()> {
    let mut check = Owned { what, error: None };
    check.visit_type(ty);
    check.error.map_or(Ok(()), Err)
}

struct Owned {
    what: &'static str,
    error: Option<syn::Error>,
}

impl Owned {
    fn refuse(&mut self, tokens: impl quote::ToTokens, why: &str) {
        let what = self.what;
        self.error
            .get_or_insert_with(|| syn::Error::new_spanned(tokens, format!("{what} {why}")));
    }
}

impl Visit<'_> for Owned {
    fn visit_type_reference(&mut self, reference: &TypeReference) {
        if reference
            .lifetime
            .as_ref()
            .is_some_and(|lifetime| lifetime.ident == "static")
        {
            return self.visit_type(&reference.elem);
        }
        self.refuse(
            reference,
            "outlives the one who sends it: use an owned type, such as `String` for `&str`",
        );
    }

    fn visit_lifetime(&mut self, lifetime: &Lifetime) {
        if lifetime.ident != "static" {
            self.refuse(lifetime, "outlives the one who sends it: use an owned type");
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &TypeImplTrait) {
        self.refuse(ty, "is one variant of an enum: name its type");
    }

    fn visit_type_infer(&mut self, ty: &TypeInfer) {
        self.refuse(ty, "is one variant of an enum: name its type");
    }

    // Borrows in these signatures are theirs: `Box<dyn Fn(&str) + Send>` is owned.
    fn visit_type_fn_ptr(&mut self, _: &TypeFnPtr) {}

    fn visit_type_trait_object(&mut self, _: &TypeTraitObject) {}
}

//! A signature, parameter by parameter.

use quote::format_ident;
use syn::spanned::Spanned;
use syn::{FnArg, Pat, PatType, Receiver, ReceiverKind, Signature, Type};

use super::model::{Param, Value};
use super::self_type;
use crate::errors::Errors;
use crate::types::{last_segment, only_type_argument, owned, peeled};

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

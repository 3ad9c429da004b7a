//! What each kind of method must and must not look like.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{FnArg, ReceiverKind, ReturnType, Signature, Type};

use super::model::{Kind, Method, Param};
use super::names;
use super::params;
use super::roles::Role;
use crate::errors::Errors;
use crate::types::{last_segment, owned, peeled};

/// The largest tuple that is `Clone`, which the arguments of a `Spec` must be.
const MAX_ARGS: usize = 12;

pub(super) fn init(method: &Method, signature: &Signature, errors: &mut Errors) {
    if let Some(receiver) = signature.receiver() {
        errors.at(receiver, "#[init] makes the state: there is no `self` yet");
    }
    if let ReturnType::Default = signature.output {
        errors.at(
            &signature.ident,
            "#[init] makes the state: return `Self`, or `Result<Self, E>`",
        );
    }
    if let Some(ty) = method.reply() {
        errors.at(ty, "#[init] is no call: there is nobody to reply to");
    }
    if method.values().count() > MAX_ARGS {
        errors.at(
            &signature.inputs,
            "#[init] takes at most 12 arguments: put them into a struct",
        );
    }
    if let Some(cfg) = method.cfg.first() {
        errors.at(
            cfg,
            "a server always has an #[init]: put the condition within it",
        );
    }
    no_reason(method, errors);
}

pub(super) fn terminate(method: &Method, signature: &Signature, errors: &mut Errors) {
    errors.check(params::borrowed_self(signature));
    if method.values().next().is_some() || method.reply().is_some() {
        errors.at(
            &signature.inputs,
            "#[terminate] is given `reason: &ExitReason` and, if asked, `cx: &mut Cx<Self>`",
        );
    }
    if let ReturnType::Type(_, ty) = &signature.output
        && !is_unit(ty)
    {
        errors.at(ty, "nothing follows #[terminate]: return nothing");
    }
}

pub(super) fn timeout(method: &Method, signature: &Signature, errors: &mut Errors) {
    errors.check(params::borrowed_self(signature));
    if method.values().next().is_some() || method.reply().is_some() {
        errors.at(
            &signature.inputs,
            "#[timeout] is given nothing but, if asked, `cx: &mut Cx<Self>`",
        );
    }
    no_reason(method, errors);
}

pub(super) fn format_status(method: &Method, signature: &Signature, errors: &mut Errors) {
    let reads = signature.receiver().is_some_and(|receiver| {
        matches!(&receiver.kind, ReceiverKind::Reference(_, _, mutability) if mutability.is_none())
    });
    if !reads || !method.params.is_empty() {
        errors.at(
            SignatureSpan(signature),
            "#[format_status] looks at the state between two messages: `fn shown(&self) -> impl Encode`, and no more parameters",
        );
    }
    if let Some(token) = &signature.asyncness {
        errors.at(
            token,
            "#[format_status] answers at once: it cannot be `async`",
        );
    }
    if let ReturnType::Default = signature.output {
        errors.at(
            &signature.ident,
            "#[format_status] returns what is to be shown: a `Term`, or anything that encodes",
        );
    }
}

pub(super) fn info_other(method: &Method, signature: &Signature, errors: &mut Errors) {
    errors.check(params::borrowed_self(signature));
    if method.values().count() != 1 || method.reply().is_some() {
        errors.at(
            SignatureSpan(signature),
            "#[info(other)] is given `info: Info` and, if asked, `cx: &mut Cx<Self>`",
        );
    }
    no_reason(method, errors);
}

pub(super) fn handler(
    kind: Kind,
    role: &Role,
    method: &Method,
    signature: &Signature,
    errors: &mut Errors,
) {
    errors.check(params::borrowed_self(signature));
    no_reason(method, errors);
    if matches!(role, Role::Other(_)) && method.values().count() != 1 {
        let kind = kind.name();
        let message =
            format!("#[{kind}(other)] is given one argument, the whole message: `message: Term`");
        errors.at(SignatureSpan(signature), message);
    }
    match (kind, method.reply()) {
        (Kind::Call, None) => {
            if let ReturnType::Type(_, ty) = &signature.output {
                errors.check(owned(ty, "a reply"));
                if let Type::Never(_) = peeled(ty) {
                    errors.at(
                        ty,
                        "`!` is no reply: return nothing; the caller is told how the server ended",
                    );
                }
                if last_segment(ty).is_some_and(|segment| segment.ident == "Flow") {
                    let message = "a #[call] that returns a `Flow` replies itself: take `reply: ReplyTo<T>` as a parameter";
                    errors.at(ty, message);
                }
            }
        }
        (Kind::Cast | Kind::Info, Some(ty)) => {
            errors.at(
                ty,
                format!(
                    "nobody waits for an answer to a #[{}]: make it a #[call]",
                    kind.name()
                ),
            );
        }
        (Kind::Call, Some(_)) | (Kind::Cast | Kind::Info, None) | (Kind::Continue, _) => {}
    }
    // Clients have no method for a continuation.
    if kind != Kind::Continue && names::is_taken(&method.name) {
        let (name, kind) = (names::plain(&method.name), kind.name());
        let message = format!(
            "`ServerRef` has its own `{name}`, which clients would call instead: name the method otherwise; \
             on the wire it may still be `{name}`: #[{kind}(name = \"{name}\")]"
        );
        errors.at(&method.name, message);
    }
}

fn no_reason(method: &Method, errors: &mut Errors) {
    for param in &method.params {
        if let Param::Reason(ty) = param {
            errors.at(
                ty,
                "only #[terminate] is given a `&ExitReason`: take an owned `ExitReason`",
            );
        }
    }
}

fn is_unit(ty: &Type) -> bool {
    matches!(peeled(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// Where to point at what a method takes: its parameters, or its name when there are none beside `self`.
struct SignatureSpan<'a>(&'a Signature);

impl ToTokens for SignatureSpan<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut typed = self
            .0
            .inputs
            .iter()
            .filter(|input| matches!(input, FnArg::Typed(_)))
            .peekable();
        if typed.peek().is_none() {
            self.0.ident.to_tokens(tokens);
        }
        typed.for_each(|input| input.to_tokens(tokens));
    }
}

//! From the impl block to the [`Server`], or to the mistakes in it.

use std::collections::HashMap;

use proc_macro2::Ident;
use quote::{format_ident, quote_spanned};
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, ReturnType, Safety, Type};

use super::check;
use super::model::{Handler, Kind, Method, Param, Reply, Select, Server};
use super::names;
use super::options::Options;
use super::params;
use super::roles::{self, Role};
use super::self_type;
use crate::errors::Errors;
use crate::types::{last_segment, peeled};

/// Takes the helper attributes off `block`, and says what it is a server of. `None` (and errors) when that cannot be known.
pub(super) fn server(
    block: &mut ItemImpl,
    options: Options,
    errors: &mut Errors,
) -> Option<Server> {
    let mut marked = Vec::new();
    let mut has_spec = false;
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        has_spec |= method.sig.ident == "spec";
        if let Some((role, attribute)) = roles::take(method, errors) {
            marked.push((role, attribute, &*method));
        }
    }
    let name = errors.check(header(&block.trait_, &block.generics, &block.self_ty))?;

    let ty = &*block.self_ty;
    let (mut init, mut terminate, mut info_other) = (None, None, None);
    let (mut timeout, mut format_status) = (None, None);
    let mut handlers = Vec::new();
    for (role, attribute, method) in marked {
        let known = errors.count();
        let read = read_method(method, ty, errors);
        match &role {
            Role::Init => check::init(&read, &method.sig, errors),
            Role::Terminate => check::terminate(&read, &method.sig, errors),
            Role::Timeout => check::timeout(&read, &method.sig, errors),
            Role::FormatStatus => check::format_status(&read, &method.sig, errors),
            Role::Other(Kind::Info) => check::info_other(&read, &method.sig, errors),
            Role::Named(kind, _) | Role::Other(kind) => {
                check::handler(*kind, &role, &read, &method.sig, errors)
            }
        }
        if options.local && matches!(role, Role::Other(Kind::Call | Kind::Cast)) {
            errors.at(
                &attribute,
                "a local server decodes nothing: there are no other messages of this kind",
            );
        }
        if read.name == "spec" {
            errors.at(
                &read.name,
                "`spec` is the function that #[gen_server] generates: name this one otherwise",
            );
        }
        let sound = errors.count() == known;
        match role {
            Role::Init => only(&mut init, (read, sound), &attribute, errors),
            Role::Terminate => only(&mut terminate, (read, sound), &attribute, errors),
            Role::Timeout => only(&mut timeout, (read, sound), &attribute, errors),
            Role::FormatStatus => only(&mut format_status, (read, sound), &attribute, errors),
            Role::Other(Kind::Info) => only(&mut info_other, (read, sound), &attribute, errors),
            _ if !sound => {}
            Role::Named(kind, wire) => {
                let select = wire.map_or_else(
                    || Select::Name(names::plain(&read.name), read.name.span()),
                    |wire| Select::Name(wire.value(), wire.span()),
                );
                handlers.extend(handler(kind, select, read, errors));
            }
            Role::Other(kind) => handlers.extend(handler(kind, Select::Other, read, errors)),
        }
    }
    if init.is_none() {
        errors.at(
            ty,
            "a server needs an #[init] function, which makes the state: `#[init] fn new() -> Self`",
        );
    }
    let handlers = unambiguous(handlers, errors);
    let sound = |(method, sound): (Method, bool)| sound.then_some(method);
    Some(Server {
        ty: ty.clone(),
        generics: block.generics.clone(),
        cfg: attributes(&block.attrs, "cfg"),
        msg: format_ident!("{}Msg", name),
        client: format_ident!("{}Client", name),
        name,
        init: init.and_then(sound)?,
        handlers,
        info_other: info_other.and_then(sound),
        terminate: terminate.and_then(sound),
        timeout: timeout.and_then(sound),
        format_status: format_status.and_then(sound),
        has_spec,
        options,
    })
}

/// The block's first line; returns the server's name.
fn header(
    trait_: &Option<(syn::Path, syn::Token![for])>,
    generics: &syn::Generics,
    ty: &Type,
) -> syn::Result<Ident> {
    if let Some((path, _)) = trait_ {
        let message = "#[gen_server] implements the trait itself: put it on an `impl Counter { .. }` without one";
        return Err(syn::Error::new_spanned(path, message));
    }
    if let Some(lifetime) = generics.lifetimes().next() {
        return Err(syn::Error::new_spanned(
            lifetime,
            "a server outlives the one who starts it: it cannot borrow",
        ));
    }
    let named = matches!(peeled(ty), Type::Path(_))
        .then(|| last_segment(ty))
        .flatten();
    named.map(|segment| segment.ident.clone()).ok_or_else(|| {
        syn::Error::new_spanned(
            ty,
            "a server is a struct or an enum of yours: this type has no name of its own",
        )
    })
}

fn read_method(method: &ImplItemFn, server: &Type, errors: &mut Errors) -> Method {
    let signature = &method.sig;
    if !signature.generics.params.is_empty() {
        let message = "a method of a server has no parameters in `<>`: its message is one variant of an enum, whose types are fixed";
        errors.at(&signature.generics, message);
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.at(
            token,
            "messages come from anywhere, so nobody could keep an `unsafe` promise",
        );
    }
    if let Some(abi) = &signature.abi {
        errors.at(abi, "a method of a server is a plain Rust function");
    }
    let params = params::params(signature, server, errors);
    let count = |is: fn(&Param) -> bool| params.iter().filter(|param| is(param)).count();
    if count(|param| matches!(param, Param::Cx)) > 1 {
        errors.at(&signature.inputs, "there is one process: take `cx` once");
    }
    if count(|param| matches!(param, Param::Reply(_))) > 1 {
        errors.at(
            &signature.inputs,
            "a call has one answer: take `ReplyTo` once",
        );
    }
    let output = match &signature.output {
        ReturnType::Type(_, ty) => self_type::spell_out(ty, server),
        ReturnType::Default => Type::Verbatim(quote_spanned!(signature.ident.span()=> ())),
    };
    Method {
        name: signature.ident.clone(),
        is_async: signature.asyncness.is_some(),
        params,
        output,
        docs: attributes(&method.attrs, "doc"),
        cfg: attributes(&method.attrs, "cfg"),
        deprecated: attributes(&method.attrs, "deprecated"),
    }
}

fn handler(kind: Kind, select: Select, mut method: Method, errors: &mut Errors) -> Option<Handler> {
    let variant = match (&select, kind) {
        (Select::Other, Kind::Call) => Ident::new("OtherCall", method.name.span()),
        (Select::Other, _) => Ident::new("OtherCast", method.name.span()),
        (Select::Name(..), _) => {
            let variant = names::variant(&method.name);
            if variant.is_none() {
                errors.at(
                    &method.name,
                    "no enum variant can be named after this: begin a word with a letter",
                );
            }
            variant?
        }
    };
    let reply = match (method.reply(), kind) {
        (Some(ty), _) => Some(Reply {
            ty: ty.clone(),
            deferred: true,
        }),
        (None, Kind::Call) => Some(Reply {
            ty: method.output.clone(),
            deferred: false,
        }),
        (None, _) => None,
    };
    distinct_names(&mut method.params);
    Some(Handler {
        kind,
        select,
        variant,
        method,
        reply,
    })
}

/// `arg0` for a pattern may be the name of another parameter: the client's method needs each once.
fn distinct_names(params: &mut [Param]) {
    let mut seen = Vec::<Ident>::new();
    for param in params {
        let Param::Value(value) = param else { continue };
        while seen.contains(&value.name) {
            value.name = format_ident!("{}_", value.name);
        }
        seen.push(value.name.clone());
    }
}

/// Refuses two handlers for one message, or of one variant. What stands under a `#[cfg]` is left to the compiler, since
/// only one of the two may be there.
fn unambiguous(handlers: Vec<Handler>, errors: &mut Errors) -> Vec<Handler> {
    let mut variants = HashMap::<String, Ident>::new();
    let mut taken = HashMap::<(&'static str, Option<String>), Ident>::new();
    let mut clear = Vec::with_capacity(handlers.len());
    for handler in handlers {
        if !handler.method.cfg.is_empty() {
            clear.push(handler);
            continue;
        }
        let kind = handler.kind.name();
        let method = handler.method.name.clone();
        let (key, span) = match &handler.select {
            Select::Name(name, span) => ((kind, Some(name.clone())), *span),
            Select::Other => ((kind, None), method.span()),
        };
        if let Some(earlier) = taken.get(&key) {
            let message = match &key.1 {
                Some(name) => format!("the {kind} `{name}` is handled by `{earlier}` already"),
                None => format!("`{earlier}` takes the other {kind}s already"),
            };
            errors.push(syn::Error::new(span, message));
        } else if let Some(earlier) = variants.get(&handler.variant.to_string()) {
            let message = format!(
                "`{earlier}` has the enum variant `{}` already: name one of them otherwise",
                handler.variant
            );
            errors.at(&method, message);
        } else {
            taken.insert(key, method.clone());
            variants.insert(handler.variant.to_string(), method);
            clear.push(handler);
        }
    }
    clear
}

fn only<T>(slot: &mut Option<T>, value: T, attribute: &Attribute, errors: &mut Errors) {
    if slot.is_some() {
        errors.at(attribute, "there is one of these already: a server has one");
    } else {
        *slot = Some(value);
    }
}

fn attributes(attributes: &[Attribute], name: &str) -> Vec<Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(name))
        .cloned()
        .collect()
}

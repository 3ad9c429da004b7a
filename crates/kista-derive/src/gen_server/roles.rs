//! The helper attributes: what each method of the block is for.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItemFn, LitStr, Meta};

use super::model::Kind;
use crate::errors::Errors;

/// What a method is for.
pub(super) enum Role {
    Init,
    Terminate,
    /// Acts when no message came in time.
    Timeout,
    /// Shows the state to `sys`.
    FormatStatus,
    /// Takes the messages of this kind with this name, by default the method's own.
    Named(Kind, Option<LitStr>),
    /// Takes what is left of this kind.
    Other(Kind),
}

/// The longest atom, in characters.
const MAX_ATOM: usize = 255;

/// Takes the helper attributes off `method`. `None`: it is an ordinary method, or its attributes are wrong (and reported).
/// The attribute comes along, for errors about it.
pub(super) fn take(method: &mut ImplItemFn, errors: &mut Errors) -> Option<(Role, Attribute)> {
    let (helpers, others) = std::mem::take(&mut method.attrs)
        .into_iter()
        .partition(is_helper);
    method.attrs = others;
    let mut helpers: std::vec::IntoIter<Attribute> = Vec::into_iter(helpers);
    let first = helpers.next()?;
    if let Some(second) = helpers.next() {
        errors.at(
            second,
            "a method has one role: one of #[init], #[call], #[cast], #[info], #[handle_continue], #[timeout], \
             #[format_status], #[terminate]",
        );
        return None;
    }
    Some((errors.check(role(&first))?, first))
}

fn is_helper(attribute: &Attribute) -> bool {
    [
        "init",
        "call",
        "cast",
        "info",
        "handle_continue",
        "timeout",
        "format_status",
        "terminate",
    ]
    .iter()
    .any(|name| attribute.path().is_ident(name))
}

fn role(attribute: &Attribute) -> syn::Result<Role> {
    let plain = |role| attribute.meta.require_path_only().map(|_| role);
    let kind = match attribute.path().require_ident()?.to_string().as_str() {
        "init" => return plain(Role::Init),
        "terminate" => return plain(Role::Terminate),
        "timeout" => return plain(Role::Timeout),
        "format_status" => return plain(Role::FormatStatus),
        "handle_continue" => return plain(Role::Named(Kind::Continue, None)),
        "call" => Kind::Call,
        "cast" => Kind::Cast,
        _ => Kind::Info,
    };
    let (mut name, mut other) = (None, None::<Span>);
    match &attribute.meta {
        Meta::Path(_) => {}
        Meta::List(_) => attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                name = Some(atom(meta.value()?.parse()?)?);
            } else if meta.path.is_ident("other") {
                other = Some(meta.path.span());
            } else {
                return Err(meta.error("unknown option: there are `name = \"..\"` and `other`"));
            }
            Ok(())
        })?,
        Meta::NameValue(meta) => {
            let example = format!("write #[{}(name = \"..\")]", kind.name());
            return Err(syn::Error::new_spanned(meta, example));
        }
    }
    match (name, other) {
        (Some(_), Some(other)) => Err(syn::Error::new(
            other,
            "`other` takes what has no name: leave out one of the two",
        )),
        (None, Some(_)) => Ok(Role::Other(kind)),
        (name, None) => Ok(Role::Named(kind, name)),
    }
}

pub(crate) fn atom(name: LitStr) -> syn::Result<LitStr> {
    if name.value().chars().count() > MAX_ATOM {
        return Err(syn::Error::new(
            name.span(),
            "an atom has at most 255 characters",
        ));
    }
    Ok(name)
}

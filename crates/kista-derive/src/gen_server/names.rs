//! From a method's name to the names made of it.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::model::{Method, Value};
pub(super) use crate::wire::{glue, local};

/// Methods of `ServerRef` and `Client`, and those that the prelude's traits give every handle. `server.stop()` must mean
/// one thing: a client's method of such a name would be hidden, or would hide.
const TAKEN: [&str; 21] = [
    "address",
    "as_ref",
    "call",
    "cast",
    "clone",
    "clone_from",
    "deref",
    "dest",
    "from",
    "into",
    "is_alive",
    "monitor",
    "name",
    "node",
    "pid",
    "send",
    "stop",
    "stop_with",
    "to_owned",
    "try_from",
    "try_into",
];

/// Whether a client's method must not be called so.
pub(super) fn is_taken(method: &Ident) -> bool {
    TAKEN.contains(&plain(method).as_str())
}

/// The name without `r#`: `r#type` is the atom `type`.
pub(super) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The enum variant of a method: `add_all` becomes `AddAll`. `None` when that is no identifier (`_1`, `self_`).
pub(super) fn variant(method: &Ident) -> Option<Ident> {
    let mut name = String::new();
    for word in plain(method).split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
    }
    let mut variant: Ident = syn::parse_str(&name).ok()?;
    variant.set_span(method.span());
    Some(variant)
}

/// A local for each value of a method, in order, that points at the parameter.
pub(super) fn bindings(method: &Method) -> Vec<Ident> {
    let binding = |(index, value): (usize, &Value)| {
        Ident::new(
            &format!("arg{index}"),
            Span::mixed_site().located_at(value.ty.span()),
        )
    };
    method.values().enumerate().map(binding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant_of(method: &str) -> Option<String> {
        let method: Ident = syn::parse_str(method)
            .or_else(|_| syn::parse_str(&format!("r#{method}")))
            .unwrap();
        variant(&method).map(|variant| variant.to_string())
    }

    #[test]
    fn variants_are_pascal_case() {
        for (method, expected) in [
            ("get", "Get"),
            ("add_all", "AddAll"),
            ("_private", "Private"),
            ("add_2_more", "Add2More"),
            ("type", "Type"),
            ("übung", "Übung"),
            ("getX", "GetX"),
        ] {
            assert_eq!(variant_of(method).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_name_without_a_variant_is_no_panic() {
        for method in ["_1", "__", "self_"] {
            assert_eq!(variant_of(method), None, "{method}");
        }
    }

    #[test]
    fn what_a_server_ref_has_is_taken() {
        assert!(is_taken(&Ident::new("stop", Span::call_site())));
        assert!(!is_taken(&Ident::new("get", Span::call_site())));
    }
}

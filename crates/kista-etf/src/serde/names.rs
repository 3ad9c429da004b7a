//! The names of variants and unit structs, as atoms.
//!
//! serde hands over the name as it stands in Rust, or as `rename` gave it, and does not say which. So:
//!
//! 1. A name in UpperCamelCase becomes snake_case, by the rule of the derives: `GetAll` is `get_all`, `HTTPServer` is
//!    `http_server`, `V2` is `v2`.
//! 2. Every other name stays as it is: `'$set'`, `'Elixir.My.S'`, and names of capitals only, such as `'DOWN'`.

use smallvec::SmallVec;

/// The text of an atom for a name of serde.
pub(super) enum AtomText<'a> {
    AsIs(&'a str),
    Snake(SmallVec<[u8; 64]>),
}

impl<'a> AtomText<'a> {
    pub(super) fn new(name: &'a str) -> Self {
        if !is_camel_case(name) {
            return Self::AsIs(name);
        }
        let mut text = SmallVec::new();
        for char in snake_case(name) {
            text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Self::Snake(text)
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::AsIs(text) => text,
            Self::Snake(text) => std::str::from_utf8(text).unwrap_or_default(),
        }
    }
}

/// Whether `atom` is what the name `name` is written as. Nothing is allocated.
pub(super) fn is_named(atom: &str, name: &str) -> bool {
    match (name.as_bytes(), atom.as_bytes()) {
        ([first, ..], [found, ..]) if first.is_ascii() && first.to_ascii_lowercase() != *found => {
            name == atom && !is_camel_case(name)
        }
        _ if is_camel_case(name) => snake_case(name).eq(atom.chars()),
        _ => name == atom,
    }
}

fn is_camel_case(name: &str) -> bool {
    let letters = || name.chars().filter(|char| char.is_alphabetic());
    name.starts_with(char::is_uppercase)
        && name.chars().all(char::is_alphanumeric)
        && (letters().any(char::is_lowercase) || letters().nth(1).is_none())
}

fn snake_case(name: &str) -> impl Iterator<Item = char> {
    let mut before: Option<char> = None;
    let mut rest = name.chars().peekable();
    std::iter::from_fn(move || {
        let char = rest.next()?;
        let begins_word = char.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || rest.peek().is_some_and(|next| next.is_lowercase())
            });
        before = Some(char);
        Some(
            begins_word
                .then_some('_')
                .into_iter()
                .chain(char.to_lowercase()),
        )
    })
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn camel_case_becomes_snake_case_and_nothing_else_does() {
        for (name, atom) in [
            ("Get", "get"),
            ("GetValue", "get_value"),
            ("HTTPServer", "http_server"),
            ("A1b", "a1b"),
            ("A", "a"),
            ("V2", "v2"),
            ("ÉtéÎle", "été_île"),
            ("DOWN", "DOWN"),
            ("EXIT", "EXIT"),
            ("GET_ALL", "GET_ALL"),
            ("Elixir.My.S", "Elixir.My.S"),
            ("$set", "$set"),
            ("get_all", "get_all"),
            ("getAll", "getAll"),
            ("", ""),
        ] {
            assert_eq!(AtomText::new(name).as_str(), atom);
            assert!(is_named(atom, name), "{name}");
        }
    }

    #[test]
    fn a_name_is_read_only_as_it_is_written() {
        for (name, atom) in [
            ("Get", "Get"),
            ("Get", "ge"),
            ("Get", "gets"),
            ("DOWN", "down"),
            ("get", "Get"),
            ("", "get"),
            ("Get", ""),
        ] {
            assert!(!is_named(atom, name), "{name} {atom}");
        }
    }
}

//! How Rust's names become Erlang's.

use syn::{LitStr, Result};

/// A value of `rename_all`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const STYLES: [(&str, Style); 8] = [
    ("lowercase", Style::Lower),
    ("UPPERCASE", Style::Upper),
    ("PascalCase", Style::Pascal),
    ("camelCase", Style::Camel),
    ("snake_case", Style::Snake),
    ("SCREAMING_SNAKE_CASE", Style::ScreamingSnake),
    ("kebab-case", Style::Kebab),
    ("SCREAMING-KEBAB-CASE", Style::ScreamingKebab),
];

impl Style {
    pub(super) fn new(literal: &LitStr) -> Result<Self> {
        let name = literal.value();
        match STYLES.iter().find(|(known, _)| *known == name) {
            Some((_, style)) => Ok(*style),
            None => {
                let known: Vec<String> = STYLES
                    .iter()
                    .map(|(known, _)| format!("`{known}`"))
                    .collect();
                Err(syn::Error::new(
                    literal.span(),
                    format!("`{name}` is no style of names; write {}", known.join(", ")),
                ))
            }
        }
    }

    /// The name in this style, whichever style it has in Rust.
    pub(crate) fn apply(self, name: &str) -> String {
        let words = words(name);
        let joined = |glue: &str| words.join(glue);
        match self {
            Self::Lower => joined(""),
            Self::Upper => joined("").to_uppercase(),
            Self::Pascal => words.iter().map(|word| capital(word)).collect(),
            Self::Camel => words
                .iter()
                .enumerate()
                .map(|(at, word)| if at == 0 { word.clone() } else { capital(word) })
                .collect(),
            Self::Snake => joined("_"),
            Self::ScreamingSnake => joined("_").to_uppercase(),
            Self::Kebab => joined("-"),
            Self::ScreamingKebab => joined("-").to_uppercase(),
        }
    }
}

/// `GetValue` and `get_value` as `get`, `value`; `HTTPServer` as `http`, `server`.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let starts_word = char.is_uppercase()
            && before.is_some_and(|before| {
                before != '_'
                    && (!before.is_uppercase()
                        || chars.get(at + 1).is_some_and(|next| next.is_lowercase()))
            });
        if starts_word || *char == '_' && before.is_some_and(|before| before != '_') {
            words.push(String::new());
        }
        match words.last_mut() {
            Some(word) if *char != '_' => word.extend(char.to_lowercase()),
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_snake_case_atoms() {
        for (name, atom) in [
            ("Get", "get"),
            ("GetValue", "get_value"),
            ("HTTPServer", "http_server"),
            ("A1b", "a1b"),
            ("V2", "v2"),
            ("_Hidden", "hidden"),
        ] {
            assert_eq!(Style::Snake.apply(name), atom);
        }
    }

    #[test]
    fn every_style_reads_fields_and_variants_alike() {
        for name in ["max_frame_size", "MaxFrameSize"] {
            let styled: Vec<String> = STYLES.iter().map(|(_, style)| style.apply(name)).collect();
            assert_eq!(
                styled,
                [
                    "maxframesize",
                    "MAXFRAMESIZE",
                    "MaxFrameSize",
                    "maxFrameSize",
                    "max_frame_size",
                    "MAX_FRAME_SIZE",
                    "max-frame-size",
                    "MAX-FRAME-SIZE",
                ]
            );
        }
    }
}

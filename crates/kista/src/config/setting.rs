//! A value with its key and its origin, read as what it is to be.

use std::fmt;
use std::time::Duration;

use config::{Value, ValueKind};
use kista_etf::{Atom, Binary, Term, atoms};

use super::ConfigError;

/// The key whose value is shown nowhere.
const SECRET: &str = "node.cookie";

/// A value, and where it was said.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) key: String,
    value: Value,
}

impl Setting {
    pub(super) const fn new(key: String, value: Value) -> Self {
        Self { key, value }
    }

    /// What is in a table, by key.
    pub(super) fn table(self) -> Result<Vec<(String, Self)>, ConfigError> {
        let ValueKind::Table(table) = &self.value.kind else {
            return Err(self.wrong("a table"));
        };
        let mut settings: Vec<_> = table
            .iter()
            .map(|(name, value)| {
                let key = format!("{}.{name}", self.key);
                (name.clone(), Self::new(key, value.clone()))
            })
            .collect();
        settings.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(settings)
    }

    pub(super) fn text(&self) -> Result<&str, ConfigError> {
        match &self.value.kind {
            ValueKind::String(text) => Ok(text),
            _ => Err(self.wrong("a text")),
        }
    }

    /// What a text says.
    pub(super) fn parsed<T: std::str::FromStr>(
        &self,
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        let text = self.text().map_err(|_| self.wrong(expected))?;
        text.parse().map_err(|_| self.wrong(expected))
    }

    /// One of these texts.
    pub(super) fn one_of<T: Copy>(
        &self,
        expected: &'static str,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let text = self.text().map_err(|_| self.wrong(expected))?;
        let found = choices.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, choice)| *choice)
            .ok_or_else(|| self.wrong(expected))
    }

    pub(super) fn bool(&self) -> Result<bool, ConfigError> {
        match self.value.kind {
            ValueKind::Boolean(value) => Ok(value),
            _ => Err(self.wrong("true or false")),
        }
    }

    pub(super) fn integer<T: TryFrom<i64>>(
        &self,
        expected: &'static str,
    ) -> Result<T, ConfigError> {
        match self.value.kind {
            ValueKind::I64(value) => T::try_from(value).map_err(|_| self.wrong(expected)),
            _ => Err(self.wrong(expected)),
        }
    }

    /// The integers of a list.
    pub(super) fn integers<T: TryFrom<i64>>(
        &self,
        expected: &'static str,
    ) -> Result<Vec<T>, ConfigError> {
        let ValueKind::Array(list) = &self.value.kind else {
            return Err(self.wrong(expected));
        };
        let each = |value: &Value| match value.kind {
            ValueKind::I64(value) => T::try_from(value).ok(),
            _ => None,
        };
        let integers: Option<Vec<_>> = list.iter().map(each).collect();
        integers.ok_or_else(|| self.wrong(expected))
    }

    /// A number of seconds above zero, with a fraction or not.
    pub(super) fn seconds(&self) -> Result<Duration, ConfigError> {
        let expected = "a number of seconds above zero";
        let seconds = match self.value.kind {
            ValueKind::I64(seconds) => seconds as f64,
            ValueKind::Float(seconds) => seconds,
            _ => return Err(self.wrong(expected)),
        };
        match Duration::try_from_secs_f64(seconds) {
            Ok(time) if !time.is_zero() => Ok(time),
            _ => Err(self.wrong(expected)),
        }
    }

    /// The value as a term: texts are binaries, `true` and `false` atoms, lists lists, tables maps whose keys are atoms. It is as
    /// deep as the file is nested, which its parser limits.
    pub(super) fn term(&self) -> Result<Term, ConfigError> {
        Ok(match &self.value.kind {
            ValueKind::Nil => Term::from(atoms::UNDEFINED),
            ValueKind::Boolean(value) => Term::from(*value),
            ValueKind::I64(value) => Term::from(*value),
            ValueKind::U64(value) => Term::from(*value),
            ValueKind::Float(value) if value.is_finite() => Term::from(*value),
            ValueKind::String(text) => Term::from(Binary::from(text.as_bytes())),
            ValueKind::Array(list) => {
                let element = |(n, value): (usize, &Value)| {
                    Self::new(format!("{}[{n}]", self.key), value.clone()).term()
                };
                let elements: Result<Vec<_>, _> = list.iter().enumerate().map(element).collect();
                Term::list(elements?)
            }
            ValueKind::Table(_) => {
                let entry = |(name, setting): (String, Self)| {
                    let key = Atom::new(&name);
                    let key = key.map_err(|_| setting.wrong("a key of at most 255 characters"))?;
                    Ok((Term::from(key), setting.term()?))
                };
                let entries: Result<Vec<_>, ConfigError> =
                    self.clone().table()?.into_iter().map(entry).collect();
                Term::map(entries?).ok_or_else(|| self.wrong("a table whose keys differ"))?
            }
            ValueKind::Float(_) | ValueKind::I128(_) | ValueKind::U128(_) => {
                return Err(self.wrong("a number that Erlang has too"));
            }
        })
    }

    pub(super) fn wrong(&self, expected: &'static str) -> ConfigError {
        ConfigError::Wrong {
            key: self.key.clone(),
            origin: self.origin(),
            expected,
            found: match &self.value.kind {
                _ if self.key == SECRET => "what is there".to_owned(),
                ValueKind::Table(_) => "a table".to_owned(),
                ValueKind::Array(_) => "this list".to_owned(),
                ValueKind::String(text) => format!("{text:?}"),
                // Not with all its zeros.
                ValueKind::Float(value) => format!("{value:?}"),
                _ => self.value.to_string(),
            },
        }
    }

    pub(super) fn unknown(&self, known: &'static str) -> ConfigError {
        ConfigError::Unknown {
            key: self.key.clone(),
            origin: self.origin(),
            known,
        }
    }

    /// Where it was said; of a table, where what is in it was.
    fn origin(&self) -> String {
        let mut origins = Vec::new();
        collect_origins(&self.value, &mut origins);
        origins.sort_unstable();
        origins.dedup();
        match origins.is_empty() {
            true => "the configuration".to_owned(),
            false => origins.join(" and "),
        }
    }
}

/// As deep as the file is nested, which its parser limits.
fn collect_origins<'a>(value: &'a Value, origins: &mut Vec<&'a str>) {
    match &value.kind {
        ValueKind::Table(table) if !table.is_empty() => {
            for value in table.values() {
                collect_origins(value, origins);
            }
        }
        _ => origins.extend(value.origin()),
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.key {
            SECRET => write!(f, "Setting({SECRET})"),
            key => write!(f, "Setting({key} = {})", self.value),
        }
    }
}

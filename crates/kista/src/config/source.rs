//! Where values come from.

use std::ffi::OsString;

use config::{File, FileFormat, Map, Source as _, Value, ValueKind};

use super::{ConfigError, say_origin};

/// The tables that a configuration has.
pub(super) const TABLES: [&str; 4] = ["node", "log", "env", "applications"];

/// How a variable begins that is meant for one of them.
const MEANT: [&str; 2] = ["node", "application"];

/// The keys of `[node]` that take a text.
const TEXTS: [&str; 5] = ["name", "cookie", "cookie_file", "listen_on", "epmd"];

/// The environment variables `PREFIX_NODE__KEY`, `PREFIX_LOG__KEY`, `PREFIX_ENV__KEY` and `PREFIX_APPLICATIONS__APPLICATION__KEY`, in small letters.
/// A value is read as in a file, and is a text when that can not be, or when its key takes a text: a cookie may be all digits.
///
/// Other variables of the prefix may be for something else; but one that begins as if it were meant for a table is an error.
pub(super) struct Variables(Vec<(Vec<String>, Value)>);

impl Variables {
    pub(super) fn read(
        prefix: &str,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut read = Vec::new();
        for (name, value) in variables {
            let Some(name) = name.to_str() else {
                continue;
            };
            let path = name
                .strip_prefix(prefix)
                .and_then(|rest| rest.strip_prefix('_'));
            let path: Vec<_> = path
                .unwrap_or_default()
                .split("__")
                .map(str::to_lowercase)
                .collect();
            if path.len() < 2 || !TABLES.contains(&&*path[0]) {
                let log = path[0] == "log" || path[0].starts_with("log_");
                if log || MEANT.iter().any(|table| path[0].starts_with(table)) {
                    return Err(ConfigError::UnknownVariable {
                        name: name.to_owned(),
                        prefix: prefix.to_owned(),
                    });
                }
                continue;
            }
            let text = value.into_string();
            let text = text.map_err(|_| ConfigError::Variable(name.to_owned()))?;
            let is_text =
                matches!(&*path, [table, key] if table == "node" && TEXTS.contains(&&**key));
            read.push((path, value_of(name, text, is_text)));
        }
        // In one order, whatever that of the environment is: what is nested comes after what it is nested in.
        read.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Self(read))
    }

    /// What they say, table by table.
    pub(super) fn tables(self) -> Map<String, Value> {
        let mut root = Map::new();
        for (path, value) in self.0 {
            insert(&mut root, &path, value);
        }
        root
    }
}

fn value_of(name: &str, text: String, is_text: bool) -> Value {
    let origin = format!("the environment variable {name}");
    let line = format!("value = {text}");
    // More than one line could be more than one value.
    if !text.contains('\n')
        && let Ok(mut map) = File::from_str(&line, FileFormat::Toml).collect()
        && let Some(mut value) = map.remove("value")
        && (!is_text || matches!(value.kind, ValueKind::String(_)))
    {
        say_origin(&mut value, &origin);
        return value;
    }
    Value::new(Some(&origin), text)
}

fn insert(root: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((last, way)) = path.split_last() else {
        return;
    };
    let mut table = root;
    for name in way {
        let origin = value.origin().map(str::to_owned);
        let inner = table
            .entry(name.clone())
            .or_insert_with(|| Value::new(origin.as_ref(), Map::<String, Value>::new()));
        if !matches!(inner.kind, ValueKind::Table(_)) {
            *inner = Value::new(origin.as_ref(), Map::<String, Value>::new());
        }
        let ValueKind::Table(inner) = &mut inner.kind else {
            unreachable!("it was made one")
        };
        table = inner;
    }
    table.insert(last.clone(), value);
}

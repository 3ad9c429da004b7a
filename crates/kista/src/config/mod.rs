//! Configuration of a node and its applications, from files and environment variables.
//!
//! ```toml
//! [node]
//! name = "demo@127.0.0.1"
//! net_ticktime = 60
//!
//! [log]
//! filter = "info"
//!
//! [env]                              # the node's environment
//! region = "north"
//!
//! [applications.demo]                # the environment of the application demo
//! limit = 100
//! ```
//!
//! ```
//! use kista::application::Application;
//! use kista::config::Config;
//! use kista::{Node, Term};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("kista-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&dir)?;
//! # let file = dir.join("kista.toml");
//! # std::fs::write(&file, "[node]\nname = 'demo@127.0.0.1'\nnetwork = false\n[applications.demo]\nlimit = 100\n")?;
//! let config = Config::read()
//!     .file(&file)                    // `kista.toml`, say
//!     .variables("KISTA")             // KISTA_NODE__NAME, KISTA_APPLICATIONS__DEMO__LIMIT: these come before the file
//!     .load()?;
//! let node = Node::configured(&config)?.start().await?;
//! node.applications().load(Application::new("demo").env("limit", 10)).await?;
//! assert_eq!(node.applications().env("demo", "limit"), Some(Term::from(100)));
//! # node.stop().await; std::fs::remove_dir_all(&dir)?; Ok(()) }
//! ```
//! Rules:
//! 1. What comes later comes before: files in their order, then environment variables. Tables are merged key by key.
//! 2. In `[node]` only the keys of the builder are known, each with its kind of value; a key that is not known is an error, as are
//!    tables other than these four. Those of `[log]` are in [`log`](crate::log). Durations are seconds, with a fraction or not.
//! 3. Everything else is a term: texts are binaries, `true` and `false` atoms, lists lists, tables maps whose keys are atoms.
//! 4. An error names the key, and the file or the environment variable in which it was said; of a table all that said something in it. No cookie is ever shown.
//! 5. What a configuration says of an application's environment comes before what the application says; what is set when it runs
//!    comes before both.
//!
//! | key of `[node]` | value | as |
//! |---|---|---|
//! | `name` | text | [`Node::builder`] |
//! | `cookie`, `cookie_file` | text | [`NodeBuilder::cookie`], [`cookie_file`](NodeBuilder::cookie_file) |
//! | `listen_on` | an IP address | [`NodeBuilder::listen_on`] |
//! | `port`, `ports` | a port; the first and the last of a range | [`NodeBuilder::port`], [`ports`](NodeBuilder::ports) |
//! | `visible` | true or false | [`NodeBuilder::visibility`] |
//! | `network` | true or false | [`NodeBuilder::no_network`] |
//! | `epmd` | `auto`, `running`, `spawn`, `embedded` or `off` | [`NodeBuilder::epmd`] |
//! | `epmd_port` | a port | [`NodeBuilder::epmd_port`] |
//! | `net_ticktime` | seconds | [`NodeBuilder::net_ticktime`] |
//! | `tls` | a table: `dir`, or `ca`, `certificate` and `key` (files), or `generated = true`, or `generated_in`; `names` (`host`, `dialled`, `off`), `tls13_only` | [`NodeBuilder::tls`], [`Tls`](crate::Tls) |
//! | `queue_alarm` | messages | [`NodeBuilder::queue_alarm`] |
//! | `inspectable` | true or false | [`NodeBuilder::inspectable_by`] |
//! | `stop_timeout` | seconds | [`NodeBuilder::stop_timeout`] |
//! | `stop_on_signals` | true or false | [`NodeBuilder::stop_on_signals`] |
//! | `http` | a table: `port`, and perhaps `listen_on` (an IP address), `connections`, `timeout` (seconds), `metrics` (true or false; feature `prometheus`) | `NodeBuilder::http` (feature `http`) |
//! | `metrics_interval` | seconds | `NodeBuilder::metrics` (feature `metrics`) |
//!
//! Source: *config* in the Kernel reference manual, for what it is for; the forms are ours.

mod error;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "log")]
mod log;
mod node;
mod setting;
mod source;
#[cfg(feature = "tls")]
mod tls;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use config::{FileFormat, Map, Value, ValueKind};
use kista_etf::{Atom, Term};

pub use error::ConfigError;

use self::setting::Setting;
use self::source::{TABLES, Variables};
use crate::application::Environments;
#[cfg(doc)]
use crate::{Node, NodeBuilder};

/// A configuration that was read.
#[derive(Clone, Debug, Default)]
pub struct Config {
    node: Vec<(String, Setting)>,
    #[cfg(feature = "log")]
    log: Vec<(String, Setting)>,
    env: Vec<(String, Term)>,
    applications: Environments,
}

/// Where a configuration is to be read from. Begun by [`Config::read`].
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is read until load()"]
pub struct Reader {
    files: Vec<(PathBuf, bool)>,
    /// By prefix; `None`: the program's.
    variables: Vec<(String, Option<Given>)>,
}

/// Environment variables.
type Given = Vec<(OsString, OsString)>;

impl Config {
    /// Begins to say where it is read from.
    pub fn read() -> Reader {
        Reader::default()
    }

    pub(crate) fn env(&self) -> impl Iterator<Item = (&str, Term)> {
        self.env.iter().map(|(key, value)| (&**key, value.clone()))
    }

    pub(crate) const fn applications(&self) -> &Environments {
        &self.applications
    }

    fn of(root: Map<String, Value>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        for (name, value) in root {
            let setting = Setting::new(name.clone(), value);
            match &*name {
                "node" => config.node = setting.table()?,
                #[cfg(feature = "log")]
                "log" => config.log = setting.table()?,
                // Whoever logs may read it.
                #[cfg(not(feature = "log"))]
                "log" => drop(setting.table()?),
                "env" => config.env = terms(setting)?,
                "applications" => {
                    for (name, environment) in setting.table()? {
                        let Ok(application) = Atom::new(&name) else {
                            return Err(environment.wrong("a name of at most 255 characters"));
                        };
                        let environment = terms(environment)?.into_iter().collect();
                        config.applications.insert(application, environment);
                    }
                }
                _ => return Err(setting.unknown("there are node, log, env and applications")),
            }
        }
        Ok(config)
    }
}

fn terms(table: Setting) -> Result<Vec<(String, Term)>, ConfigError> {
    let settings = table.table()?.into_iter();
    let terms = settings.map(|(name, setting)| Ok((name, setting.term()?)));
    terms.collect()
}

impl Reader {
    /// A TOML file, which must be there.
    pub fn file(mut self, file: impl AsRef<Path>) -> Self {
        self.files.push((file.as_ref().to_owned(), true));
        self
    }

    /// A TOML file, if it is there.
    pub fn optional_file(mut self, file: impl AsRef<Path>) -> Self {
        self.files.push((file.as_ref().to_owned(), false));
        self
    }

    /// The environment variables of this prefix: with `KISTA` those that begin with `KISTA_NODE__`, `KISTA_LOG__`, `KISTA_ENV__` or
    /// `KISTA_APPLICATIONS__`. Two underscores stand between a table and a key; all of it becomes small letters. A value is read as
    /// TOML (`10`, `true`, `[1, 2]`), and is a text where it is none, or where the key takes a text. Variables that begin with
    /// `KISTA_NODE`, `KISTA_LOG` or `KISTA_APPLICATION` and are of no such form are an error; all others are left alone.
    pub fn variables(mut self, prefix: impl Into<String>) -> Self {
        self.variables.push((prefix.into(), None));
        self
    }

    /// As [`variables`](Self::variables), of these instead of the program's.
    pub fn variables_of<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        prefix: impl Into<String>,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter();
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        self.variables
            .push((prefix.into(), Some(variables.collect())));
        self
    }

    /// Reads it.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(self) -> Result<Config, ConfigError> {
        let mut merged = Map::new();
        for (path, required) in self.files {
            let file = path.display().to_string();
            let error = |reason: String| {
                let file = file.clone();
                ConfigError::File { file, reason }
            };
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(missing) if !required && missing.kind() == std::io::ErrorKind::NotFound => {
                    continue;
                }
                Err(other) => return Err(error(other.to_string())),
            };
            let values = parsed(&file, &text);
            let values = values.map_err(|wrong| error(without_cookie(&wrong.to_string())))?;
            check_tables(&values)?;
            merge(&mut merged, values);
        }
        for (prefix, variables) in self.variables {
            let variables = variables.unwrap_or_else(|| std::env::vars_os().collect());
            merge(&mut merged, Variables::read(&prefix, variables)?.tables());
        }
        Config::of(merged)
    }
}

/// Before anything is merged, so that the error names one file.
fn check_tables(values: &Map<String, Value>) -> Result<(), ConfigError> {
    match values
        .iter()
        .find(|(name, _)| !TABLES.contains(&name.as_str()))
    {
        None => Ok(()),
        Some((name, value)) => Err(Setting::new(name.clone(), value.clone())
            .unknown("there are node, log, env and applications")),
    }
}

/// A parser's error shows the line that it is about.
fn without_cookie(error: &str) -> String {
    let lines = error.lines().filter(|line| !line.contains("cookie"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The values of a file's text, which say where they are from.
fn parsed(file: &str, text: &str) -> Result<Map<String, Value>, config::ConfigError> {
    let text = config::File::from_str(text, FileFormat::Toml);
    let mut values = config::Source::collect(&text)?;
    for value in values.values_mut() {
        say_origin(value, file);
    }
    Ok(values)
}

/// As deep as the text is nested, which its parser limits.
fn say_origin(value: &mut Value, origin: &str) {
    let mut kind = std::mem::take(&mut value.kind);
    match &mut kind {
        ValueKind::Table(table) => {
            for value in table.values_mut() {
                say_origin(value, origin);
            }
        }
        ValueKind::Array(list) => {
            for value in list {
                say_origin(value, origin);
            }
        }
        _ => {}
    }
    *value = Value::new(Some(&origin.to_owned()), kind);
}

/// What comes later comes before, key by key.
fn merge(former: &mut Map<String, Value>, later: Map<String, Value>) {
    for (key, value) in later {
        match (former.get_mut(&key).map(|value| &mut value.kind), value) {
            (
                Some(ValueKind::Table(former)),
                Value {
                    kind: ValueKind::Table(later),
                    ..
                },
            ) => merge(former, later),
            (_, value) => drop(former.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests;

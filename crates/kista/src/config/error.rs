use std::fmt;

/// What is wrong with a configuration: which key, and where it was said.
///
/// `Debug` shows the same sentence as `Display`: it is what a `main` that returns the error prints.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file can not be read, or is no TOML.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// An environment variable is not UTF-8.
    #[error("the environment variable {0} is not UTF-8")]
    Variable(String),
    /// An environment variable begins as if it were meant for a table, and is for none: two underscores stand between a table and
    /// a key.
    #[error(
        "the environment variable {name} is not understood: {prefix}_NODE__KEY, {prefix}_LOG__KEY, {prefix}_ENV__KEY and \
         {prefix}_APPLICATIONS__APPLICATION__KEY are"
    )]
    UnknownVariable {
        /// The variable.
        name: String,
        /// The prefix that it has.
        prefix: String,
    },
    /// There is no such key.
    #[error("{key} in {origin} is not known: {known}")]
    Unknown {
        /// The key, as a path.
        key: String,
        /// The file or environment variable.
        origin: String,
        /// Which ones there are.
        known: &'static str,
    },
    /// The value is of another kind, or out of range.
    #[error("{key} in {origin} is to be {expected}, not {found}")]
    Wrong {
        /// The key, as a path.
        key: String,
        /// The file or environment variable.
        origin: String,
        /// What the key takes.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A key that is needed is nowhere.
    #[error("{0} is missing: say it in the file or in an environment variable")]
    Missing(&'static str),
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

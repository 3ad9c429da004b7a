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

//! Where the log lines of a program go, and which: one call at the beginning of `main`. Kista logs through [`tracing`]; a program that sets a
//! subscriber of its own needs nothing of this.
//!
//! ```
//! use kista::log::{Format, Log};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let log = Log::new()
//!     .filter("info,kista::net=debug")  // the directives of `tracing_subscriber::EnvFilter`
//!     .format(Format::Json)             // one object a line
//!     .init()?;
//! log.set_filter("debug")?;             // while the program runs
//! # Ok(()) }
//! ```
//!
//! Rules:
//! 1. Lines go to stderr, unless said otherwise; coloured if that is a terminal, and never in JSON.
//! 2. What comes later comes before: what the builder says, [`Log::config`], [`Log::variable`].
//! 3. What a peer sent is escaped, and lines about peers are limited, whatever is asked for here.
//!
//! | key of `[log]` in a file, variable | value |
//! |---|---|
//! | `filter`, `KISTA_LOG__FILTER` | directives: `info`, `warn,kista::net=debug` |
//! | `format`, `KISTA_LOG__FORMAT` | `full`, `compact` or `json` |
//! | `output`, `KISTA_LOG__OUTPUT` | `stderr` or `stdout` |
//! | `ansi`, `KISTA_LOG__ANSI` | true or false |

#[cfg(feature = "log")]
mod init;
mod limit;

#[cfg(all(feature = "log", feature = "config"))]
pub(crate) use init::parse;
#[cfg(feature = "log")]
pub use init::{Format, Log, LogControl, LogError, Output};
pub(crate) use limit::{Escaped, LogLimit};

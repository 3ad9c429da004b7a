//! Whether a node lives, and whether it is ready for work: for those who start it anew, and for those who send it work.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kista::Node;
//! use kista::health::Probe;
//! let node = Node::builder("health-doc@127.0.0.1").no_network().start().await?;
//! node.add_check(Probe::Ready, "stock", async || match 7 {
//!     0 => Err("nothing is left"),
//!     _ => Ok(()),
//! })?;
//! let health = node.health().await;
//! assert!(health.is_live() && health.is_ready(), "{health}");
//! # node.stop().await; Ok(()) }
//! ```
//! The same by HTTP: `NodeBuilder::http`, with the feature `http`.
//!
//! | check | probe | holds when |
//! |---|---|---|
//! | `runtime` | live | a task of the node's runtime runs within the time of a check |
//! | `processes` | live | `net_kernel` answers a request for its info; of a node with a network |
//! | `listener` | live | each socket that peers arrive at is accepted from |
//! | `epmd` | live | the node is registered, unless EPMD is off |
//! | `ticks` | live | the thread that ticks runs |
//! | `node` | ready | the node has started, and does not stop |
//! | `applications` | ready | each application of [`NodeBuilder::boot`](crate::NodeBuilder::boot) runs |
//!
//! Rules:
//! 1. A node is ready when it lives and all checks of readiness hold.
//! 2. While a node stops it is not ready; it lives until it has stopped, whatever it has closed by then.
//! 3. Checks run at the same time, each for at most [`CHECK_TIME`]. One that takes longer, or panics, has failed.
//! 4. A check runs in a task of its own, for each question anew; nothing is remembered.

mod checks;
#[cfg(feature = "http")]
mod http;

use std::fmt;
use std::time::Duration;

pub use checks::CheckError;
pub(crate) use checks::Checks;
#[cfg(feature = "http")]
pub use http::Http;
#[cfg(feature = "http")]
pub(crate) use http::bind;

use crate::log::Escaped;

/// How long one check may take.
pub const CHECK_TIME: Duration = Duration::from_secs(1);

/// Checks of a program's own that a node takes.
pub const MOST_CHECKS: usize = 64;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// Whether the node lives: if not, only a new start helps.
    Live,
    /// Whether it is to get work now.
    Ready,
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub probe: Probe,
    /// Why it failed; `None`: it holds.
    pub failure: Option<String>,
}

/// The checks of a node at one moment: what [`Node::health`](crate::Node::health) gives. It displays as a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    checked: Vec<Checked>,
}

impl Health {
    /// Whether all checks of [`Probe::Live`] hold.
    pub fn is_live(&self) -> bool {
        self.failures(Probe::Live).next().is_none()
    }

    /// Whether all checks hold.
    pub fn is_ready(&self) -> bool {
        self.is_live() && self.failures(Probe::Ready).next().is_none()
    }

    /// All checks, the node's own first.
    pub fn checks(&self) -> &[Checked] {
        &self.checked
    }

    fn failures(&self, probe: Probe) -> impl Iterator<Item = &Checked> {
        let failed = move |check: &&Checked| check.probe == probe && check.failure.is_some();
        self.checked.iter().filter(failed)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checked
            .iter()
            .try_for_each(|check| writeln!(f, "{check}"))
    }
}

/// `NAME: ok`, or `NAME: failed: WHY`.
impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Escaped(&self.name);
        match &self.failure {
            None => write!(f, "{name}: ok"),
            Some(why) => write!(f, "{name}: failed: {}", Escaped(why)),
        }
    }
}

//! Proofs by faults and races: what holds a claim is not one scenario but thousands of them, between a node of ours in this process
//! and a real `erl`.
//!
//! Each is a function with a plan, so that it runs in two ways: short in the tests (`tests/interop/proofs.rs`), and as long and as
//! exactly timed as one likes by `scripts/prove NAME` (`src/bin/prove.rs`). It returns what it counted, or panics with what is wrong.

mod churn;
mod collisions;
mod idle;
mod kills;
mod member;
mod mesh;
mod races;
mod silence;
mod stalls;

pub use churn::{Churn, Churned, churn};
pub use collisions::{Collided, Collisions, collisions};
pub use idle::{Idle, Idled, idle};
pub use kills::{Killed, Kills, kills};
pub use member::member;
pub use mesh::{Mesh, Meshed, Outcomes, mesh};
pub use races::{Raced, Races, races};
pub use silence::{Silence, Silent, silence};
pub use stalls::{Stalled, Stalls, stalls};

use std::time::Duration;

use kista::NodeBuilder;

use crate::Bed;

/// The peer's name in every proof.
pub(crate) const ERL: &str = "erl@127.0.0.1";

/// How long something that must come is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A node of ours on the bed, hidden, so that `global` has no part in what is proved.
pub(crate) fn ours(bed: &Bed, name: &str) -> NodeBuilder {
    bed.node(name)
}

/// Options of an `erl` that answers a lost connection by nothing else.
pub(crate) const QUIET: [&str; 6] = [
    "-kernel",
    "prevent_overlapping_partitions",
    "false",
    "-connect_all",
    "false",
    "-hidden",
];

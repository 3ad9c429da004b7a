//! Who is measured. A new peer is one module and one line in [`all`].

#[cfg(feature = "actors")]
mod actors;
mod codec;
mod erl;
mod kista;
mod mixed;
mod papers;
mod shares;
mod tcp;
mod tokio;
mod tokio_tcp;

use std::process::Command;

use crate::row::{Row, Work};

/// Something that does the rows' work.
pub(crate) trait Peer {
    /// Its short name, for the command line and the JSON.
    fn name(&self) -> &'static str;

    /// Why it cannot be run here, when it cannot.
    fn missing(&self) -> Option<String> {
        None
    }

    /// The OS processes that do this row's work, in the order in which they are started: one for a local row, the one that
    /// receives and the one that drives for a network row. `None`: this row is not for this peer.
    fn processes(&self, row: &Row) -> Option<Vec<Command>>;

    /// How many times the row's work one run does: more than once for a peer so fast that the work would be over within a few
    /// of the kernel's 10 ms ticks of CPU time. Never less.
    fn times(&self, _row: &Row) -> u64 {
        1
    }

    /// What a process does that [`Peer::processes`] started by `child`; peers in Rust only.
    fn run(&self, row: &Row, role: Role) {
        unreachable!(
            "{} has no process of its own for {} ({role:?})",
            self.name(),
            row.name
        );
    }
}

/// What an OS process of a row is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// A local row's process.
    Only,
    /// The one of two that receives; it says where.
    First,
    /// The one of two that drives and measures.
    Second,
}

/// All peers; ours first in every row, and each other is compared with it.
pub(crate) fn all() -> Vec<Box<dyn Peer>> {
    let nodes: [Box<dyn Peer>; 7] = [
        Box::new(kista::Kista::default()),
        Box::new(erl::Erl::default()),
        Box::new(mixed::Mixed::KistaSends(erl::Erl::default())),
        Box::new(mixed::Mixed::ErlSends(erl::Erl::default())),
        Box::new(tokio::Tokio),
        Box::new(tcp::Tcp),
        Box::new(tokio_tcp::TokioTcp),
    ];
    let all = codec::all().chain(nodes);
    #[cfg(feature = "actors")]
    let all = all.chain(actors::all());
    all.collect()
}

/// The roles of a row's processes, in order.
fn roles(row: &Row) -> &'static [Role] {
    if matches!(row.work, Work::Network(..)) {
        &[Role::First, Role::Second]
    } else {
        &[Role::Only]
    }
}

/// This program again, as one of a row's processes.
fn children(peer: &str, row: &Row) -> Option<Vec<Command>> {
    let child = |role: &Role| {
        let mut command =
            Command::new(std::env::current_exe().expect("a running program has a path"));
        command.args([
            "--child",
            peer,
            "--rows",
            row.name,
            "--role",
            &format!("{role:?}").to_lowercase(),
        ]);
        command
    };
    Some(roles(row).iter().map(child).collect())
}

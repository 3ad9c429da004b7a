//! Kista and Erlang with each other: one sends, the other receives.

use std::process::Command;

use super::erl::Erl;
use super::{Peer, children};
use crate::row::{Pattern, Row, Work};

/// Which of the two sends; the other receives.
pub(super) enum Mixed {
    KistaSends(Erl),
    ErlSends(Erl),
}

impl Peer for Mixed {
    fn name(&self) -> &'static str {
        match self {
            Self::KistaSends(_) => "kista>erl",
            Self::ErlSends(_) => "erl>kista",
        }
    }

    fn missing(&self) -> Option<String> {
        let (Self::KistaSends(erl) | Self::ErlSends(erl)) = self;
        erl.missing()
    }

    fn processes(&self, row: &Row) -> Option<Vec<Command>> {
        let Work::Network(Pattern::Send { .. } | Pattern::Call { .. }, _) = row.work else {
            return None;
        };
        // Papers of two CAs would not do.
        if row.work.over_tls() {
            return None;
        }
        let (Self::KistaSends(erl) | Self::ErlSends(erl)) = self;
        let port = erl.epmd_port().to_string();
        let mut kista = children("kista", row)?;
        for command in &mut kista {
            command.env("KISTA_BENCH_EPMD", &port);
        }
        let (first, second) = match self {
            Self::KistaSends(_) => (erl.processes(row)?, kista),
            Self::ErlSends(_) => (kista, erl.processes(row)?),
        };
        let two = first.into_iter().take(1).chain(second.into_iter().skip(1));
        Some(two.collect())
    }
}

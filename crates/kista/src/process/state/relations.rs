use std::collections::HashMap;
use std::sync::Arc;

use kista_etf::{Atom, Pid, Reference};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::keyed::Keyed;
use crate::process::{Dest, Via};
use crate::remote::SpawnSlot;

/// With whom a process is linked, whom it monitors, and who monitors it. Most processes have nobody, so it is made for the first.
///
/// Once made it stays until the process ends: the ids of unlinks must never come again.
#[derive(Default)]
pub(super) struct Relations {
    /// Peers choose these keys, so the hash is one that they cannot aim at.
    pub(super) links: HashMap<Pid, Link, Keyed>,
    /// We make these keys.
    pub(super) monitors: FxHashMap<Reference, Monitored>,
    /// As `links`.
    pub(super) watchers: HashMap<Reference, Watcher, Keyed>,
    /// The connections whose loss will be told, of those by which others made relations with this process.
    pub(super) watching: SmallVec<[u64; 1]>,
    /// Processes that other nodes were asked for, by the reference of the request.
    pub(super) spawning: FxHashMap<Reference, Spawning>,
    pub(super) unlink_ids: u64,
    /// DOWN messages in the private list that were flushed: passed over when they are met.
    pub(super) flushed: usize,
}

pub(super) struct Link {
    /// `Some(id)`: unlinked, waiting for the acknowledgement with this id.
    pub(super) unlinking: Option<u64>,
    pub(super) via: Via,
}

impl Link {
    pub(super) const fn new(via: Via) -> Self {
        Self {
            unlinking: None,
            via,
        }
    }

    pub(super) const fn is_active(&self) -> bool {
        self.unlinking.is_none()
    }
}

pub(super) struct Monitored {
    /// What was asked for, which the DOWN says.
    pub(super) target: Dest,
    /// The process of this node that had the name then: by now the name may be another's.
    pub(super) holder: Option<Pid>,
    pub(super) via: Via,
    /// Its DOWN waits to be read.
    pub(super) fired: bool,
}

impl Monitored {
    /// Where the monitor is to be taken back.
    pub(super) fn place(&self) -> Dest {
        self.holder.map_or(self.target, Dest::Pid)
    }
}

pub(super) struct Spawning {
    pub(super) slot: Arc<SpawnSlot>,
    pub(super) via: Via,
}

pub(super) struct Watcher {
    pub(super) pid: Pid,
    pub(super) name: Option<Atom>,
    pub(super) via: Via,
}

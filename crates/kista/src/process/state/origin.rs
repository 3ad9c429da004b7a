use kista_etf::Pid;

use crate::process::{Ancestry, Env};

/// What a process has from the one that started it, and hands on. Made on demand: most of a million have nothing of it.
#[derive(Default)]
pub(crate) struct Origin {
    /// The process that started it with a link.
    pub(crate) parent: Option<Pid>,
    pub(crate) group_leader: Option<Pid>,
    pub(crate) env: Env,
    /// Who started this process, and who started that one.
    pub(crate) ancestry: Ancestry,
    /// What children have as their ancestry; made for the first one.
    pub(crate) as_ancestor: Ancestry,
}

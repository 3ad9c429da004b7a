//! Control messages of a node that is called differently outside.

use kista_etf::Renaming;

use super::{Control, Recipient, SpawnResult, Target};

impl Control {
    /// The same message with the two incarnations changing places. Trace tokens and options of spawns stay as they are: what
    /// names a process in them is read by nobody.
    #[must_use]
    pub fn renamed(mut self, renaming: &Renaming) -> Self {
        match &mut self {
            Self::Link { from, to }
            | Self::Exit { from, to, .. }
            | Self::Unlink { from, to }
            | Self::GroupLeader { from, to }
            | Self::Exit2 { from, to, .. }
            | Self::UnlinkId { from, to, .. }
            | Self::UnlinkIdAck { from, to, .. } => {
                *from = renaming.pid(*from);
                *to = renaming.pid(*to);
            }
            Self::Send { from, to, .. } => {
                *from = from.map(|from| renaming.pid(from));
                *to = renaming.pid(*to);
            }
            Self::NodeLink => {}
            Self::RegSend { from, .. } => *from = renaming.pid(*from),
            Self::Monitor {
                from: pid,
                to: target,
                reference,
            }
            | Self::Demonitor {
                from: pid,
                to: target,
                reference,
            }
            | Self::MonitorExit {
                from: target,
                to: pid,
                reference,
            } => {
                *pid = renaming.pid(*pid);
                if let Target::Pid(target) = target {
                    *target = renaming.pid(*target);
                }
                *reference = renaming.reference(*reference);
            }
            Self::SpawnRequest(request) => {
                request.id = renaming.reference(request.id);
                request.from = renaming.pid(request.from);
                request.group_leader = renaming.pid(request.group_leader);
            }
            Self::SpawnReply { id, to, result, .. } => {
                *id = renaming.reference(*id);
                *to = renaming.pid(*to);
                if let SpawnResult::Spawned(pid) = result {
                    *pid = renaming.pid(*pid);
                }
            }
            Self::AliasSend { from, to, .. } => {
                *from = renaming.pid(*from);
                *to = renaming.reference(*to);
            }
            Self::Priority { from, to, .. } => {
                *from = renaming.pid(*from);
                match to {
                    Recipient::Pid(to) => *to = renaming.pid(*to),
                    Recipient::Alias(to) => *to = renaming.reference(*to),
                    Recipient::Name(_) => {}
                }
            }
        }
        self
    }
}

use crate::gen_server::Message;
use crate::process::Info;
use crate::reports::Shown;

/// What a behaviour is handling, in two bytes: each of a million idle processes has room for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct InHand(u16);

/// Kinds from here on are no message's.
const FIRST: u16 = u16::MAX - 15;

const NAMES: [&str; 8] = [
    "message",
    "stop",
    "timeout",
    "EXIT",
    "DOWN",
    "nodeup",
    "nodedown",
    "messages_lost",
];

impl InHand {
    pub(super) const INFO: Self = Self(FIRST);
    pub(super) const STOP: Self = Self(FIRST + 1);
    pub(super) const TIMEOUT: Self = Self(FIRST + 2);
    pub(super) const NOTHING: Self = Self(u16::MAX);

    pub(super) fn message<M: Message>(message: &M) -> Self {
        Self(message.kind().min(FIRST - 1))
    }

    pub(super) fn notice(info: &Info) -> Self {
        Self(
            FIRST
                + match info {
                    Info::Term(_) => 0,
                    Info::Timeout => 2,
                    Info::Exit { .. } => 3,
                    Info::Down { .. } => 4,
                    Info::NodeUp(_) => 5,
                    Info::NodeDown(_) => 6,
                    Info::NodeStatus(status) if status.up => 5,
                    Info::NodeStatus(_) => 6,
                    Info::MessagesLost { .. } => 7,
                },
        )
    }

    pub(super) fn shown<M: Message>(self) -> Shown {
        match self.0 {
            u16::MAX => Shown::Nothing,
            FIRST.. => Shown::Named(NAMES[usize::from(self.0 - FIRST)]),
            kind => Shown::Named(M::kind_name(kind)),
        }
    }
}

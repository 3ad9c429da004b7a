use std::fmt;

use super::GenStatem;
use crate::Info;

/// What a state machine handles: OTP's `EventType` and `EventContent` in one.
///
/// An event is moved into [`GenStatem::handle`], and with it the duty to answer a call. A handler that is not in the
/// state for it gives it back by [`Transition::postpone`](super::Transition::postpone).
pub enum Event<S: GenStatem> {
    /// A call, a cast or a plain message of the machine's own type.
    Message(S::Msg),
    /// DOWN, trapped exits, node events, and messages of other types.
    Info(Info),
    /// What the machine sent itself with [`next_event`](super::Outcome::next_event).
    Internal(S::Content),
    /// A timeout, and what it was started with.
    Timeout(Timeout<S::Timer>, S::Content),
}

/// Which timeout: a machine has one of each at a time, and starting it again replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timeout<N> {
    /// Ends with the state: a change of state cancels it, `keep_state` and `repeat_state` do not.
    State,
    /// Ends with the next event, whatever that is: for "nothing happened for so long".
    Event,
    /// Runs until it rings or is cancelled, whatever the states meanwhile: OTP's generic timeouts, by name.
    Named(N),
}

impl<S: GenStatem> fmt::Debug for Event<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(_) => f.write_str("Message"),
            Self::Info(info) => f.debug_tuple("Info").field(info).finish(),
            Self::Internal(_) => f.write_str("Internal"),
            Self::Timeout(which, _) => f.debug_tuple("Timeout").field(which).finish(),
        }
    }
}

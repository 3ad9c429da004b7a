use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::address::{Address, Resolved};
use super::reply_to::{CallSlot, PendingReply};
use super::{CallError, Message};
use crate::node::{Deadline, Node, Outcall};
use crate::process::Signal;

/// The time a call may take unless it says otherwise: 5 s, as in OTP.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// A call in progress: a future of the answer.
///
/// Nothing is sent before the first poll. Dropping it gives the call up: the server may still act, its answer is dropped
/// and leaves nothing behind.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, M: Message, T> {
    address: &'a Address<M>,
    slot: Arc<CallSlot<T>>,
    timeout: Option<Duration>,
    state: State<M>,
}

enum State<M> {
    Unsent(M),
    Local(Option<Deadline>),
    Wire(Outcall, Option<Deadline>),
    Done,
}

impl<'a, M: Message, T: Send + 'static> Call<'a, M, T> {
    pub(super) fn new(address: &'a Address<M>, message: M, slot: Arc<CallSlot<T>>) -> Self {
        Self {
            address,
            slot,
            timeout: Some(DEFAULT_TIMEOUT),
            state: State::Unsent(message),
        }
    }

    /// Waits at most this long: up to 10 ms more, never less.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Waits for as long as the server lives: OTP's `infinity`.
    pub fn forever(mut self) -> Self {
        self.timeout = None;
        self
    }

    fn send(&mut self, message: M) -> Result<State<M>, CallError> {
        match self.address.resolve() {
            Resolved::Local(process) => {
                if Address::is_self(&process) {
                    return Err(CallError::calling_self());
                }
                let _ = self.slot.server.set(process.pid());
                let pending: Arc<dyn PendingReply> = Arc::clone(&self.slot) as _;
                // Err: it has ended. Its token goes with the message, so the slot is of no more use.
                process
                    .push(Signal::Call(message, pending))
                    .map_err(|_| CallError::NoProc)?;
                Ok(State::Local(None))
            }
            Resolved::Nobody => Err(CallError::NoProc),
            Resolved::Wire(node, dest) => Ok(State::Wire(
                Address::start_outcall(node, dest, &message)?,
                None,
            )),
        }
    }
}

// Nothing in a call is pinned: the message is moved out, never polled.
impl<M: Message, T> Unpin for Call<'_, M, T> {}

impl<M: Message, T: Send + 'static> Future for Call<'_, M, T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::Unsent(_) = this.state {
            let State::Unsent(message) = std::mem::replace(&mut this.state, State::Done) else {
                unreachable!("matched above")
            };
            this.state = this.send(message)?;
        }
        let node = this.address.node();
        let result = match &mut this.state {
            State::Local(deadline) => match this.slot.poll(cx) {
                Poll::Ready(result) => result,
                Poll::Pending => {
                    let late = ready!(poll_deadline(node, this.timeout, deadline, cx));
                    // An answer that arrives at this very moment is an answer.
                    this.slot.slot.abandon().unwrap_or(late)
                }
            },
            State::Wire(outcall, deadline) => match outcall.poll(cx) {
                Poll::Ready(answer) => answer.and_then(|answer| match this.slot.decode.get() {
                    Some(decode) => answer.read(decode),
                    None => Err(CallError::Reply(kista_etf::DecodeError::custom(
                        "the request did not arm its reply token: see ReplyTo::arm",
                    ))),
                }),
                Poll::Pending => ready!(poll_deadline(node, this.timeout, deadline, cx)),
            },
            State::Unsent(_) | State::Done => panic!("a call was polled after it had its answer"),
        };
        this.state = State::Done;
        Poll::Ready(result)
    }
}

/// Pending until the time is up; then the error.
pub(crate) fn poll_deadline<T>(
    node: &Node,
    timeout: Option<Duration>,
    deadline: &mut Option<Deadline>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, CallError>> {
    let Some(timeout) = timeout else {
        return Poll::Pending;
    };
    let deadline = deadline.get_or_insert_with(|| node.deadline(timeout));
    deadline.poll(cx).map(|()| Err(CallError::Timeout))
}

impl<M: Message, T> Drop for Call<'_, M, T> {
    fn drop(&mut self) {
        if let State::Local(_) = self.state {
            drop(self.slot.slot.abandon());
        }
    }
}

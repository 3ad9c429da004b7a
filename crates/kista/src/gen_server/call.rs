use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::address::{Address, Resolved};
use super::blocking::block_on;
use super::inline;
use super::reply_to::{CallSlot, PendingReply};
use super::request_id::Asked;
use super::{CallError, Message, RequestId};
use crate::node::{Deadline, Node};
use crate::process::budget;
use crate::process::{NotTaken, Signal, current};

/// The time a call may take unless it says otherwise: 5 s, as in OTP.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

const HAD_ANSWER: &str = "a call was polled after it had its answer";

/// A call in progress: a future of the answer.
///
/// Nothing is sent before the first poll. Dropping it gives the call up: the server may still act, its answer is dropped
/// and leaves nothing behind.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, M: Message, T> {
    address: &'a Address<M>,
    timeout: Option<Duration>,
    /// Signals to the caller have acted before it is sent.
    let_act: bool,
    state: State<M, T>,
}

enum State<M, T> {
    /// Both are there until it is sent, and none if it had its answer at once.
    Unsent(Option<M>, Option<Arc<CallSlot<T>>>),
    Sent(Asked<T>, Option<Deadline>),
    Done,
}

impl<'a, M: Message, T: Send + 'static> Call<'a, M, T> {
    pub(super) fn new(address: &'a Address<M>, message: M, slot: Arc<CallSlot<T>>) -> Self {
        Self {
            address,
            timeout: Some(DEFAULT_TIMEOUT),
            let_act: false,
            state: State::Unsent(Some(message), Some(slot)),
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

    /// Sends the request now, to be waited for later: `gen_server:send_request/2`. What was said of a timeout is forgotten.
    ///
    /// An error (no such process, no connection) is told by the [`RequestId`], as in OTP.
    ///
    /// # Panics
    /// When the call was polled before.
    pub fn send_request(mut self) -> RequestId<T> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Unsent(Some(message), Some(slot)) => {
                let asked = self.send(message, slot, false).into();
                RequestId::new(self.address.node().clone(), asked)
            }
            State::Unsent(..) | State::Sent(..) | State::Done => {
                panic!("the call was sent already")
            }
        }
    }

    /// Waits for the answer on this thread, which must be no process's and no task's: a plain thread, or one of
    /// `spawn_blocking`. The node's runtime has to run elsewhere.
    ///
    /// # Errors
    /// At once [`CallError::InsideProcess`] within a process and [`CallError::InsideTask`] within a task, which would be held
    /// with its thread; at the end of the time, or after a minute, [`CallError::NotDriven`] when the node's runtime is one that
    /// somebody has to drive, and nobody did.
    pub fn blocking(self) -> Result<T, CallError> {
        let (node, timeout) = (self.address.node().clone(), self.timeout);
        block_on(&node, timeout, self)
    }

    /// `waits`: the running process waits for the answer now, and may do the server's turn itself.
    fn send(&self, message: M, slot: Arc<CallSlot<T>>, waits: bool) -> Result<Asked<T>, CallError> {
        match self.address.resolve() {
            Resolved::Local(process) => {
                if Address::is_self(&process) {
                    return Err(CallError::calling_self());
                }
                slot.ask(process.pid(), message.kind());
                let pending: Arc<dyn PendingReply> = Arc::clone(&slot) as _;
                // What else may come of it is large, and seldom.
                let push = || match process.push(|| Signal::Call(message, pending)) {
                    Ok(None) => None,
                    other => Some(Box::new(other)),
                };
                let met = match waits {
                    true => inline::call(push),
                    false => push(),
                };
                // Err: the token goes with the message, so the slot is of no more use.
                match met.map(|met| *met) {
                    None | Some(Ok(None)) => {}
                    Some(Ok(Some(room))) => current::hold(room),
                    Some(Err(NotTaken::Ended(_))) => return Err(process.node().absent()),
                    Some(Err(NotTaken::Overloaded(_) | NotTaken::Divert(..))) => {
                        return Err(CallError::Overloaded);
                    }
                }
                current::count_sent();
                Ok(Asked::Local(slot))
            }
            Resolved::Nobody => Err(self.address.node().absent()),
            Resolved::Wire(node, _, dest) => {
                let outcall = Address::start_outcall(node, dest, &message)?;
                let decode = *slot.decode.get().ok_or_else(|| {
                    CallError::Reply(kista_etf::DecodeError::custom(
                        "the request did not arm its reply token: see ReplyTo::arm",
                    ))
                })?;
                slot.left();
                Ok(Asked::Wire(outcall, decode))
            }
        }
    }
}

// Nothing in a call is pinned: the message is moved out, never polled.
impl<M: Message, T> Unpin for Call<'_, M, T> {}

impl<M: Message, T: Send + 'static> Future for Call<'_, M, T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::Unsent(message, slot) = &mut this.state {
            let server = this.address.process();
            let is_bound = server.is_some();
            let server = server.filter(|server| inline::may_call(server, cx.waker()));
            // Its answer may be there at once, every time (that nobody has this name is one): who calls in a row yields from time to time.
            if (server.is_some() || !is_bound) && budget::poll_unit(cx).is_pending() {
                return Poll::Pending;
            }
            // It may be to end. Where a runtime is driven within the process, its signals do not act: so only once.
            if server.is_none()
                && !std::mem::replace(&mut this.let_act, true)
                && current::has_to_act(cx)
            {
                return Poll::Pending;
            }
            let Some(slot) = slot.take() else {
                panic!("{HAD_ANSWER}")
            };
            if let Some(server) = server
                && inline::hand(server, message, &slot)
            {
                let asked = match slot.take_over() {
                    Ok(answer) if current::has_to_act(cx) => {
                        this.state = State::Sent(Asked::Held(answer), None);
                        return Poll::Pending;
                    }
                    // What is left in the state is nothing: to put another into it would ask for that.
                    Ok(answer) => return Poll::Ready(answer),
                    Err(slot) => Asked::Local(slot),
                };
                this.state = State::Sent(asked, None);
            } else if let Some(message) = message.take() {
                let asked = this.send(message, slot, server.is_some());
                this.state = State::Sent(asked.into(), None);
            }
        }
        let State::Sent(asked, deadline) = &mut this.state else {
            panic!("{HAD_ANSWER}")
        };
        let result = match asked.poll(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                let late = ready!(poll_deadline(
                    this.address.node(),
                    this.timeout,
                    deadline,
                    cx
                ));
                asked.abandon().unwrap_or(late)
            }
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
    deadline.poll(node, cx).map(|()| Err(CallError::Timeout))
}

impl<M: Message, T> Drop for Call<'_, M, T> {
    fn drop(&mut self) {
        if let State::Sent(asked, _) = &mut self.state {
            drop(asked.abandon());
        }
    }
}

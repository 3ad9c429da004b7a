use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::CallError;
use super::call::poll_deadline;
use super::reply_to::{CallSlot, DecodeFn};
use crate::node::{Node, Outcall};
use crate::process::current;

/// A call that was sent and is waited for later: what `gen_server:send_request/2` returns, with the type of its answer.
///
/// It comes from a call of either kind: `counter.add(2).send_request()`, `node.call::<i64>(dest, &request).send_request()`.
/// Awaiting it waits for as long as the server lives. Dropping it abandons the request: the server may still act, its answer is
/// dropped and leaves nothing behind. Many of them are waited for together as [`RequestIds`](super::RequestIds).
///
/// ```
/// # use kista::{gen_server, Node};
/// # struct Counter { n: i64 }
/// # #[gen_server] impl Counter {
/// #     #[init] fn new(n: i64) -> Self { Counter { n } }
/// #     #[call] fn add(&mut self, k: i64) -> i64 { self.n += k; self.n }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
/// let counter = node.spawn(Counter::spec(7)).await?;
/// let request = counter.add(1).send_request();
/// // ... something else meanwhile ...
/// assert_eq!(request.await?, 8);
/// # node.stop().await; Ok(()) }
/// ```
#[must_use = "a request that is dropped is abandoned"]
pub struct RequestId<T> {
    node: Node,
    asked: Asked<T>,
}

/// A request whose answer is to come. Who drops it abandons it first.
pub(crate) enum Asked<T> {
    Local(Arc<CallSlot<T>>),
    Wire(Outcall, DecodeFn<T>),
    /// It was never sent, and this is why.
    Failed(CallError),
    /// It was answered, and signals come first.
    Held(Result<T, CallError>),
    Answered,
}

impl<T> RequestId<T> {
    pub(crate) fn new(node: Node, asked: Asked<T>) -> Self {
        Self { node, asked }
    }

    /// Waits at most this long, and may be asked again: `None` when the time was up.
    ///
    /// # Errors
    /// Inside: why there is no answer, and will be none.
    pub async fn wait_response(&mut self, timeout: Duration) -> Option<Result<T, CallError>> {
        let mut deadline = None;
        poll_fn(|cx| match self.poll_response(cx) {
            Poll::Pending => {
                poll_deadline::<()>(&self.node, Some(timeout), &mut deadline, cx).map(|_late| None)
            }
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
        })
        .await
    }

    /// Waits at most this long, then abandons the request.
    ///
    /// # Errors
    /// [`CallError::Timeout`], or why there is no answer.
    pub async fn receive_response(mut self, timeout: Duration) -> Result<T, CallError> {
        match self.wait_response(timeout).await {
            Some(answer) => answer,
            None => self.asked.abandon().unwrap_or(Err(CallError::Timeout)),
        }
    }

    /// The answer when it is there already.
    pub fn check_response(&mut self) -> Option<Result<T, CallError>> {
        if self.is_answered() {
            return None;
        }
        match self.poll_response(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    fn is_answered(&self) -> bool {
        matches!(self.asked, Asked::Answered)
    }

    pub(super) fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        self.asked.poll(cx)
    }
}

impl<T> Asked<T> {
    /// # Panics
    /// When it had its answer before.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        let answer = match self {
            Self::Local(slot) => slot.poll(cx),
            Self::Wire(outcall, decode) => outcall
                .poll(cx)
                .map(|answer| answer.and_then(|answer| answer.read(*decode))),
            Self::Failed(error) => Poll::Ready(Err(error.clone())),
            Self::Held(_) => return Poll::Ready(self.give()),
            Self::Answered => panic!("a request was waited for after it had its answer"),
        };
        match answer {
            Poll::Ready(answer) => self.answered(answer, cx),
            Poll::Pending => Poll::Pending,
        }
    }

    /// The answer is here. What was sent to the caller before it comes first: a signal that ends the caller keeps it from seeing it.
    ///
    /// Once only: where a runtime is driven within the process its signals do not act.
    #[inline]
    fn answered(
        &mut self,
        answer: Result<T, CallError>,
        cx: &Context<'_>,
    ) -> Poll<Result<T, CallError>> {
        if current::has_to_act(cx) {
            *self = Self::Held(answer);
            return Poll::Pending;
        }
        *self = Self::Answered;
        Poll::Ready(answer)
    }

    fn give(&mut self) -> Result<T, CallError> {
        match std::mem::replace(self, Self::Answered) {
            Self::Held(answer) => answer,
            _ => unreachable!("it is held"),
        }
    }

    /// Gives the request up at its deadline. An answer that arrived at this very moment is an answer.
    pub(crate) fn abandon(&mut self) -> Option<Result<T, CallError>> {
        match self {
            Self::Local(slot) => slot.abandon(),
            Self::Held(_) => Some(self.give()),
            Self::Wire(..) | Self::Failed(_) | Self::Answered => None,
        }
    }
}

impl<T> From<Result<Self, CallError>> for Asked<T> {
    fn from(asked: Result<Self, CallError>) -> Self {
        asked.unwrap_or_else(Self::Failed)
    }
}

impl<T> Future for RequestId<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_response(cx)
    }
}

// Nothing in it is pinned.
impl<T> Unpin for RequestId<T> {}

impl<T> Drop for RequestId<T> {
    fn drop(&mut self) {
        drop(self.asked.abandon());
    }
}

impl<T> fmt::Debug for RequestId<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.asked {
            Asked::Local(_) | Asked::Wire(..) => "RequestId(sent)",
            Asked::Failed(_) => "RequestId(failed)",
            Asked::Held(_) | Asked::Answered => "RequestId(answered)",
        })
    }
}

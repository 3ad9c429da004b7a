use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::call::poll_deadline;
use super::{CallError, RequestId};
use crate::node::{Deadline, Node};

/// Requests that are waited for together, each with a label: OTP's request id collection (`gen_server:reqids_new/0`).
///
/// Every answer is taken out as it comes. Looking for the next answer looks at what was woken only, so that many thousand
/// requests cost no more each than one. Dropping the collection abandons what is in it.
///
/// ```
/// # use kista::{gen_server, Node, RequestIds};
/// # struct Counter { n: i64 }
/// # #[gen_server] impl Counter {
/// #     #[init] fn new(n: i64) -> Self { Counter { n } }
/// #     #[call] fn add(&mut self, k: i64) -> i64 { self.n += k; self.n }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
/// let counter = node.spawn(Counter::spec(0)).await?;
/// let mut requests = RequestIds::new();
/// for label in ["a", "b"] {
///     requests.add(counter.add(1).send_request(), label);
/// }
/// while let Some((answer, label)) = requests.receive_next().await {
///     println!("{label}: {}", answer?);
/// }
/// # node.stop().await; Ok(()) }
/// ```
pub struct RequestIds<T, L = ()> {
    entries: FxHashMap<u64, Entry<T, L>>,
    next: u64,
    woken: Arc<Woken>,
}

struct Entry<T, L> {
    request: RequestId<T>,
    label: L,
    waker: Waker,
}

/// Which requests are to be looked at, and who is to be woken for it.
#[derive(Default)]
struct Woken {
    state: Mutex<(VecDeque<u64>, Option<Waker>)>,
}

struct WakeOne {
    index: u64,
    woken: Arc<Woken>,
}

impl Wake for WakeOne {
    fn wake(self: Arc<Self>) {
        let mut state = self.woken.state.lock();
        state.0.push_back(self.index);
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Why a collection gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoResponse {
    /// The collection is empty.
    #[error("there is no request to wait for")]
    NoRequest,
    /// The time was up.
    #[error("no answer in time")]
    Timeout,
}

impl<T, L> RequestIds<T, L> {
    /// An empty collection: `reqids_new/0`.
    pub fn new() -> Self {
        Self {
            entries: HashMap::default(),
            next: 0,
            woken: Arc::default(),
        }
    }

    /// Puts a request in: `reqids_add/3`.
    pub fn add(&mut self, request: RequestId<T>, label: L) {
        let index = self.next;
        self.next += 1;
        let woken = Arc::clone(&self.woken);
        let wake = Arc::new(WakeOne { index, woken });
        // It has to be looked at once.
        Arc::clone(&wake).wake();
        let waker = Waker::from(wake);
        let entry = Entry {
            request,
            label,
            waker,
        };
        self.entries.insert(index, entry);
    }

    /// How many are in it: `reqids_size/1`.
    pub fn size(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The labels of the requests in it, in no order.
    pub fn labels(&self) -> impl Iterator<Item = &L> {
        self.entries.values().map(|entry| &entry.label)
    }

    /// Takes them all out, in no order: `reqids_to_list/1`.
    pub fn into_list(mut self) -> Vec<(RequestId<T>, L)> {
        self.entries
            .drain()
            .map(|(_, entry)| (entry.request, entry.label))
            .collect()
    }

    /// The next answer, whoever it is from; `None` when the collection is empty.
    pub async fn receive_next(&mut self) -> Option<(Result<T, CallError>, L)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next answer, waited for at most this long; what is left may be waited for again: `wait_response/3`.
    ///
    /// # Errors
    /// See [`NoResponse`].
    pub async fn wait_response(
        &mut self,
        timeout: Duration,
    ) -> Result<(Result<T, CallError>, L), NoResponse> {
        let mut deadline: Option<(Node, Option<Deadline>)> = None;
        poll_fn(|cx| match self.poll_next(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.ok_or(NoResponse::NoRequest)),
            Poll::Pending => {
                let (node, deadline) = deadline.get_or_insert_with(|| {
                    let node = self
                        .entries
                        .values()
                        .next()
                        .map(|entry| entry.request.node());
                    (node.expect("pending: something is in it").clone(), None)
                });
                poll_deadline::<()>(node, Some(timeout), deadline, cx)
                    .map(|_late| Err(NoResponse::Timeout))
            }
        })
        .await
    }

    /// As [`wait_response`](Self::wait_response), but a timeout abandons all that is in it: `receive_response/3`.
    ///
    /// # Errors
    /// See [`NoResponse`].
    pub async fn receive_response(
        &mut self,
        timeout: Duration,
    ) -> Result<(Result<T, CallError>, L), NoResponse> {
        let answer = self.wait_response(timeout).await;
        if let Err(NoResponse::Timeout) = answer {
            self.entries.clear();
        }
        answer
    }

    /// An answer that is there already: `check_response/3`.
    pub fn check_response(&mut self) -> Option<(Result<T, CallError>, L)> {
        match self.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => None,
        }
    }

    /// The next answer; `None` when there is none any more, or the deadline came first.
    pub(super) fn poll_next_until(
        &mut self,
        deadline: Option<(&Node, &mut Deadline)>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Result<T, CallError>, L)>> {
        match (self.poll_next(cx), deadline) {
            (Poll::Pending, Some((node, deadline))) => deadline.poll(node, cx).map(|()| None),
            (next, _) => next,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Result<T, CallError>, L)>> {
        if self.entries.is_empty() {
            return Poll::Ready(None);
        }
        loop {
            let mut state = self.woken.state.lock();
            let Some(index) = state.0.pop_front() else {
                state.1 = Some(cx.waker().clone());
                return Poll::Pending;
            };
            drop(state);
            let Some(entry) = self.entries.get_mut(&index) else {
                // Woken more than once.
                continue;
            };
            let mut context = Context::from_waker(&entry.waker);
            if let Poll::Ready(answer) = entry.request.poll_response(&mut context) {
                let entry = self.entries.remove(&index);
                let entry = entry.expect("it was there a moment ago");
                return Poll::Ready(Some((answer, entry.label)));
            }
        }
    }
}

impl<T, L> Default for RequestIds<T, L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, L: fmt::Debug> fmt::Debug for RequestIds<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.labels()).finish()
    }
}

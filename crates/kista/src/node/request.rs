use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kista_etf::{Atom, Decode, Encode, EncodeError, Encoder, atoms};

use super::{Deadline, Node, Outcall};
use crate::gen_server::{CallError, DEFAULT_TIMEOUT, poll_deadline};
use crate::process::Dest;

/// A call in Erlang's format to any server anywhere: what [`Node::call`] returns, a future of the answer as `T`.
///
/// Nothing is sent before the first poll; dropping it gives the call up and leaves nothing behind.
#[must_use = "a call does nothing until it is awaited"]
pub struct Request<T> {
    node: Node,
    dest: Dest,
    label: Atom,
    timeout: Option<Duration>,
    state: State,
    answer: PhantomData<fn() -> T>,
}

enum State {
    /// Encoded already, so that the future borrows nothing.
    Unsent(Result<Encoder, EncodeError>),
    Waiting(Outcall, Option<Deadline>),
    Done,
}

impl<T> Request<T> {
    pub(crate) fn new<R: Encode + ?Sized>(
        node: &Node,
        dest: Dest,
        label: Atom,
        request: &R,
    ) -> Self {
        let mut e = Encoder::new();
        let encoded = request.encode(&mut e).map(|()| e);
        Self {
            node: node.clone(),
            dest,
            label,
            timeout: Some(DEFAULT_TIMEOUT),
            state: State::Unsent(encoded),
            answer: PhantomData,
        }
    }

    /// Waits at most this long: up to 10 ms more, never less.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.limit(Some(timeout))
    }

    /// Waits for as long as the server lives: OTP's `infinity`.
    pub fn forever(self) -> Self {
        self.limit(None)
    }

    pub(crate) fn limit(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }
}

impl<T: for<'a> Decode<'a>> Future for Request<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::Unsent(_) = this.state {
            let State::Unsent(request) = std::mem::replace(&mut this.state, State::Done) else {
                unreachable!("matched above")
            };
            let request = request?;
            let outcall = Outcall::start_as(&this.node, this.dest, this.label, |e| {
                splice(e, &request);
                Ok(())
            })?;
            this.state = State::Waiting(outcall, None);
        }
        let State::Waiting(outcall, deadline) = &mut this.state else {
            panic!("a call was polled after it had its answer")
        };
        let result = match outcall.poll(cx) {
            Poll::Ready(answer) => answer.and_then(|answer| answer.read(|d| T::decode(d))),
            Poll::Pending => ready!(poll_deadline(&this.node, this.timeout, deadline, cx)),
        };
        this.state = State::Done;
        Poll::Ready(result)
    }
}

impl Node {
    /// Calls a server in Erlang's format, as `gen_server:call/2` does: a pid, a name, or a name on another node.
    ///
    /// ```no_run
    /// # async fn f(node: &kista::Node) -> Result<(), kista::CallError> {
    /// use kista::Atom;
    /// let request = (Atom::from_static("add"), 2);
    /// let sum: i64 = node.call(("counter", "demo@127.0.0.1"), &request).await?;
    /// # Ok(()) }
    /// ```
    /// A `&str` in a request is a binary in Erlang's format; an atom is an [`Atom`](crate::Atom).
    pub fn call<T: for<'a> Decode<'a>>(
        &self,
        dest: impl Into<Dest>,
        request: &(impl Encode + ?Sized),
    ) -> Request<T> {
        Request::new(self, dest.into(), atoms::GEN_CALL, request)
    }
}

/// Appends what was encoded on its own, with its atoms inline; shared binaries stay shared.
fn splice(e: &mut Encoder, part: &Encoder) {
    let bytes = part.inline_bytes();
    let mut done = 0;
    for (offset, chunk) in part.chunks() {
        e.raw(&bytes[done..*offset]);
        e.raw_shared(chunk.clone());
        done = *offset;
    }
    e.raw(&bytes[done..]);
}

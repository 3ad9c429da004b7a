use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kista_etf::{Atom, Decode, Encode, EncodeError, Encoder, atoms};

use super::{Deadline, Node, Outcall};
use crate::gen_server::{Asked, CallError, DEFAULT_TIMEOUT, RequestId, block_on, poll_deadline};
use crate::process::{Dest, budget};

/// A call in Erlang's format to any server anywhere: what [`Node::call`] returns, a future of the answer as `T`.
///
/// Nothing is sent before the first poll; dropping it gives the call up and leaves nothing behind.
#[must_use = "a call does nothing until it is awaited"]
pub struct Request<T> {
    node: Node,
    dest: Dest,
    label: Atom,
    timeout: Option<Duration>,
    state: State<T>,
}

enum State<T> {
    /// Encoded already, so that the future borrows nothing.
    Unsent(Result<Encoder, EncodeError>),
    Sent(Asked<T>, Option<Deadline>),
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

impl<T: for<'a> Decode<'a>> Request<T> {
    /// Sends the request now, to be waited for later: `gen_server:send_request/2`. What was said of a timeout is forgotten.
    ///
    /// An error (no such process, no connection) is told by the [`RequestId`], as in OTP.
    ///
    /// # Panics
    /// When it was polled before.
    pub fn send_request(mut self) -> RequestId<T> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Unsent(request) => {
                let asked = self.send(request).into();
                RequestId::new(self.node.clone(), asked)
            }
            State::Sent(..) | State::Done => panic!("the request was sent already"),
        }
    }

    /// Waits for the answer on this thread: see [`Call::blocking`](crate::Call::blocking).
    ///
    /// # Errors
    /// As there.
    pub fn blocking(self) -> Result<T, CallError> {
        let (node, timeout) = (self.node.clone(), self.timeout);
        block_on(&node, timeout, self)
    }

    fn send(&self, request: Result<Encoder, EncodeError>) -> Result<Asked<T>, CallError> {
        let request = request?;
        let outcall = Outcall::start_as(&self.node, self.dest, self.label, |e| {
            splice(e, &request);
            Ok(())
        })?;
        Ok(Asked::Wire(outcall, |d| T::decode(d)))
    }
}

// Nothing in it is pinned.
impl<T> Unpin for Request<T> {}

impl<T: for<'a> Decode<'a>> Future for Request<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::Unsent(_) = this.state {
            // Its answer may be there at once, every time: that nobody has this name is one.
            if budget::poll_unit(cx).is_pending() {
                return Poll::Pending;
            }
            let State::Unsent(request) = std::mem::replace(&mut this.state, State::Done) else {
                unreachable!("matched above")
            };
            this.state = State::Sent(this.send(request).into(), None);
        }
        let State::Sent(asked, deadline) = &mut this.state else {
            panic!("a call was polled after it had its answer")
        };
        let result = match asked.poll(cx) {
            Poll::Ready(answer) => answer,
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
pub(crate) fn splice(e: &mut Encoder, part: &Encoder) {
    let bytes = part.inline_bytes();
    let mut done = 0;
    for (offset, chunk) in part.chunks() {
        e.raw(&bytes[done..*offset]);
        e.raw_shared(chunk.clone());
        done = *offset;
    }
    e.raw(&bytes[done..]);
}

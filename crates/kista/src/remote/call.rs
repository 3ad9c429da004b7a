//! Calls of functions elsewhere: a process of the other node runs the function, and the reason of its end is the answer.
//!
//! Source: `erpc:call/5` and `rpc:call/5` of kernel.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kista_dist::control::SpawnRequest;
use kista_etf::{Atom, Decode, DecodeError, Decoder, Pid, Reference, Term, atoms};

use super::target::{Applied, CallArguments, FunctionName, PeerName, Unsendable};
use super::{BadRpc, Class, ErpcError};
use crate::gen_server::{CallError, poll_deadline};
use crate::node::{Deadline, Node, Outcall, splice};
use crate::process::WireMessage;
use crate::{ExitReason, gen_server};

/// A call of a function elsewhere: a future of its value as `T`, or of why there is none as `E`.
///
/// Nothing is sent before the first poll, unless by [`send_request`](Self::send_request). Dropping it gives the call up: the function
/// goes on, its value is dropped and leaves nothing behind. Without a [`timeout`](Self::timeout) it waits for as long as the process and the
/// connection live, as in OTP.
#[must_use = "a call does nothing until it is awaited"]
pub struct RemoteCall<T, E> {
    node: Node,
    timeout: Option<Duration>,
    state: State,
    answer: PhantomData<fn() -> Result<T, E>>,
}

/// What [`Node::erpc`] returns.
pub type Erpc<T> = RemoteCall<T, ErpcError>;

/// What [`Node::rpc`] returns.
pub type Rpc<T> = RemoteCall<T, BadRpc>;

enum State {
    Unsent(Result<(Atom, Arc<Applied>), Unsendable>),
    Sent(Outcall, Option<Deadline>),
    Failed(Why),
    Done,
}

/// Why a call has no value.
pub(crate) enum Why {
    Exception {
        class: Class,
        reason: Term,
        stacktrace: Term,
    },
    /// `{erpc, Reason}`
    Erpc(Term),
    /// The process ended by a signal.
    Signal(ExitReason),
    Value(DecodeError),
    Call(CallError),
    Unsendable(Unsendable),
}

/// How a kind of call tells that there is no value. Not to be implemented elsewhere.
pub trait CallFailure: Sized + sealed::Sealed {}

mod sealed {
    use super::{Decode, Why};

    pub trait Sealed: Sized {
        /// The error; or a value after all: for `rpc:call` that of a throw is one.
        fn tell<T: for<'a> Decode<'a>>(why: Failed) -> Result<T, Self>;
    }

    /// Hides what a failure consists of.
    pub struct Failed(pub(super) Why);
}

pub(crate) use sealed::{Failed, Sealed};

impl Failed {
    pub(crate) fn of(why: Why) -> Self {
        Self(why)
    }

    pub(crate) fn why(self) -> Why {
        self.0
    }
}

impl<T: for<'a> Decode<'a>, E: CallFailure> RemoteCall<T, E> {
    fn new(node: &Node, call: Result<(Atom, Arc<Applied>), Unsendable>) -> Self {
        Self {
            node: node.clone(),
            timeout: None,
            state: State::Unsent(call),
            answer: PhantomData,
        }
    }

    /// Waits at most this long: up to 10 ms more, never less.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request now, to be awaited later: `erpc:send_request/4`, `rpc:async_call/4`. The time of a timeout begins when it is first
    /// polled.
    pub fn send_request(mut self) -> Self {
        self.send();
        self
    }

    /// Waits for the value on this thread: see [`Call::blocking`](crate::Call::blocking).
    ///
    /// # Errors
    /// As awaiting it; within a process or another task at once, which would be held with its thread.
    pub fn blocking(self) -> Result<T, E> {
        let mut call = self;
        let (node, timeout) = (call.node.clone(), call.timeout);
        let ended = gen_server::block_on(&node, timeout, async { Ok((&mut call).await) });
        ended.unwrap_or_else(|error| E::tell(Failed(Why::Call(error))))
    }

    fn send(&mut self) {
        if !matches!(self.state, State::Unsent(_)) {
            return;
        }
        let State::Unsent(call) = std::mem::replace(&mut self.state, State::Done) else {
            unreachable!("matched above")
        };
        let sent = call
            .map_err(Why::Unsendable)
            .and_then(|(peer, call)| start(&self.node, peer, &call).map_err(Why::Call));
        self.state = match sent {
            Ok(outcall) => State::Sent(outcall, None),
            Err(why) => State::Failed(why),
        };
    }
}

fn start(node: &Node, peer: Atom, call: &Applied) -> Result<Outcall, CallError> {
    let request = |id, from| spawn_request(node, id, from, "execute_call", 4, [atoms::MONITOR]);
    Outcall::start_process(node, peer, request, |e, reference| {
        e.list(4);
        e.reference(reference);
        e.atom(call.module);
        e.atom(call.function);
        splice(e, &call.arguments);
        e.nil();
        Ok(())
    })
}

/// A request to run a function of `erpc`.
fn spawn_request(
    node: &Node,
    id: Reference,
    from: Pid,
    function: &'static str,
    arity: u32,
    options: impl IntoIterator<Item = Atom>,
) -> SpawnRequest {
    SpawnRequest {
        id,
        from,
        group_leader: node.leader_for_others(),
        module: atoms::ERPC.into(),
        function: Atom::from_static(function).into(),
        arity,
        options: Term::list(options.into_iter().map(Term::from)),
        token: None,
    }
}

/// What the process ended with is the answer: `{Res, return, Value}` and so on.
fn read<T: for<'a> Decode<'a>>(message: &WireMessage, res: &Reference) -> Result<T, Why> {
    let ending = read_answer(&mut message.payload.decoder(), res);
    ending.unwrap_or_else(|| match message.term() {
        Some(term) => Err(Why::Signal(ExitReason::from(term))),
        // The connection is closed with that.
        None => Err(Why::Call(CallError::NoConnection)),
    })
}

/// `None`: it is no answer.
fn read_answer<T: for<'a> Decode<'a>>(
    d: &mut Decoder<'_>,
    res: &Reference,
) -> Option<Result<T, Why>> {
    let arity = d.tuple().ok()?;
    if d.reference().ok()? != *res {
        return None;
    }
    let word = d.atom_str().ok()?;
    let exception = |class, reason, stacktrace| Why::Exception {
        class,
        reason,
        stacktrace,
    };
    let answer = match (arity, &*word) {
        (3, "return") => {
            let start = d.mark();
            match T::decode(d) {
                Ok(value) => Ok(value),
                Err(error) => {
                    d.reset(start);
                    d.skip().ok()?;
                    Err(Why::Value(error))
                }
            }
        }
        (3, "throw") => Err(exception(Class::Throw, d.term().ok()?, Term::NIL)),
        (3, "exit") => Err(exception(Class::Exit, d.term().ok()?, Term::NIL)),
        (3, "error") => {
            let reason = d.term().ok()?;
            let [reason] = reason.as_tagged("erpc")? else {
                return None;
            };
            Err(Why::Erpc(reason.clone()))
        }
        (4, "error") => {
            let (reason, stacktrace) = (d.term().ok()?, d.term().ok()?);
            Err(exception(Class::Error, reason, stacktrace))
        }
        _ => return None,
    };
    d.finish().ok()?;
    Some(answer)
}

// Nothing in it is pinned.
impl<T, E> Unpin for RemoteCall<T, E> {}

impl<T: for<'a> Decode<'a>, E: CallFailure> Future for RemoteCall<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.send();
        let ended = match std::mem::replace(&mut this.state, State::Done) {
            State::Sent(mut outcall, mut deadline) => {
                let reference = *outcall.reference();
                let answer = match outcall.poll(cx) {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => {
                        let late = poll_deadline(&this.node, this.timeout, &mut deadline, cx);
                        if late.is_pending() {
                            this.state = State::Sent(outcall, deadline);
                        }
                        ready!(late)
                    }
                };
                answer
                    .map_err(Why::Call)
                    .and_then(|answer| read(&answer.into_message(), &reference))
            }
            State::Failed(why) => Err(why),
            State::Unsent(_) | State::Done => panic!("a call was polled after it had its answer"),
        };
        Poll::Ready(ended.or_else(|why| E::tell(Failed(why))))
    }
}

impl Node {
    /// Runs a function on another node and waits for its value: `erpc:call/4,5`. On this node: an exposed one.
    ///
    /// ```no_run
    /// # async fn f(node: &kista::Node) -> Result<(), Box<dyn std::error::Error>> {
    /// use kista::{Atom, Class, ErpcError};
    /// use std::time::Duration;
    ///
    /// let numbers: Vec<i64> = node.erpc("erl@127.0.0.1", ("lists", "seq"), (1, 10)).await?;
    /// let why = node
    ///     .erpc::<i64>("erl@127.0.0.1", ("erlang", "hd"), (Vec::<i64>::new(),))
    ///     .timeout(Duration::from_secs(5))
    ///     .await;
    /// assert!(matches!(why, Err(ErpcError::Exception { class: Class::Error, .. })));
    /// # Ok(()) }
    /// ```
    pub fn erpc<T: for<'a> Decode<'a>>(
        &self,
        peer: impl Into<PeerName>,
        function: impl Into<FunctionName>,
        arguments: impl CallArguments,
    ) -> Erpc<T> {
        RemoteCall::new(
            self,
            self.remote_call(peer.into(), function.into(), arguments),
        )
    }

    /// As [`erpc`](Self::erpc), with the errors of `rpc:call/4,5`: one for each that OTP gives as `{badrpc, Reason}`, and the value of a
    /// throw is a value.
    ///
    /// ```no_run
    /// # async fn f(node: &kista::Node) {
    /// use kista::{Atom, BadRpc};
    /// let node_there = node.rpc::<Atom>("erl@127.0.0.1", ("erlang", "node"), ()).await;
    /// match node_there {
    ///     Ok(name) => println!("this is {name}"),
    ///     Err(BadRpc::NodeDown) => println!("it is not there"),
    ///     Err(other) => println!("{other}"),
    /// }
    /// # }
    /// ```
    pub fn rpc<T: for<'a> Decode<'a>>(
        &self,
        peer: impl Into<PeerName>,
        function: impl Into<FunctionName>,
        arguments: impl CallArguments,
    ) -> Rpc<T> {
        RemoteCall::new(
            self,
            self.remote_call(peer.into(), function.into(), arguments),
        )
    }

    /// Has another node run a function, and waits for nothing: `erpc:cast/4`, `rpc:cast/4`. Whether it is run nobody tells.
    ///
    /// # Errors
    /// Only what is this caller's fault: [`ErpcError::BadName`], [`ErpcError::Arguments`]; or [`ErpcError::Overloaded`].
    pub fn erpc_cast(
        &self,
        peer: impl Into<PeerName>,
        function: impl Into<FunctionName>,
        arguments: impl CallArguments,
    ) -> Result<(), ErpcError> {
        let call = self.remote_call(peer.into(), function.into(), arguments);
        let sent = call.map_err(Why::Unsendable).and_then(|(peer, call)| {
            let (id, from) = (self.make_ref(), self.current_pid());
            let request = spawn_request(self, id, from, "execute_cast", 3, []);
            let sent = self.send_spawn_request(peer, request, |e| {
                e.list(3);
                e.atom(call.module);
                e.atom(call.function);
                splice(e, &call.arguments);
                e.nil();
                Ok(())
            });
            match sent {
                // Nobody is told, as by a message.
                Err(CallError::NoConnection | CallError::Exit(_)) => Ok(()),
                sent => sent.map_err(Why::Call),
            }
        });
        sent.or_else(|why| ErpcError::tell::<Atom>(Failed(why)).map(drop))
    }

    fn remote_call(
        &self,
        peer: PeerName,
        function: FunctionName,
        arguments: impl CallArguments,
    ) -> Result<(Atom, Arc<Applied>), Unsendable> {
        let peer = peer.0.map_err(Unsendable::BadName)?;
        Ok((peer, Arc::new(Applied::new(function, &arguments)?)))
    }
}

/// Those that a call was made to, and what each said.
pub type Answers<T> = Vec<(Atom, Result<T, ErpcError>)>;

/// A call on several nodes at once: what [`Node::multicall`] returns, a future of all answers in the order of the nodes.
#[must_use = "a call does nothing until it is awaited"]
pub struct RemoteMultiCall<T> {
    calls: Vec<(Atom, Pending<T>)>,
}

enum Pending<T> {
    Call(Erpc<T>),
    Ended(Option<Result<T, ErpcError>>),
}

impl<T: for<'a> Decode<'a>> RemoteMultiCall<T> {
    /// Each waits at most this long, all at the same time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        for (_, call) in &mut self.calls {
            if let Pending::Call(call) = call {
                call.timeout = Some(timeout);
            }
        }
        self
    }
}

impl<T> Unpin for RemoteMultiCall<T> {}

impl<T: for<'a> Decode<'a>> Future for RemoteMultiCall<T> {
    type Output = Answers<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut waits = false;
        for (_, pending) in &mut self.calls {
            if let Pending::Call(call) = pending {
                match Pin::new(call).poll(cx) {
                    Poll::Ready(answer) => *pending = Pending::Ended(Some(answer)),
                    Poll::Pending => waits = true,
                }
            }
        }
        if waits {
            return Poll::Pending;
        }
        let calls = std::mem::take(&mut self.calls);
        let answer = |(node, pending)| match pending {
            Pending::Ended(Some(answer)) => Some((node, answer)),
            _ => None,
        };
        Poll::Ready(calls.into_iter().filter_map(answer).collect())
    }
}

impl Node {
    /// Runs a function on several nodes at the same time: `erpc:multicall/4,5`. Each node's answer is in the place of its name.
    ///
    /// ```no_run
    /// # async fn f(node: &kista::Node) {
    /// let nodes = node.nodes();
    /// for (peer, answer) in node.multicall::<String>(nodes, ("demo", "version"), ()).await {
    ///     println!("{peer}: {answer:?}");
    /// }
    /// # }
    /// ```
    ///
    /// # Panics
    /// When a name of a node has more than 255 characters.
    pub fn multicall<T: for<'a> Decode<'a>>(
        &self,
        nodes: impl IntoIterator<Item = impl Into<PeerName>>,
        function: impl Into<FunctionName>,
        arguments: impl CallArguments,
    ) -> RemoteMultiCall<T> {
        let applied = Applied::new(function.into(), &arguments).map(Arc::new);
        let call = |peer: PeerName| {
            let peer = peer
                .0
                .unwrap_or_else(|name| panic!("{name} is no node's name"));
            let call = applied.clone().map(|applied| (peer, applied));
            (peer, Pending::Call(RemoteCall::new(self, call)))
        };
        let calls = nodes.into_iter().map(|peer| call(peer.into())).collect();
        RemoteMultiCall { calls }
    }

    /// Runs a function through the other node's `rex`, one after the other on a node of Erlang: `rpc:block_call/4`.
    ///
    /// # Errors
    /// See [`BadRpc`].
    pub async fn rpc_block_call<T: for<'a> Decode<'a>>(
        &self,
        peer: impl Into<PeerName>,
        function: impl Into<FunctionName>,
        arguments: impl CallArguments,
    ) -> Result<T, BadRpc> {
        let call = self.remote_call(peer.into(), function.into(), arguments);
        let (peer, call) = match call {
            Ok(call) => call,
            Err(why) => return BadRpc::tell(Failed(Why::Unsendable(why))),
        };
        let arguments = Decoder::new(call.arguments.to_bytes().as_ref()).term();
        let arguments = arguments.map_err(BadRpc::Value)?;
        let request = Term::tuple([
            Term::from(Atom::from_static("block_call")),
            Term::from(call.module),
            Term::from(call.function),
            arguments,
            Term::from(self.leader_for_others()),
        ]);
        let rex = (atoms::REX, peer);
        match self.call::<Term>(rex, &request).forever().await {
            Ok(answer) => match answer.as_tagged("badrpc") {
                Some([reason]) => Err(BadRpc::from_reason(reason.clone())),
                _ => from_term(&answer).map_err(BadRpc::Value),
            },
            Err(error) => BadRpc::tell(Failed(Why::Call(error))),
        }
    }
}

/// A term as a value of a type.
pub(crate) fn from_term<T: for<'a> Decode<'a>>(term: &Term) -> Result<T, DecodeError> {
    let mut e = kista_etf::Encoder::new();
    e.term(term).map_err(DecodeError::custom)?;
    let bytes = e.to_bytes();
    let mut d = Decoder::new(&bytes).shared(&bytes);
    let value = T::decode(&mut d)?;
    d.finish().map(|()| value)
}

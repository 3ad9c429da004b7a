use std::any::Any;
use std::future::poll_fn;
use std::sync::Arc;

use kista_etf::{Atom, Encode, Term, atoms};

use super::Replace;
use crate::gen_server::{
    Address, CallError, CallSlot, Client, DEFAULT_TIMEOUT, GenServer, Message, ServerRef,
    poll_deadline,
};
use crate::node::{Node, Request};
use crate::process::{Dest, ExitReason};

/// Whom a request of `sys` goes to: a typed handle, or a node and a destination, `(&node, "counter")`.
pub trait Target {
    /// The node that asks.
    fn node(&self) -> &Node;
    /// The process that is asked, here or on another node.
    fn dest(&self) -> Dest;
}

impl<M: Message> Target for Address<M> {
    fn node(&self) -> &Node {
        Address::node(self)
    }

    fn dest(&self) -> Dest {
        Address::dest(self)
    }
}

impl<S: GenServer> Target for ServerRef<S> {
    fn node(&self) -> &Node {
        self.address().node()
    }

    fn dest(&self) -> Dest {
        Self::dest(self)
    }
}

impl<D: Into<Dest> + Copy> Target for (&Node, D) {
    fn node(&self) -> &Node {
        self.0
    }

    fn dest(&self) -> Dest {
        self.1.into()
    }
}

/// Why a request of `sys` has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SysError {
    /// There was none at all: no such process, no connection, no time.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The process refused: the reason in its `{error, Reason}`.
    #[error("the process refused: {0}")]
    Refused(Term),
    /// The process answered with something else than the request asks for.
    #[error("not an answer to this request: {0}")]
    Unexpected(Term),
}

/// How many messages went through a process since [`statistics`] were switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Messages handled, or about to be.
    pub messages_in: u64,
    /// Calls answered within their handlers.
    pub messages_out: u64,
}

/// Any request of `sys`, to a process of any node: `{system, From, Request}`. For what has no function here, and for other
/// time limits than 5 s.
pub fn request(target: &impl Target, request: &(impl Encode + ?Sized)) -> Request<Term> {
    Request::new(target.node(), target.dest(), atoms::SYSTEM, request)
}

/// The state, as the process shows it: see [`GenServer::format_status`].
///
/// ```
/// # use kista::{gen_server, Node, Term};
/// struct Counter { n: i64 }
/// #[gen_server]
/// impl Counter {
///     #[init] fn new(n: i64) -> Self { Counter { n } }
///     #[call] fn get(&self) -> i64 { self.n }
///     #[format_status] fn shown(&self) -> i64 { self.n }
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
/// let counter = node.spawn(Counter::spec(7)).await?;
/// assert_eq!(kista::sys::get_state(&counter).await?, Term::from(7));
/// kista::sys::replace_state(&counter, |counter: &mut Counter| counter.n += 1).await?;
/// assert_eq!(counter.get().await?, 8);
/// # node.stop().await; Ok(()) }
/// ```
///
/// # Errors
/// See [`SysError`].
pub async fn get_state(target: &impl Target) -> Result<Term, SysError> {
    let answer = accepted(request(target, &atoms::GET_STATE).await?)?;
    // OTP 25 and earlier answer with the state itself.
    Ok(match answer.as_tagged("ok") {
        Some([state]) => state.clone(),
        _ => answer,
    })
}

/// `{status, Pid, {module, Module}, [Dictionary, SysState, Parent, Debug, Misc]}`.
///
/// # Errors
/// See [`SysError`].
pub async fn get_status(target: &impl Target) -> Result<Term, SysError> {
    accepted(request(target, &atoms::GET_STATUS).await?)
}

/// Changes the state of a server of this node between two messages, and returns what `change` does. A closure that panics
/// ends the server, as a handler does.
///
/// # Errors
/// [`CallError::NoProc`] also for a server of another node: a closure does not travel.
pub async fn replace_state<S, R>(
    server: &ServerRef<S>,
    change: impl FnOnce(&mut S) -> R + Send + 'static,
) -> Result<R, SysError>
where
    S: GenServer,
    R: Send + 'static,
{
    replace(server, change).await
}

/// The same for any behaviour whose `Behaviour::replaceable` is an `S`.
pub(crate) async fn replace<S: Any, R: Send + 'static>(
    target: &impl Target,
    change: impl FnOnce(&mut S) -> R + Send + 'static,
) -> Result<R, SysError> {
    let node = target.node();
    let slot = CallSlot::<R>::new();
    let answer = Arc::clone(&slot);
    let act = move |state: &mut dyn Any| {
        let error = CallError::Exit(ExitReason::from(atoms::BADARG));
        match state.downcast_mut::<S>() {
            Some(state) => answer.settle(Ok(change(state))),
            None => answer.settle(Err(error)),
        }
    };
    let pid = node.local(target.dest()).flatten();
    if pid.is_some() && pid == crate::process::current::pid_on(node) {
        return Err(CallError::calling_self().into());
    }
    let sent = pid
        .and_then(|pid| node.find(pid))
        .is_some_and(|process| process.push_replace(Replace::new(act, Arc::clone(&slot) as _)));
    if !sent {
        return Err(CallError::NoProc.into());
    }
    let mut deadline = None;
    let answer = poll_fn(|cx| match slot.poll(cx) {
        std::task::Poll::Pending => poll_deadline(node, Some(DEFAULT_TIMEOUT), &mut deadline, cx),
        ready => ready,
    });
    Ok(answer.await?)
}

/// From now on the process serves `sys` only; everything else waits.
///
/// # Errors
/// See [`SysError`].
pub async fn suspend(target: &impl Target) -> Result<(), SysError> {
    ok(request(target, &atoms::SUSPEND).await?)
}

/// Goes on where [`suspend`] stopped; what waited comes first, in its order.
///
/// # Errors
/// See [`SysError`].
pub async fn resume(target: &impl Target) -> Result<(), SysError> {
    ok(request(target, &atoms::RESUME).await?)
}

/// Counts messages from now on, or no more.
///
/// # Errors
/// See [`SysError`].
pub async fn statistics(target: &impl Target, on: bool) -> Result<(), SysError> {
    ok(debug(target, "statistics", &on).await?)
}

/// What was counted; `None` when nothing is.
///
/// # Errors
/// See [`SysError`].
pub async fn read_statistics(target: &impl Target) -> Result<Option<Statistics>, SysError> {
    let answer = debug(target, "statistics", &atoms::GET).await?;
    let counted = match answer.as_tagged("ok") {
        Some([none]) if none.is_atom("no_statistics") => return Ok(None),
        Some([counted]) => counted.as_list().unwrap_or_default(),
        _ => return Err(SysError::Unexpected(answer)),
    };
    let count = |name| {
        let count = counted.iter().find_map(|pair| match pair.as_tagged(name)? {
            [count] => count.as_int(),
            _ => None,
        });
        count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0)
    };
    Ok(Some(Statistics {
        messages_in: count("messages_in"),
        messages_out: count("messages_out"),
    }))
}

/// Keeps the last `events` events (at most 10,000) from now on; `None`: none any more.
///
/// # Errors
/// See [`SysError`].
pub async fn log(target: &impl Target, events: Option<u32>) -> Result<(), SysError> {
    ok(match events {
        Some(most) => debug(target, "log", &(true, most)).await?,
        None => debug(target, "log", &false).await?,
    })
}

/// The events kept, oldest first: `{in, Message}`, `{out, Reply, From, State}`, `{noreply, State}`.
///
/// A typed message of the process's own node was moved, not encoded: it is written as a term while anything is kept, its
/// caller and its answer are shown as `local`.
///
/// # Errors
/// See [`SysError`].
pub async fn read_log(target: &impl Target) -> Result<Vec<Term>, SysError> {
    let answer = debug(target, "log", &atoms::GET).await?;
    match answer.as_tagged("ok") {
        Some([events]) => Ok(events.as_list().unwrap_or_default().to_vec()),
        _ => Err(SysError::Unexpected(answer)),
    }
}

/// Writes each event to the log of the process's program as it comes (`tracing`, level info, target `kista::sys`), or no more.
///
/// # Errors
/// See [`SysError`].
pub async fn trace(target: &impl Target, on: bool) -> Result<(), SysError> {
    ok(debug(target, "trace", &on).await?)
}

/// Ends all that [`statistics`], [`log`] and [`trace`] began.
///
/// # Errors
/// See [`SysError`].
pub async fn no_debug(target: &impl Target) -> Result<(), SysError> {
    let option = (atoms::DEBUG, Atom::from_static("no_debug"));
    ok(request(target, &option).await?)
}

/// Asks for the end with this reason, in turn with the messages, and waits for the consent only; see [`ServerRef::stop`].
///
/// # Errors
/// See [`SysError`].
pub async fn terminate(target: &impl Target, reason: ExitReason) -> Result<(), SysError> {
    ok(request(target, &(atoms::TERMINATE, reason)).await?)
}

async fn debug(
    target: &impl Target,
    what: &'static str,
    how: &impl Encode,
) -> Result<Term, SysError> {
    let mut e = kista_etf::Encoder::new();
    how.encode(&mut e).map_err(CallError::from)?;
    let how = super::read_back(e).unwrap_or(Term::NIL);
    let option = (atoms::DEBUG, (Atom::from_static(what), how));
    accepted(request(target, &option).await?)
}

fn accepted(answer: Term) -> Result<Term, SysError> {
    match answer.as_tagged("error") {
        Some([reason]) => Err(SysError::Refused(reason.clone())),
        _ => Ok(answer),
    }
}

fn ok(answer: Term) -> Result<(), SysError> {
    let answer = accepted(answer)?;
    match answer.as_atom() {
        Some(atoms::OK) => Ok(()),
        _ => Err(SysError::Unexpected(answer)),
    }
}

//! The loop of a gen_server, run as the body of its process.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use kista_dist::frame::Payload;
use kista_etf::{Decoder, Term, atoms};

use super::message::{Caller, Message};
use super::reply_to::{PendingReply, RemoteReply, Tag};
use super::spec::Started;
use super::{Cx, Flow, GenServer, InitStop};
use crate::process::{AnyProcess, Info, Process, Signal, WireMessage, current, panic_text, run};
use crate::{ExitReason, Pid};

/// Starts the process's task. `started` is settled when `init` has returned a state, or else when the process has ended.
pub(crate) fn start<S: GenServer>(
    process: Arc<Process<S::Msg>>,
    args: S::Args,
    started: Arc<Started>,
    parent: Option<Arc<dyn AnyProcess>>,
) {
    process
        .state
        .lock()
        .deferred
        .push(Arc::clone(&started) as _);
    let runtime = process.node().runtime().clone();
    runtime.spawn(run(
        Arc::clone(&process),
        serve::<S>(process, args, started, parent),
    ));
}

async fn serve<S: GenServer>(
    process: Arc<Process<S::Msg>>,
    args: S::Args,
    started: Arc<Started>,
    parent: Option<Arc<dyn AnyProcess>>,
) -> ExitReason {
    let mut cx = Cx::<S>::new(process);
    let mut server = match caught(S::init(args, &mut cx)).await {
        Ok(Ok(server)) => server,
        Ok(Err(InitStop::Ignore)) => {
            disown(parent.as_deref(), cx.pid());
            started.ignore();
            return ExitReason::Normal;
        }
        // As OTP 26 and later: the starter hears of it as an error, not as an exit signal too.
        Ok(Err(InitStop::Stop(reason))) | Err(reason) => {
            disown(parent.as_deref(), cx.pid());
            return reason;
        }
    };
    drop(parent);
    cx.process().state.lock().deferred.clear();
    started.settle();
    drop(started);

    let reason = match caught(handle_until_stop(&mut server, &mut cx)).await {
        Ok(reason) | Err(reason) => reason,
    };
    let reason = match caught(server.terminate(&reason, &mut cx)).await {
        Ok(()) => reason,
        Err(panic) => panic,
    };
    // Reply tokens in the state stay silent: their callers hear the reason.
    current::ending(cx.pid(), || drop(server));
    if !reason.is_normal() {
        tracing::error!(pid = %cx.pid(), behaviour = cx.behaviour(), %reason, "server terminated");
    }
    reason
}

async fn handle_until_stop<S: GenServer>(server: &mut S, cx: &mut Cx<S>) -> ExitReason {
    let process = Arc::clone(cx.process());
    loop {
        let flow = match cx.next().await {
            Signal::Message(message) => server.handle(message, cx).await,
            Signal::Call(message, pending) => {
                let _kept = KeptIfUnanswered {
                    process: &process,
                    pending: Some(pending),
                };
                server.handle(message, cx).await
            }
            Signal::Wire(wire) => match read::<S::Msg>(&process, *wire) {
                Read::Message(message) => server.handle(message, cx).await,
                Read::Info(term) => server.handle_info(Info::Term(term), cx).await,
                Read::Stop(reason) => Flow::Stop(reason),
                Read::Nothing => Flow::Continue,
            },
            Signal::Notice(info) => match *info {
                Info::Exit { from, ref reason } if Some(from) == cx.parent() => {
                    Flow::Stop(reason.clone())
                }
                info => server.handle_info(info, cx).await,
            },
            Signal::Stop(reason, pending) => {
                process.state.lock().deferred.extend(pending);
                Flow::Stop(reason)
            }
            Signal::Control(_) => unreachable!("the shell keeps control signals to itself"),
        };
        if let Flow::Stop(reason) = flow {
            return reason;
        }
    }
}

/// Runs callbacks; a panic becomes the reason `{panic, Text}`, with the state still there for `terminate`.
async fn caught<F: Future>(callback: F) -> Result<F::Output, ExitReason> {
    let mut callback = pin!(callback);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| callback.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                std::task::Poll::Ready(Err(ExitReason::Panic(panic_text(&*panic).into())))
            }
        },
    )
    .await
}

fn disown(parent: Option<&dyn AnyProcess>, child: Pid) {
    if let Some(parent) = parent {
        parent.me().disown(child);
    }
}

/// Keeps the slot of a call whose handler is over while its token lives on, so that the process's end reaches the caller;
/// also when the handler is dropped or unwinds.
struct KeptIfUnanswered<'a, M: Send + 'static> {
    process: &'a Process<M>,
    pending: Option<Arc<dyn PendingReply>>,
}

impl<M: Send + 'static> Drop for KeptIfUnanswered<'_, M> {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take()
            && pending.is_pending()
        {
            defer(&mut self.process.state.lock().deferred, pending);
        }
    }
}

/// Answered ones go when the list would grow. It then has room for as many again as are open, so that looking through it is
/// paid for by what was added since.
fn defer(deferred: &mut Vec<Arc<dyn PendingReply>>, pending: Arc<dyn PendingReply>) {
    if deferred.len() == deferred.capacity() {
        deferred.retain(|kept| kept.is_pending());
        let open = deferred.len();
        deferred.reserve(open.max(4));
    }
    deferred.push(pending);
}

enum Read<M> {
    Message(M),
    Info(Term),
    Stop(ExitReason),
    Nothing,
}

/// Decodes a message in the receiver's own task. What does not fit the type is an [`Info`], a call that does not fit is
/// refused, and a payload that is no term ends the connection it came by.
fn read<M: Message>(process: &Arc<Process<M>>, wire: WireMessage) -> Read<M> {
    let read = match shape(&mut wire.payload.decoder()) {
        Shape::Call(from, tag) => read_call(process, &wire, from, tag),
        Shape::Cast => {
            let mut d = wire.payload.decoder();
            let message = d
                .tuple()
                .and_then(|_| d.skip())
                .and_then(|()| M::decode_cast(&mut d));
            message
                .ok()
                .filter(|_| d.finish().is_ok())
                .map(Read::Message)
        }
        Shape::System(from, tag, request) => {
            let caller = RemoteReply::new(
                process.node().clone(),
                process.pid(),
                from,
                tag,
                Payload::default(),
            );
            Some(obey(&request, caller))
        }
        Shape::Plain => {
            let mut d = wire.payload.decoder();
            M::decode_info(&mut d)
                .ok()
                .filter(|_| d.finish().is_ok())
                .map(Read::Message)
        }
    };
    if let Some(read) = read {
        return read;
    }
    let mut d = wire.payload.decoder();
    match d.term().and_then(|term| d.finish().map(|()| term)) {
        Ok(term) => Read::Info(term),
        Err(error) => {
            if let Some(connection) = &wire.via {
                connection.close(&format!("a message is not a term: {error}"));
            }
            Read::Nothing
        }
    }
}

/// `sys:terminate` is answered before it is obeyed; what is not known is refused in `sys`'s own words, at once.
fn obey<M>(request: &Term, caller: RemoteReply) -> Read<M> {
    if let Some([terminate, reason]) = request.as_tuple()
        && terminate.as_atom() == Some(atoms::TERMINATE)
    {
        caller.send_term(&Term::from(atoms::OK));
        return Read::Stop(ExitReason::from(reason.clone()));
    }
    let unknown = Term::tuple([Term::from(atoms::UNKNOWN_SYSTEM_MSG), request.clone()]);
    caller.send_term(&Term::tuple([Term::from(atoms::ERROR), unknown]));
    Read::Nothing
}

/// `None` when the payload is broken; a well-formed request of another type is refused here.
fn read_call<M: Message>(
    process: &Arc<Process<M>>,
    wire: &WireMessage,
    from: Pid,
    tag: Tag,
) -> Option<Read<M>> {
    let remote = RemoteReply::new(
        process.node().clone(),
        process.pid(),
        from,
        tag,
        wire.payload.clone(),
    );
    let mut caller = Caller(Some(remote));
    let mut d = wire.payload.decoder();
    let message = d
        .tuple()
        .and_then(|_| d.skip())
        .and_then(|()| d.skip())
        .and_then(|()| M::decode_call(&mut d, &mut caller))
        .and_then(|message| d.finish().map(|()| message));
    match message {
        Ok(message) => Some(Read::Message(message)),
        Err(error) => {
            let mut d = wire.payload.decoder();
            d.skip().and_then(|()| d.finish()).ok()?;
            let what = format_args!("a call from {from}, which is refused: {error}");
            process.log_not_understood_text(what);
            if let Some(remote) = caller.0.take() {
                remote.refuse();
            }
            Some(Read::Nothing)
        }
    }
}

enum Shape {
    Call(Pid, Tag),
    Cast,
    /// A request of OTP's `sys`.
    System(Pid, Tag, Term),
    Plain,
}

/// Which of OTP's wrappings a payload wears. Anything that does not parse as one is plain.
fn shape(d: &mut Decoder<'_>) -> Shape {
    let mut look = || {
        let arity = d.tuple().ok()?;
        let tag = d.atom_str().ok()?;
        match (arity, &*tag) {
            (3, "$gen_call") => {
                let (from, tag) = read_from(d)?;
                Some(Shape::Call(from, tag))
            }
            (2, "$gen_cast") => Some(Shape::Cast),
            (3, "system") => {
                let (from, tag) = read_from(d)?;
                let request = d.term().ok()?;
                d.finish().ok()?;
                Some(Shape::System(from, tag, request))
            }
            _ => None,
        }
    };
    look().unwrap_or(Shape::Plain)
}

/// `{Pid, Tag}`.
fn read_from(d: &mut Decoder<'_>) -> Option<(Pid, Tag)> {
    if d.tuple().ok()? != 2 {
        return None;
    }
    Some((d.pid().ok()?, Tag::decode(d).ok()?))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    use super::*;

    static LOOKS: AtomicUsize = AtomicUsize::new(0);

    struct Kept(AtomicBool);

    impl PendingReply for Kept {
        fn is_pending(&self) -> bool {
            LOOKS.fetch_add(1, Relaxed);
            self.0.load(Relaxed)
        }

        fn fail(&self, _reason: &ExitReason) {}
    }

    #[test]
    fn many_open_calls_do_not_make_each_further_one_dear() {
        let mut deferred = Vec::new();
        let kept = |open| Arc::new(Kept(AtomicBool::new(open))) as Arc<dyn PendingReply>;
        for _ in 0..4_095 {
            defer(&mut deferred, kept(true));
        }
        LOOKS.store(0, Relaxed);
        for _ in 0..10_000 {
            defer(&mut deferred, kept(false));
        }
        assert!(LOOKS.load(Relaxed) < 50_000, "{LOOKS:?}");
        assert!(deferred.capacity() <= 2 * 8_192);
    }
}

//! The loop of a gen_server, run as the body of its process.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use kista_etf::{Atom, Term, atoms};

use super::spec::Started;
use super::wait::Wait;
use super::{Cx, Flow, GenServer, InitStop};
use crate::process::{AnyProcess, Info, Process, current, panic_text, run};
use crate::sys::{Behaviour, Event};
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
    let mut flow = Flow::Continue;
    let mut wait;
    loop {
        let then = match flow {
            // What `init` or a call asked for, which return something else.
            Flow::Continue => cx.take_then(),
            flow => flow,
        };
        match then {
            Flow::Continue => wait = None,
            Flow::Timeout(time) => wait = Some(Box::new(Wait::new(time))),
            Flow::Hibernate => {
                wait = None;
                cx.inbox.shrink();
            }
            Flow::Stop(reason) => return reason,
        }
        flow = match next(server, cx, &mut wait).await {
            Some(Event::Message(message)) => server.handle(message, cx).await,
            Some(Event::Info(info)) => server.handle_info(info, cx).await,
            // As in OTP the time begins anew.
            Some(Event::System) => match &wait {
                Some(wait) => Flow::Timeout(wait.time),
                None => Flow::Continue,
            },
            Some(Event::Stop(reason)) => Flow::Stop(reason),
            None => server.handle_info(Info::Timeout, cx).await,
        };
    }
}

/// The next event; `None` when the time was up first.
async fn next<S: GenServer>(
    server: &mut S,
    cx: &mut Cx<S>,
    wait: &mut Option<Box<Wait>>,
) -> Option<Event<S::Msg>> {
    poll_fn(|context| {
        if let Poll::Ready(event) = cx.inbox.poll_next(&mut Shown(server), context) {
            return Poll::Ready(Some(event));
        }
        match wait {
            Some(wait) if !cx.inbox.is_suspended() => wait.poll(cx.node(), context).map(|()| None),
            _ => Poll::Pending,
        }
    })
    .await
}

/// A server as `sys` sees it.
struct Shown<'a, S>(&'a mut S);

impl<S: GenServer> Behaviour for Shown<'_, S> {
    fn module(&self) -> Atom {
        atoms::GEN_SERVER
    }

    fn state(&self) -> Term {
        self.0.format_status()
    }

    fn replaceable(&mut self) -> &mut dyn Any {
        self.0
    }
}

/// Runs callbacks; a panic becomes the reason `{panic, Text}`, with the state still there for `terminate`.
async fn caught<F: Future>(callback: F) -> Result<F::Output, ExitReason> {
    let mut callback = pin!(callback);
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| callback.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(ExitReason::Panic(panic_text(&*panic).into()))),
        },
    )
    .await
}

fn disown(parent: Option<&dyn AnyProcess>, child: Pid) {
    if let Some(parent) = parent {
        parent.me().disown(child);
    }
}

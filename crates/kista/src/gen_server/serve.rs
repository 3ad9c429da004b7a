//! The loop of a gen_server, run as the body of its process.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use kista_etf::{Atom, Reference, Term};

use super::registry::ViaName;
use super::spawn::Started;
use super::wait::Wait;
use super::{Cx, Flow, GenServer, InitStop, StartError};
use crate::ExitReason;
use crate::process::{AnyProcess, ControlSignal, Info, Process, current, panic_text, run};
use crate::reports::{self, CrashReport, During};
use crate::sys::{Behaviour, Event};

/// What a start needs beside the arguments.
pub(super) struct Start {
    /// Settled when `init` has returned a state, or else when the process has ended.
    pub(super) started: Arc<Started>,
    /// The process that it is linked with.
    pub(super) parent: Option<Arc<dyn AnyProcess>>,
    /// Where it is to be registered, beside the node's own names.
    pub(super) via: Option<ViaName>,
    /// By which its starter monitors it.
    pub(super) monitor: Option<Reference>,
}

/// Starts the process's task.
pub(super) fn start<S: GenServer>(process: Arc<Process<S::Msg>>, args: S::Args, start: Start) {
    process
        .state
        .lock()
        .deferred()
        .push(Arc::clone(&start.started) as _);
    let runtime = process.node().runtime().clone();
    // Boxed: what a start needs is not kept by a process that has started.
    let init = Box::pin(init::<S>(Arc::clone(&process), args, start));
    runtime.spawn(run(process, move || serve::<S>(init)));
}

async fn serve<S: GenServer>(
    init: Pin<Box<impl Future<Output = Result<(S, Cx<S>), ExitReason>>>>,
) -> ExitReason {
    let (mut server, mut cx) = match init.await {
        Ok(started) => started,
        Err(reason) => return reason,
    };
    let ran = caught_in(pin!(server.run(&mut cx))).await;
    let reason = match ran {
        Ok(reason) | Err(reason) => reason,
    };
    report(&server, &cx, During::Work, &reason);
    let terminated = caught_in(pin!(server.terminate(&reason, &mut cx))).await;
    let reason = match terminated {
        Ok(()) => reason,
        Err(panic) => {
            report(&server, &cx, During::Terminate, &panic);
            panic
        }
    };
    // Reply tokens in the state stay silent: their callers hear the reason.
    current::ending(cx.pid(), || drop(server));
    reason
}

/// The crash report, when there is reason for one.
fn report<S: GenServer>(server: &S, cx: &Cx<S>, during: During, reason: &ExitReason) {
    cx.report_crash(reason, || {
        CrashReport::of(cx, S::MODULE, during, reason.clone())
            .last_message(cx.inbox.last_message())
            .state(reports::Shown::state(|| server.format_status()))
    });
}

/// The state, with its starter told; or the reason with which the process ends.
async fn init<S: GenServer>(
    process: Arc<Process<S::Msg>>,
    args: S::Args,
    start: Start,
) -> Result<(S, Cx<S>), ExitReason> {
    let mut cx = Cx::<S>::new(process);
    let Start {
        started,
        parent,
        via,
        monitor,
    } = start;
    let parent = parent.as_deref();
    if let Some(ViaName { registry, name }) = &via
        && let Err(holder) = registry.register(name, cx.pid()).await
    {
        started.say(StartError::AlreadyStarted(holder));
        cx.forget_starter(parent, monitor);
        return Err(ExitReason::Normal);
    }
    let begun = caught_in(pin!(S::init(args, &mut cx))).await;
    let stop = match begun {
        Ok(Ok(server)) => {
            // Only `started` is in there.
            drop(cx.process().state.lock().take_deferred());
            started.settle();
            return Ok((server, cx));
        }
        Ok(Err(stop)) => stop,
        Err(panic) => InitStop::Stop(panic),
    };
    if let Some(ViaName { registry, name }) = &via {
        registry.unregister(name, cx.pid());
    }
    // What the linked see is OTP's since 26: nothing of `ignore` and `error`; of the rest the exit signal, but for a parent
    // that traps exits, which has the error.
    let traps = parent.is_some_and(|parent| parent.me().state.lock().trap_exit);
    match stop {
        InitStop::Ignore => started.say(StartError::Ignored),
        InitStop::Error(reason) => started.say(StartError::Init(reason)),
        InitStop::Stop(reason) => {
            cx.report_crash(&reason, || {
                CrashReport::of(&cx, S::MODULE, During::Init, reason.clone())
            });
            match parent {
                Some(parent) if !traps => cx.fail_with(parent, &reason),
                _ => cx.forget_starter(parent, monitor),
            }
            return Err(reason);
        }
    }
    cx.forget_starter(parent, monitor);
    Err(ExitReason::Normal)
}

impl<S: GenServer> Cx<S> {
    /// The starter has the error: neither an exit signal nor a DOWN follows.
    fn forget_starter(&self, parent: Option<&dyn AnyProcess>, monitor: Option<Reference>) {
        if let Some(parent) = parent {
            parent.me().disown(self.pid());
        }
        if let Some(reference) = monitor {
            self.state.lock().take_back_watcher(&reference);
        }
    }

    /// Ends the parent by the link before it can read the error.
    fn fail_with(&self, parent: &dyn AnyProcess, reason: &ExitReason) {
        let exit = ControlSignal::LinkExit {
            from: self.pid(),
            reason: reason.clone(),
        };
        self.node().signal(parent.me().pid(), exit);
        self.state.lock().take_back_link(parent.me().pid());
    }
}

/// The loop of a server.
pub(super) async fn handle_until_stop<S: GenServer>(server: &mut S, cx: &mut Cx<S>) -> ExitReason {
    let mut wait = None;
    let mut end = follow(Flow::Continue, cx, &mut wait);
    loop {
        if let Some(reason) = end {
            return reason;
        }
        // Nothing but `wait` is held across an await: an idle process keeps room for it.
        let flow = match next(server, cx, &mut wait).await {
            Some(Event::Message(message)) => server.handle(message, cx).await,
            Some(Event::Info(info)) => server.handle_info(*info, cx).await,
            // As in OTP the time begins anew.
            Some(Event::System) => match &wait {
                Some(wait) => Flow::Timeout(wait.time),
                None => Flow::Continue,
            },
            Some(Event::Stop(reason)) => Flow::Stop(reason),
            None => {
                cx.inbox.timed_out();
                server.handle_info(Info::Timeout, cx).await
            }
        };
        end = follow(flow, cx, &mut wait);
    }
}

/// Does what a callback asked for; the reason when the server is to end.
fn follow<S: GenServer>(
    flow: Flow,
    cx: &mut Cx<S>,
    wait: &mut Option<Box<Wait>>,
) -> Option<ExitReason> {
    let flow = match flow {
        // What `init` or a call asked for, which return something else.
        Flow::Continue => cx.take_then(),
        flow => flow,
    };
    *wait = None;
    match flow {
        Flow::Continue => {}
        Flow::Timeout(time) => *wait = Some(Box::new(Wait::new(time))),
        Flow::Hibernate => cx.inbox.shrink(),
        Flow::Stop(reason) => return Some(reason),
    }
    None
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
        S::MODULE
    }

    fn state(&self) -> Term {
        // Somebody looked, which is no reason to end.
        catch_unwind(AssertUnwindSafe(|| self.0.format_status())).unwrap_or_else(|panic| {
            let text = format!("format_status panicked: {}", panic_text(&*panic));
            Term::from(kista_etf::Binary::from(text.as_bytes()))
        })
    }

    fn replaceable(&mut self) -> &mut dyn Any {
        self.0
    }
}

/// Runs callbacks; a panic becomes the reason `{panic, Text}`, with the state still there for `terminate`.
pub(crate) async fn caught<F: Future>(callback: F) -> Result<F::Output, ExitReason> {
    caught_in(pin!(callback)).await
}

/// The same of a callback in its place: handed over as a value it would take its room twice.
async fn caught_in<F: Future>(mut callback: Pin<&mut F>) -> Result<F::Output, ExitReason> {
    poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| callback.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(ExitReason::Panic(panic_text(&*panic).into()))),
        },
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gen_server::{Address, Message};
    use crate::process::Process;

    struct Idle;

    enum Nothing {}

    impl Message for Nothing {}

    impl GenServer for Idle {
        type Args = ();
        type Msg = Nothing;
        type Client = Address<Nothing>;

        async fn init((): (), _: &mut Cx<Self>) -> Result<Self, InitStop> {
            Ok(Self)
        }

        async fn handle(&mut self, message: Nothing, _: &mut Cx<Self>) -> Flow {
            match message {}
        }
    }

    const fn made_by<A, B, F>(_: &impl FnOnce(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// The runtime puts it beside about 100 bytes of its own, in steps of 128: one word too many may cost each process a step.
    #[test]
    fn a_server_whose_task_grows_does_not_grow_unnoticed() {
        let task = |process: Arc<Process<Nothing>>, init| {
            run(process, move || {
                serve::<Idle>(Box::pin(std::future::ready(init)))
            })
        };
        let bytes = made_by(&task);
        assert!(
            bytes <= TASK,
            "the task of an idle server takes {bytes} bytes instead of at most {TASK}: \
             look what is held across an await, and measure `kista-bench --rows L7m`"
        );
    }

    const TASK: usize = 448;
}

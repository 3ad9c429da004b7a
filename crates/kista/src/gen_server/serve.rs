//! The loop of a gen_server, run as the body of its process.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use kista_etf::{Atom, Reference, Term};

use super::inline;
use super::registry::ViaName;
use super::resting::{First, Resting, SETTLED, rest};
use super::spawn::{GoOn, Started};
use super::wait::Wait;
use super::{Cx, Flow, GenServer, InitStop, StartError};
use crate::ExitReason;
use crate::process::{
    AnyProcess, ControlSignal, Info, Outcome, Process, Rest, caught_text, launch,
};
use crate::reports::{self, CrashReport, During};
use crate::sys::{Behaviour, Event};

/// What a start needs beside the arguments.
pub(super) struct Start {
    /// The process that it is linked with.
    pub(super) parent: Option<Arc<dyn AnyProcess>>,
    /// Where it is to be registered, beside the node's own names.
    pub(super) via: Option<ViaName>,
    /// By which its starter monitors it.
    pub(super) monitor: Option<Reference>,
}

/// A server's state with its context, or why there is none.
type Begun<S> = Result<(S, Cx<S>), Failure>;

/// Why a server did not come to be.
struct Failure {
    /// What its process ends for.
    reason: ExitReason,
    /// What the starter is to hear, when not that.
    instead: Option<StartError>,
}

/// Starts the process, and gives it back. Whoever waits for what is returned beside it learns when `init` has returned a state, or
/// the process has ended; `None`: it has started already.
pub(super) fn start<S: GenServer>(
    mut process: Arc<Process<S::Msg>>,
    args: S::Args,
    start: Start,
    inline: bool,
) -> (Arc<Process<S::Msg>>, Option<Arc<Started>>) {
    // Boxed: what a start needs is not kept by a process that has started.
    let mut init = Box::pin(init::<S>(Arc::clone(&process), args, start));
    let mut stepped = None;
    if inline {
        let (lent, step) = inline::begin(process, init.as_mut());
        process = lent;
        stepped = Some(step);
    }
    let started = go_on(&process, init, stepped);
    (process, started)
}

/// After the first step, if that was done.
fn go_on<S: GenServer>(
    process: &Arc<Process<S::Msg>>,
    init: Pin<Box<impl Future<Output = Begun<S>> + Send + 'static>>,
    stepped: Option<inline::Step<Begun<S>>>,
) -> Option<Arc<Started>> {
    let failed = match stepped {
        Some(Ok(Poll::Ready(Ok((server, cx))))) => {
            drop(init);
            if !S::HAS_LOOP && !cx.has_more() {
                rest(process, server, cx);
                return None;
            }
            // Who starts many in a row waits for each one's task to have run: else they pile up in the queue of the thread,
            // which wakes another thread for each, and each is cold by the time that it runs.
            let started = Arc::new(Started::new());
            // Boxed: what is handed over keeps its room in the task.
            let begun = Box::new((server, cx, GoOn(Arc::clone(&started))));
            launch(Arc::clone(process), move || {
                let (server, cx, _) = *begun;
                serve(server, cx, None)
            });
            return Some(started);
        }
        Some(Ok(Poll::Ready(Err(failure)))) => Some(failure),
        Some(Err(panic)) => Some(panic.into()),
        Some(Ok(Poll::Pending)) | None => None,
    };
    let started = Arc::new(Started::new());
    process
        .state
        .lock()
        .deferred()
        .push(Arc::clone(&started) as _);
    let told = Arc::clone(&started);
    match failed {
        Some(failure) => {
            let reason = told.fails(failure);
            launch(Arc::clone(process), move || std::future::ready(reason));
        }
        None => launch(Arc::clone(process), move || begin(init, told)),
    }
    Some(started)
}

/// A server from its `init` on.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` has room for its arguments twice"
)]
fn begin<S: GenServer>(
    init: Pin<Box<impl Future<Output = Begun<S>> + Send>>,
    started: Arc<Started>,
) -> impl Future<Output = Served<S>> {
    async move {
        let serving = match settle(init.await, &started) {
            Ok((server, cx)) => serve(server, cx, None),
            Err(reason) => return Served::Over(reason),
        };
        serving.await
    }
}

/// Tells the starter. Err: what the process ends for.
fn settle<S: GenServer>(begun: Begun<S>, started: &Started) -> Result<(S, Cx<S>), ExitReason> {
    let (server, cx) = begun.map_err(|failure| started.fails(failure))?;
    // Only `started` is in there.
    drop(cx.process().state.lock().take_deferred());
    started.settle();
    Ok((server, cx))
}

/// What the code of a server comes to.
pub(super) enum Served<S: GenServer> {
    Over(ExitReason),
    Rests(Box<Resting<S>>),
}

impl<S: GenServer> Outcome<S::Msg> for Served<S> {
    fn over(self) -> Result<ExitReason, Box<dyn Rest<S::Msg>>> {
        match self {
            Self::Over(reason) => Ok(reason),
            Self::Rests(resting) => Err(resting),
        }
    }
}

/// A server from when it has a state until it has none, or rests.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` has room for its arguments twice"
)]
pub(super) fn serve<S: GenServer>(
    mut server: S,
    mut cx: Cx<S>,
    first: Option<Box<First<S::Msg>>>,
) -> impl Future<Output = Served<S>> {
    async move {
        let ran = match first.map(|first| *first) {
            Some(First::Failed(panic)) => Err(panic),
            Some(First::Message(message)) => caught_in(pin!(server.handle(message, &mut cx)))
                .await
                .map(Some),
            Some(First::Flow(flow)) => Ok(Some(flow)),
            None => Ok(None),
        };
        let ran = match ran {
            Ok(flow) => {
                if let Some(flow) = flow.filter(|flow| !matches!(flow, Flow::Continue)) {
                    cx.then(flow);
                }
                caught_in(pin!(server.run(&mut cx))).await
            }
            Err(panic) => Err(panic),
        };
        let reason = match ran {
            Ok(None) => return Served::Rests(Resting::again(server, cx)),
            Ok(Some(reason)) | Err(reason) => reason,
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
        cx.process().drop_quietly("the state", || drop(server));
        Served::Over(reason)
    }
}

/// The crash report, when there is reason for one.
fn report<S: GenServer>(server: &S, cx: &Cx<S>, during: During, reason: &ExitReason) {
    cx.report_crash(reason, || {
        CrashReport::of(cx, S::MODULE, during, reason.clone())
            .last_message(cx.inbox.last_message())
            .state(reports::Shown::state(|| server.format_status()))
    });
}

/// The state; or the reason with which the process ends.
async fn init<S: GenServer>(
    process: Arc<Process<S::Msg>>,
    args: S::Args,
    start: Start,
) -> Begun<S> {
    let mut cx = Cx::<S>::new(process);
    let Start {
        parent,
        via,
        monitor,
    } = start;
    let parent = parent.as_deref();
    if let Some(ViaName { registry, name }) = &via
        && let Err(holder) = registry.register(name, cx.pid()).await
    {
        cx.forget_starter(parent, monitor);
        return Err(Failure::quiet(StartError::AlreadyStarted(holder)));
    }
    let begun = caught_in(pin!(S::init(args, &mut cx))).await;
    let stop = match begun {
        Ok(Ok(server)) => return Ok((server, cx)),
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
        InitStop::Ignore => {
            cx.forget_starter(parent, monitor);
            Err(Failure::quiet(StartError::Ignored))
        }
        InitStop::Error(reason) => {
            cx.forget_starter(parent, monitor);
            Err(Failure::quiet(StartError::Init(reason)))
        }
        InitStop::Stop(reason) => {
            cx.report_crash(&reason, || {
                CrashReport::of(&cx, S::MODULE, During::Init, reason.clone())
            });
            match parent {
                Some(parent) if !traps => cx.fail_with(parent, &reason),
                _ => cx.forget_starter(parent, monitor),
            }
            Err(reason.into())
        }
    }
}

impl Failure {
    /// The process ends as if nothing were wrong, and its starter has the error.
    fn quiet(instead: StartError) -> Self {
        Self {
            reason: ExitReason::Normal,
            instead: Some(instead),
        }
    }
}

impl From<ExitReason> for Failure {
    fn from(reason: ExitReason) -> Self {
        Self {
            reason,
            instead: None,
        }
    }
}

impl Started {
    /// The end that follows is told to the starter so; gives what the process is to end for.
    fn fails(&self, failure: Failure) -> ExitReason {
        if let Some(error) = failure.instead {
            self.say(error);
        }
        failure.reason
    }
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

/// The loop of a server; `None`: it may rest. What lives across an await here, an idle process keeps room for: so each value is moved as a whole, and
/// what is none of the server's own messages is handled in a branch of its own.
#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` has room for its arguments twice"
)]
pub(super) fn handle_until_rest<S: GenServer>(
    server: &mut S,
    cx: &mut Cx<S>,
) -> impl Future<Output = Option<ExitReason>> {
    async move {
        let mut wait = None;
        let mut flow = Flow::Continue;
        // So many messages in a row needed nothing of this.
        let mut settled = 0;
        'next: loop {
            if let Some(reason) = follow(flow, cx, &mut wait) {
                return Some(reason);
            }
            let message = 'message: loop {
                let mut message = None;
                cx.inbox.next_message(&mut message);
                if let Some(message) = message {
                    match server.handle_now(message, cx) {
                        // By itself: of this one nothing but what it is has been written, to be copied.
                        Ok(Flow::Continue) => {
                            flow = Flow::Continue;
                            settled = SETTLED.min(settled + 1);
                        }
                        Ok(now) => {
                            flow = now;
                            settled = 0;
                        }
                        Err(message) => break 'message message,
                    }
                    continue 'next;
                }
                let other = match next(server, cx, &mut wait, settled == SETTLED).await {
                    Next::Look => continue 'message,
                    Next::Rests => return None,
                    Next::Event(Event::Message(message)) => {
                        match server.handle_now(message, cx) {
                            Ok(now) => flow = now,
                            Err(message) => break 'message message,
                        }
                        continue 'next;
                    }
                    other => other,
                };
                settled = 0;
                flow = match other {
                    Next::Event(Event::Info(info)) => server.handle_info(*info, cx).await,
                    Next::Event(Event::Stop(reason)) => Flow::Stop(reason),
                    // As in OTP the time begins anew.
                    Next::Event(Event::System | Event::Message(_)) | Next::Look | Next::Rests => {
                        match &wait {
                            Some(wait) => Flow::Timeout(wait.time),
                            None => Flow::Continue,
                        }
                    }
                    Next::TimedOut => {
                        cx.inbox.timed_out();
                        server.handle_info(Info::Timeout, cx).await
                    }
                };
                continue 'next;
            };
            settled = 0;
            flow = server.handle(message, cx).await;
        }
    }
}

/// Does what a callback asked for; the reason when the server is to end.
#[inline]
fn follow<S: GenServer>(
    flow: Flow,
    cx: &mut Cx<S>,
    wait: &mut Option<Box<Wait>>,
) -> Option<ExitReason> {
    match flow {
        // What `init` or a call asked for, which return something else.
        Flow::Continue => {
            if wait.is_none() && !cx.has_then() {
                return None;
            }
            let then = cx.take_then();
            obey(then, cx, wait)
        }
        flow => {
            // What is returned counts.
            drop(cx.take_then());
            obey(flow, cx, wait)
        }
    }
}

fn obey<S: GenServer>(
    flow: Flow,
    cx: &mut Cx<S>,
    wait: &mut Option<Box<Wait>>,
) -> Option<ExitReason> {
    *wait = None;
    match flow {
        Flow::Continue => {}
        Flow::Timeout(time) => *wait = Some(Box::new(Wait::new(time))),
        Flow::Hibernate => cx.inbox.shrink(),
        Flow::Stop(reason) => return Some(reason),
    }
    None
}

/// What a server is to do next.
enum Next<M> {
    Event(Event<M>),
    /// The time was up before there was one.
    TimedOut,
    /// It waited, and is polled again: there may be a message that needs no more than a look.
    Look,
    /// It has nothing to do, and may rest.
    Rests,
}

/// Waits for something to do; where it `may_rest`, not as this future.
fn next<S: GenServer>(
    server: &mut S,
    cx: &mut Cx<S>,
    wait: &mut Option<Box<Wait>>,
    may_rest: bool,
) -> impl Future<Output = Next<S::Msg>> {
    let mut waited = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(Next::Look);
        }
        if let Poll::Ready(event) = cx.inbox.poll_next(&mut Shown(server), context) {
            return Poll::Ready(Next::Event(event));
        }
        cx.process().reads_next(wait.is_none());
        if may_rest && wait.is_none() && cx.is_at_rest() {
            return Poll::Ready(Next::Rests);
        }
        match wait {
            Some(wait) if !cx.inbox.is_suspended() => {
                wait.poll(cx.node(), context).map(|()| Next::TimedOut)
            }
            _ => Poll::Pending,
        }
    })
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
            let text = format!("format_status panicked: {}", caught_text(panic));
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
fn caught_in<F: Future>(
    mut callback: Pin<&mut F>,
) -> impl Future<Output = Result<F::Output, ExitReason>> {
    poll_fn(
        move |cx| match catch_unwind(AssertUnwindSafe(|| callback.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(ExitReason::Panic(caught_text(panic).into()))),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Node;
    use crate::gen_server::{Address, Message};
    use crate::process::{On, Row, SpawnOptions, task};

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

    /// One word too many may cost each process a step of the allocator.
    #[tokio::test]
    async fn a_server_whose_task_grows_does_not_grow_unnoticed() {
        let node = Node::builder("sizes@localhost").no_network().start().await;
        let node = node.expect("a node without network starts");
        let born = || {
            let born = node.birth::<Nothing>("idle", SpawnOptions::new(), None);
            born.map_err(drop).expect("there is room").process
        };
        let process = born();
        let begun = Box::new((Idle, Cx::<Idle>::new(Arc::clone(&process))));
        let quick = task(process, Row::NONE, On::Anew, move || {
            let (server, cx) = *begun;
            serve(server, cx, None)
        });
        let slow = task(born(), Row::NONE, On::Anew, move || {
            let failed = Err(Failure::from(ExitReason::Normal));
            begin::<Idle>(
                Box::pin(std::future::ready(failed)),
                Arc::new(Started::new()),
            )
        });
        let sizes = [
            (size_of::<Resting<Idle>>(), RESTING),
            (size_of_val(&*quick), TASK),
            (size_of_val(&*slow), SLOW),
        ];
        for (bytes, most) in sizes {
            assert!(
                bytes <= most,
                "an idle server takes {bytes} bytes instead of at most {most}: \
                 look what is held across an await, and measure `kista-bench --rows L7m`"
            );
        }
        drop((quick, slow));
        node.stop().await;
    }

    /// What a million of them have.
    const RESTING: usize = 152;
    const TASK: usize = 296;
    const SLOW: usize = 384;
}

//! The process at the top of a running application: OTP's `application_master`.
//!
//! Rules:
//! 1. It is the group leader of all processes of the application, by descent; that is how a process knows its application.
//! 2. It runs the callbacks. When `start` has given the top process, the controller hears of it; one that ends before has not started.
//! 3. Told to end it calls `prep_stop`, ends the top process with `shutdown`, waits for that as long as it takes, and calls `stop`.
//!    When the top process ends by itself it calls both all the same, and ends with that process's reason.
//! 4. What is left of the application is killed then: every process whose group leader it is.
//!
//! 5. What is asked of it as a group leader, to print mostly, it does as that of the node would, also while it runs `start`.
//!
//! Source: `application_master` of Kernel. There a second process stands between the master and the top process, which runs the
//! callbacks, since the master serves I/O meanwhile.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kista_etf::{Pid, Term};

use super::callbacks::Begun;
use super::controller::{Controller, Msg};
use super::{Application, ApplicationCx};
use crate::gen_server::{ServerRef, StartError, caught};
use crate::io;
use crate::node::Node;
use crate::plain::ProcessCx;
use crate::process::{AnyProcess, Env, Never, Process, SpawnOptions, launch};
use crate::{ExitReason, Info};

const BEHAVIOUR: &str = "application_master";

/// How long a process that was killed is waited for: one that blocks its thread does not end.
const KILL_TIME: Duration = Duration::from_secs(1);

/// Starts the master of an application, linked with the controller, as which it is started.
pub(super) fn start(
    controller: &Arc<dyn AnyProcess>,
    myself: ServerRef<Controller>,
    application: Arc<Application>,
) -> Result<Pid, StartError> {
    let node = controller.me().node();
    let options = SpawnOptions::new().link();
    let born = node.birth::<Never>(BEHAVIOUR, options, Some(Arc::clone(controller)))?;
    let process = born.process;
    process.set_plain();
    let pid = process.pid();
    let master = Master {
        cx: ProcessCx::new(Arc::clone(&process)),
        application: ApplicationCx::new(Arc::clone(&process) as _, application),
        controller: myself,
    };
    prepare(&process, master.application.name());
    launch(process, move || master.run());
    Ok(pid)
}

/// Before its first step: whoever looks at a process of the application finds the application.
fn prepare(process: &Process<Never>, name: kista_etf::Atom) {
    process.trap_exit(true);
    process.set_group_leader(process.pid(), process.pid());
    process
        .node()
        .application_registry()
        .add_master(process.pid(), name);
    // The application's own comes before the node's.
    process.state.lock().origin_mut().env = Env::default();
}

struct Master {
    cx: ProcessCx,
    application: ApplicationCx,
    controller: ServerRef<Controller>,
}

/// Why it ends.
enum End {
    Told(ExitReason),
    /// The top process ended by itself.
    Top(ExitReason),
    TooOld,
}

impl Master {
    async fn run(mut self) -> ExitReason {
        let name = self.application.name();
        let Self {
            cx, application, ..
        } = &mut self;
        let started = answering(cx, begin(application)).await;
        let started = started.inspect(|(top, _)| self.cx.link(*top));
        let begun = match started {
            Ok(begun) => begun,
            Err(reason) => {
                self.kill_the_rest().await;
                return reason;
            }
        };
        let (top, state) = begun;
        // A controller that is gone has told this process to end.
        drop(self.controller.cast(Msg::Started(name, self.cx.pid())));
        let end = self.wait(top).await;
        self.stop(top, state, &end).await;
        self.kill_the_rest().await;
        match end {
            End::Told(reason) | End::Top(reason) => reason,
            End::TooOld => ExitReason::Normal,
        }
    }

    async fn wait(&mut self, top: Pid) -> End {
        let (controller, outside) = (self.cx.parent(), self.cx.node().outside());
        let end = move |info: &Info| match info {
            Info::Exit { from, reason } if *from == top => Some(End::Top(reason.clone())),
            Info::Exit { from, reason } if Some(*from) == controller || *from == outside => {
                Some(End::Told(reason.clone()))
            }
            _ => None,
        };
        let wanted = move |info: &Info| match end(info) {
            Some(end) => Some(Ok(end)),
            None => printed(info).map(Err),
        };
        let began = Instant::now();
        let time = self.application.application().keys().max_time;
        loop {
            let receive = self.cx.receive_match(wanted);
            let met = match time {
                Some(time) => receive.after(time.saturating_sub(began.elapsed())).await,
                None => Some(receive.await),
            };
            match met {
                Some(Ok(end)) => return end,
                Some(Err(request)) => io::answer(&self.cx, &request),
                None => return End::TooOld,
            }
        }
    }

    async fn stop(&mut self, top: Pid, mut state: Box<dyn std::any::Any + Send>, end: &End) {
        let application = self.application.clone();
        let Some(code) = application.application().code() else {
            return;
        };
        let hooks = application.application().hooks();
        self.careful("prep_stop", async {
            code.prep_stop(&mut *state, &application).await;
            hooks.prep_stop(&application).await;
        })
        .await;
        if !matches!(end, End::Top(_)) {
            let monitor = self.cx.monitor(top);
            self.cx.exit(top, ExitReason::Shutdown);
            let ended =
                |info: &Info| matches!(info, Info::Down { reference, .. } if *reference == monitor);
            self.cx.receive_if(ended).await;
        }
        self.careful("stop", async {
            code.stop(state, &application).await;
            hooks.stop(&application).await;
        })
        .await;
    }

    /// A callback that panics does not keep the rest from being done.
    async fn careful(&self, callback: &str, run: impl Future<Output = ()>) {
        if let Err(reason) = caught(AssertUnwindSafe(run)).await {
            let application = self.application.name();
            tracing::error!(%application, callback, %reason, "a callback of an application failed");
        }
    }

    async fn kill_the_rest(&mut self) {
        let mut blocked = Vec::new();
        loop {
            let left = self.cx.node().led_by(self.cx.pid());
            let left: Vec<_> = left
                .into_iter()
                .filter(|pid| !blocked.contains(pid))
                .collect();
            if left.is_empty() {
                return;
            }
            for pid in left {
                let monitor = self.cx.monitor(pid);
                self.cx.exit(pid, ExitReason::Kill);
                let ended = |info: &Info| matches!(info, Info::Down { reference, .. } if *reference == monitor);
                if self.cx.receive_if(ended).after(KILL_TIME).await.is_none() {
                    let application = self.application.name();
                    tracing::warn!(%application, %pid, "a process of a stopped application blocks its thread: it can not be ended");
                    blocked.push(pid);
                }
            }
        }
    }
}

async fn begin(application: &ApplicationCx) -> Result<Begun, ExitReason> {
    let Some(code) = application.application().code() else {
        unreachable!("the controller starts what has code");
    };
    caught(code.start(application)).await.flatten()
}

/// Answers what processes of the application print meanwhile: its own code may wait for that.
async fn answering<T>(cx: &mut ProcessCx, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            request = cx.receive_match(printed) => io::answer(cx, &request),
        }
    }
}

/// A request to print.
fn printed(info: &Info) -> Option<Term> {
    match info {
        Info::Term(message) if io::is_request(message) => Some(message.clone()),
        _ => None,
    }
}

impl Node {
    /// The processes of this group leader, without itself.
    fn led_by(&self, leader: Pid) -> Vec<Pid> {
        let mut led = Vec::new();
        self.each_process(|process| {
            let me = process.me();
            if me.pid() != leader && me.group_leader() == Some(leader) {
                led.push(me.pid());
            }
        });
        led
    }
}

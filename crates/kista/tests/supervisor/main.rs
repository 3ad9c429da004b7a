//! Supervisors with real processes: `docs/semantics.md`, "Supervisors". The rules by cases are tested on the core, beside it.

mod asked;
mod dynamic;
mod ends;
mod kinds;
mod own_reasons;
mod restarts;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::events::{Subscription, Update};
use kista::reports::{Context, REPORTS, Report};
use kista::supervisor::{
    AutoShutdown, Backoff, Child, ChildId, ChildProcess, Restart, Shutdown, SpecError, Supervisor,
    SupervisorError, SupervisorRef, SupervisorSpec,
};
use kista::{
    Atom, CallError, Cx, Dest, ExitReason, InitStop, Node, Pid, StartError, Term, gen_server, sys,
};

async fn node() -> Node {
    Node::builder("sup@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn take(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

/// How a worker is.
#[derive(Clone, Default)]
struct How {
    name: &'static str,
    log: Log,
    /// How long its end takes; it traps exits then.
    lingers: Option<Duration>,
    /// What its starts come to, the last first; then they succeed.
    starts: Arc<Mutex<Vec<InitStop>>>,
    unlinks: bool,
}

struct Worker {
    how: How,
}

#[gen_server(local)]
impl Worker {
    #[init]
    fn new(how: How, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        if let Some(stop) = how.starts.lock().unwrap().pop() {
            return Err(stop);
        }
        cx.trap_exit(how.lingers.is_some());
        if how.unlinks {
            cx.unlink(cx.parent().unwrap());
        }
        let worker = Worker { how };
        worker.say("starts");
        Ok(worker)
    }
    #[call]
    fn who(&self) -> &'static str {
        self.how.name
    }
    #[cast]
    fn crash(&mut self) {
        panic!("asked to")
    }
    #[cast]
    fn end(&mut self, reason: ExitReason) -> kista::Flow {
        kista::Flow::Stop(reason)
    }
    #[terminate]
    async fn terminate(&mut self, reason: &ExitReason) {
        if let Some(time) = self.how.lingers {
            self.say("ends slowly");
            tokio::time::sleep(time).await;
        }
        self.say(&format!("ended {reason}"));
    }
}

impl Worker {
    fn say(&self, what: &str) {
        let line = format!("{} {what}", self.how.name);
        self.how.log.lock().unwrap().push(line);
    }
}

/// Another server, to be taken for a `Worker` by mistake.
struct Idle;

#[gen_server(local)]
impl Idle {
    #[init]
    fn new() -> Self {
        Idle
    }
    #[call]
    fn sync(&self) {}
}

fn how(name: &'static str, log: &Log) -> How {
    How {
        name,
        log: Arc::clone(log),
        ..How::default()
    }
}

fn child(name: &'static str, log: &Log) -> Child {
    Child::new(name, Worker::spec(how(name, log)))
}

/// Traps exits and takes so long to end.
fn slow(name: &'static str, log: &Log, millis: u64) -> Child {
    let lingers = Some(Duration::from_millis(millis));
    let how = How {
        lingers,
        ..how(name, log)
    };
    Child::new(name, Worker::spec(how))
}

async fn pid(supervisor: &SupervisorRef, id: &str) -> Option<Pid> {
    let children = supervisor.which_children().await.unwrap();
    let child = children.into_iter().find(|child| child.id == id.into());
    child.and_then(|child| child.process.pid())
}

/// Until it is so; the suite's guard is against hanging only.
async fn until(what: impl AsyncFn() -> bool) {
    let wait = async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .expect("it never came to be");
}

/// Until this child is another process than before.
async fn restarted(supervisor: &SupervisorRef, id: &str, before: Option<Pid>) -> Pid {
    let now = Mutex::new(None);
    until(async || {
        *now.lock().unwrap() = pid(supervisor, id).await;
        let now = *now.lock().unwrap();
        now.is_some() && now != before
    })
    .await;
    now.into_inner().unwrap().unwrap()
}

async fn start(node: &Node, spec: SupervisorSpec) -> SupervisorRef {
    node.spawn(spec.spec()).await.unwrap()
}

/// Its problems, one after the other, as context, child and reason.
async fn next_problem(reports: &mut Subscription<Report>) -> (Context, String, String) {
    let wait = async {
        loop {
            if let Some(Update::Event(Report::Supervisor {
                context,
                child,
                reason,
                ..
            })) = reports.next().await
            {
                return (context, child.id.to_string(), reason.to_string());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .expect("there is a report")
}

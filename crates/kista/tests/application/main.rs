//! Dangers in applications: order, start types, callbacks, what is left behind.

mod ends;
mod environment;
mod left_behind;
mod limits;
mod order;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::application::{Application, ApplicationCx, ApplicationError, Callbacks, StartType};
use kista::etf::term;
use kista::supervisor::{Child, Supervisor};
use kista::{
    Atom, CallError, Cx, ExitReason, Info, Node, NodeError, Pid, StopCause, Term, gen_server,
};
use tokio::time::timeout;

/// A guard against hanging, not a promise.
const SOON: Duration = Duration::from_secs(60);

/// What happened, in order.
type Seen = Arc<Mutex<Vec<String>>>;

fn say(seen: &Seen, what: impl Into<String>) {
    seen.lock().unwrap().push(what.into());
}

fn take(seen: &Seen) -> String {
    std::mem::take(&mut *seen.lock().unwrap()).join(" ")
}

/// Says when it ends.
struct Worker {
    name: String,
    seen: Seen,
}

#[gen_server(local)]
impl Worker {
    #[init]
    fn new(name: String, seen: Seen, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        Self { name, seen }
    }
    #[call]
    fn env(&self, key: String, cx: &mut Cx<Self>) -> Option<String> {
        cx.env(&key).map(|value| value.to_string())
    }
    #[call]
    fn application(&self, cx: &mut Cx<Self>) -> Option<Atom> {
        cx.application()
    }
    #[call]
    fn put(&self, key: String, cx: &mut Cx<Self>) {
        cx.put_env(&key, "process");
    }
    /// A process that nobody supervises.
    #[call]
    fn stray(&self, cx: &mut Cx<Self>) -> Pid {
        let stray = async |mut cx: kista::ProcessCx| {
            cx.trap_exit(true);
            loop {
                cx.receive().await;
            }
        };
        cx.spawn_fn(stray).unwrap()
    }
    #[cast]
    fn crash(&mut self) {
        panic!("told to")
    }
    #[cast]
    async fn hang(&mut self) {
        std::future::pending::<()>().await;
    }
    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        say(&self.seen, format!("{}:{reason}", self.name));
    }
}

/// An application with two workers, that says what becomes of it.
fn app(name: &'static str, depends_on: &[&'static str], seen: &Seen) -> Application {
    let (started, preparing, stopped, workers) = (
        Arc::clone(seen),
        Arc::clone(seen),
        Arc::clone(seen),
        Arc::clone(seen),
    );
    Application::new(name)
        .version("1.0")
        .description(format!("what {name} does"))
        .depends_on(depends_on.iter().copied())
        .start(format!("{name}_sup"), move |_| {
            say(&started, format!("+{name}"));
            let worker = |n: &str| {
                let name = format!("{name}_{n}");
                let spec = Worker::spec(name.clone(), Arc::clone(&workers));
                Child::new(&*name, spec).name(name.clone())
            };
            Supervisor::one_for_one()
                .intensity(0, Duration::from_secs(5))
                .child(worker("a"))
                .child(worker("b"))
        })
        .prep_stop(move |_| {
            say(&preparing, format!("?{name}"));
            std::future::ready(())
        })
        .stop(move |_| {
            say(&stopped, format!("-{name}"));
            std::future::ready(())
        })
}

fn library(name: &str) -> Application {
    Application::new(name)
}

async fn node() -> Node {
    let node = Node::builder("application@127.0.0.1").no_network().start();
    node.await.unwrap()
}

fn atom(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

fn running(node: &Node) -> String {
    let names = node.applications().which();
    let names: Vec<_> = names.iter().map(|info| info.name.as_str()).collect();
    names.join(" ")
}

async fn stopped(node: &Node) -> kista::Stopped {
    timeout(SOON, node.stopped())
        .await
        .expect("the node goes on")
}

/// Ends with the reason that it is told.
struct Told;

impl Callbacks for Told {
    type State = &'static str;

    async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, &'static str), ExitReason> {
        match cx.env("fails").map(ExitReason::from) {
            Some(reason) => Err(reason),
            None => {
                let top = async |mut cx: kista::ProcessCx| match cx.receive().await {
                    Info::Term(reason) => ExitReason::from(reason),
                    _ => ExitReason::Shutdown,
                };
                Ok((cx.spawn_fn_link(top)?, "state"))
            }
        }
    }
    async fn prep_stop(&self, state: &mut &'static str, _cx: &ApplicationCx) {
        *state = "prepared";
        panic!("prep_stop is not to keep anything from being stopped")
    }
    async fn stop(&self, state: &'static str, cx: &ApplicationCx) {
        cx.node().put_env("told", state);
    }
}

/// Leaves processes behind where it fails, and can be ended there.
struct Untidy;

impl Callbacks for Untidy {
    type State = ();

    async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, ()), ExitReason> {
        let stray = cx.spawn_fn(async |_| std::future::pending::<()>().await)?;
        cx.node().put_env("stray", Term::from(stray));
        match cx.env("does").and_then(|does| does.as_atom()) {
            Some(does) if does.as_str() == "hang" => std::future::pending().await,
            Some(_) => panic!("as it is told"),
            None => Err(ExitReason::from("untidy")),
        }
    }
}

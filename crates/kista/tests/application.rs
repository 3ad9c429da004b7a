//! Dangers in applications: order, start types, callbacks, what is left behind.

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

#[tokio::test]
async fn the_last_started_ends_first_and_children_in_reverse_order() {
    let seen = Seen::default();
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .application(app("store", &["log"], &seen))
        .application(app("log", &[], &seen))
        .boot(app("web", &["store", "log"], &seen), StartType::Permanent)
        .start()
        .await
        .unwrap();
    assert_eq!(take(&seen), "+log +store +web");
    assert_eq!(running(&node), "web store log");
    let stopped = timeout(SOON, node.stop()).await.unwrap();
    assert_eq!(
        take(&seen),
        "?web web_b:shutdown web_a:shutdown -web \
         ?store store_b:shutdown store_a:shutdown -store \
         ?log log_b:shutdown log_a:shutdown -log"
    );
    assert!(stopped.is_orderly(), "{stopped}");
    assert_eq!(stopped.cause, StopCause::Asked);
}

#[tokio::test]
async fn what_another_one_needs_must_have_been_started() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("web", &["store"], &seen));
    applications.add(app("store", &[], &seen));
    // Whatever the start type: nothing was started, and nothing happens to the node.
    assert_eq!(
        applications.start_as("web", StartType::Permanent).await,
        Err(ApplicationError::NotStarted(atom("store")))
    );
    assert_eq!(
        applications
            .ensure_all_started("web", StartType::Temporary)
            .await,
        Ok(vec![atom("store"), atom("web")])
    );
    assert_eq!(
        applications
            .ensure_all_started("web", StartType::Temporary)
            .await,
        Ok(vec![])
    );
    assert_eq!(
        applications.start("web").await,
        Err(ApplicationError::AlreadyStarted(atom("web")))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_circle_is_refused_before_anything_is_started() {
    let seen = Seen::default();
    let booted = Node::builder("application@127.0.0.1")
        .no_network()
        .application(app("store", &["web"], &seen))
        .boot(app("web", &["log", "store"], &seen), StartType::Permanent)
        .application(app("log", &[], &seen))
        .start()
        .await;
    let error = booted.expect_err("it can not start");
    assert_eq!(
        error.to_string(),
        "applications depend on each other in a circle: web -> store -> web"
    );
    assert!(matches!(
        error,
        NodeError::Application(ApplicationError::Cycle(_))
    ));
    assert_eq!(take(&seen), "");
}

#[tokio::test]
async fn what_was_started_for_one_that_does_not_start_is_stopped_again() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("log", &[], &seen));
    applications.add(app("store", &["log"], &seen));
    applications.add(app("web", &["store", "nobody"], &seen));
    applications.start("log").await.unwrap();
    assert_eq!(
        applications
            .ensure_all_started("web", StartType::Temporary)
            .await,
        Err(ApplicationError::Unknown(atom("nobody")))
    );
    assert_eq!(running(&node), "log");
    assert!(node.whereis("store_sup").is_none());
    // The last started first.
    applications.add(app("shop", &["web"], &seen));
    applications.add(app("web", &["store"], &seen));
    applications.add(
        Application::new("told")
            .env("fails", atom("oops"))
            .depends_on(["shop"])
            .callbacks(Told),
    );
    take(&seen);
    let failed = applications.ensure_all_started("told", StartType::Temporary);
    failed.await.unwrap_err();
    let stopped = take(&seen);
    let order: Vec<_> = stopped
        .split(' ')
        .filter(|what| what.starts_with('-'))
        .collect();
    assert_eq!(order, ["-shop", "-web", "-store"]);
    node.stop().await;
}

#[tokio::test]
async fn what_runs_already_needs_nothing_more_whatever_became_of_what_it_depends_on() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("store", &[], &seen));
    applications.add(app("web", &["store"], &seen));
    let ensure = async || {
        let started = applications.ensure_all_started("web", StartType::Temporary);
        started.await.unwrap().len()
    };
    assert_eq!(ensure().await, 2);
    node.server::<Worker>("store_a").crash();
    while running(&node) != "web" {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(ensure().await, 0);
    assert_eq!(running(&node), "web");
    node.stop().await;
}

#[tokio::test]
async fn the_end_of_an_application_concerns_the_node_as_its_start_type_says() {
    for (start_type, ends) in [
        (StartType::Temporary, false),
        // A supervisor that gives up ends with `shutdown`, which is not `normal`.
        (StartType::Transient, true),
        (StartType::Permanent, true),
    ] {
        let (node, seen) = (node().await, Seen::default());
        let applications = node.applications();
        applications.load(app("other", &[], &seen)).await.unwrap();
        applications.load(app("one", &[], &seen)).await.unwrap();
        applications.start("other").await.unwrap();
        applications.start_as("one", start_type).await.unwrap();
        take(&seen);
        node.server::<Worker>("one_a").crash();
        let ended = "one_a:{panic,<<\"told to\">>} one_b:shutdown ?one -one";
        match ends {
            false => {
                while seen.lock().unwrap().len() < 4 || running(&node) != "other" {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                assert_eq!(take(&seen), ended);
                // It counts as started, and can be started again.
                applications.start_as("one", start_type).await.unwrap();
                assert_eq!(running(&node), "one other");
                assert!(node.stop().await.is_orderly());
            }
            true => {
                let stopped = stopped(&node).await;
                let application = atom("one");
                let reason = ExitReason::Shutdown;
                let cause = StopCause::ApplicationTerminated {
                    application,
                    start_type,
                    reason,
                };
                assert_eq!(stopped.cause, cause);
                assert_eq!(stopped.exit_code(), 1);
                let others = "?other other_b:shutdown other_a:shutdown -other";
                assert_eq!(take(&seen), format!("{ended} {others}"));
            }
        }
    }
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

#[tokio::test]
async fn a_transient_application_that_ends_normally_concerns_nobody() {
    let node = node().await;
    let applications = node.applications();
    applications
        .load(Application::new("told").callbacks(Told))
        .await
        .unwrap();
    applications
        .start_as("told", StartType::Transient)
        .await
        .unwrap();
    let master = applications.master("told").unwrap();
    let top = node.process_info(master).await.unwrap().links;
    let top = top
        .into_iter()
        .find(|pid| applications.of(*pid) == Some(atom("told")));
    node.send(top.unwrap(), &atom("normal"));
    while !running(&node).is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(node.env("told"), Some(Term::from("prepared")));
    assert_eq!(applications.master("told"), None);
    assert!(node.stop().await.is_orderly());
}

#[tokio::test]
async fn a_start_that_fails_concerns_the_node_as_its_start_type_says() {
    for (start_type, reason, ends) in [
        (StartType::Temporary, "oops", false),
        (StartType::Temporary, "normal", false),
        (StartType::Transient, "normal", false),
        (StartType::Transient, "oops", true),
        (StartType::Permanent, "normal", true),
    ] {
        let node = node().await;
        let applications = node.applications();
        let told = Application::new("told")
            .env("fails", atom(reason))
            .callbacks(Told);
        applications.load(told).await.unwrap();
        let reason = ExitReason::from(atom(reason));
        assert_eq!(
            applications.start_as("told", start_type).await,
            Err(ApplicationError::Start {
                application: atom("told"),
                reason: reason.clone()
            }),
        );
        if ends {
            let cause = StopCause::ApplicationStartFailure {
                application: atom("told"),
                start_type,
                reason,
            };
            assert_eq!(stopped(&node).await.cause, cause);
        } else {
            assert_eq!(running(&node), "");
            assert!(node.stop().await.is_orderly());
        }
    }
}

#[tokio::test]
async fn an_application_that_is_needed_and_has_ended_is_no_application_to_start_upon() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("store", &[], &seen));
    applications.add(app("web", &["store"], &seen));
    applications.start("store").await.unwrap();
    node.server::<Worker>("store_a").crash();
    while !running(&node).is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(
        applications.start("web").await,
        Err(ApplicationError::NotRunning(atom("store")))
    );
    // Not running, but started: it can be stopped.
    applications.stop("store").await.unwrap();
    assert_eq!(
        applications.stop("store").await,
        Err(ApplicationError::NotStarted(atom("store")))
    );
    node.stop().await;
}

#[tokio::test]
async fn nothing_of_a_stopped_application_is_left_however_it_came_to_be() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    applications.start("one").await.unwrap();
    let worker = node.server::<Worker>("one_a");
    let stray = worker.stray().await.unwrap();
    assert_eq!(applications.of(stray), Some(atom("one")));
    assert_eq!(worker.application().await, Ok(Some(atom("one"))));
    applications.stop("one").await.unwrap();
    assert!(!node.is_alive(stray));
    assert_eq!(worker.application().await, Err(CallError::NoProc));
    assert_eq!(applications.master("one"), None);
    node.stop().await;
}

/// Waits in its start for what a process of the application prints to the group leader.
struct Printing;

impl Callbacks for Printing {
    type State = ();

    async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, ()), ExitReason> {
        let leader = cx.group_leader().expect("the master");
        let (done, printed) = tokio::sync::oneshot::channel();
        let top = cx.spawn_fn(async move |mut cx| {
            let print = term!({io_request, (cx.pid()), here, {put_chars, unicode, "starting"}});
            cx.send(leader, &print);
            let _ = done.send((cx.receive().await, cx.io().put_chars("started").await));
            cx.receive().await;
        })?;
        let (reply, by_io) = printed.await.expect("it goes on");
        assert_eq!(reply, Info::Term(term!({io_reply, here, ok})));
        assert_eq!(by_io, Ok(()));
        Ok((top, ()))
    }
}

#[tokio::test]
async fn what_is_printed_while_an_application_starts_keeps_nobody_waiting() {
    let node = node().await;
    let applications = node.applications();
    let printing = Application::new("printing").callbacks(Printing);
    applications.load(printing).await.unwrap();
    let started = timeout(SOON, applications.start("printing"));
    started.await.expect("it does not wait for ever").unwrap();
    // And later.
    let master = applications.master("printing").expect("it runs");
    let (done, printed) = tokio::sync::oneshot::channel();
    node.spawn_fn(async move |mut cx| {
        let get = term!({io_request, (cx.pid()), now, {get_line, unicode, ">"}});
        cx.send(master, &get);
        let _ = done.send(cx.receive().await);
    })
    .unwrap();
    let reply = timeout(SOON, printed).await.expect("an answer").unwrap();
    assert_eq!(reply, Info::Term(term!({io_reply, now, eof})));
    applications.stop("printing").await.unwrap();
    node.stop().await;
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

#[tokio::test]
async fn nothing_is_left_of_a_start_that_failed_or_panicked() {
    let node = node().await;
    let applications = node.applications();
    for panics in [false, true] {
        let mut untidy = Application::new("untidy").callbacks(Untidy);
        if panics {
            untidy = untidy.env("does", atom("panic"));
        }
        applications.load(untidy).await.unwrap();
        let failed = applications.start("untidy").await;
        let Err(ApplicationError::Start { reason, .. }) = failed else {
            panic!("{failed:?}")
        };
        assert_eq!(matches!(reason, ExitReason::Panic(_)), panics, "{reason}");
        let stray = node.env("stray").unwrap().as_pid().unwrap();
        assert!(!node.is_alive(stray));
        applications.unload("untidy").await.unwrap();
    }
    node.stop().await;
}

#[tokio::test]
async fn the_exit_of_a_stranger_does_not_end_an_application() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    applications.start("one").await.unwrap();
    let master = applications.master("one").unwrap();
    let (told, is_told) = tokio::sync::oneshot::channel();
    let stranger = async move |cx: kista::ProcessCx| {
        cx.exit(master, ExitReason::Shutdown);
        told.send(()).unwrap();
    };
    node.spawn_fn(stranger).unwrap();
    is_told.await.unwrap();
    // Behind it, in the same queue.
    let info = node.process_info(master).await.unwrap();
    assert!(info.trap_exit);
    assert_eq!(running(&node), "one");
    take(&seen);
    applications.stop("one").await.unwrap();
    assert_eq!(take(&seen), "?one one_b:shutdown one_a:shutdown -one");
    node.stop().await;
}

#[tokio::test]
async fn a_master_that_is_ended_while_its_application_starts_is_a_start_that_failed() {
    let node = node().await;
    let applications = node.applications();
    let untidy = Application::new("untidy")
        .env("does", atom("hang"))
        .callbacks(Untidy);
    applications.load(untidy).await.unwrap();
    let start = {
        let applications = applications.clone();
        tokio::spawn(async move { applications.start("untidy").await })
    };
    while node.env("stray").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let master = applications.master("untidy").unwrap();
    node.exit(master, ExitReason::Kill);
    let failed = timeout(SOON, start).await.unwrap().unwrap();
    let reason = ExitReason::Killed;
    let application = atom("untidy");
    assert_eq!(
        failed,
        Err(ApplicationError::Start {
            application,
            reason
        })
    );
    assert_eq!(applications.master("untidy"), None);
    node.stop().await;
}

#[tokio::test]
async fn a_master_that_is_told_to_end_stops_its_application_and_ends_for_that_reason() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    let start_type = StartType::Transient;
    applications.start_as("one", start_type).await.unwrap();
    take(&seen);
    let reason = ExitReason::from("enough");
    node.exit(applications.master("one").unwrap(), reason.clone());
    let cause = StopCause::ApplicationTerminated {
        application: atom("one"),
        start_type,
        reason,
    };
    assert_eq!(stopped(&node).await.cause, cause);
    assert_eq!(take(&seen), "?one one_b:shutdown one_a:shutdown -one");
}

#[tokio::test]
async fn a_value_is_looked_up_in_the_process_then_its_application_then_the_node() {
    let seen = Seen::default();
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .env("key", "node")
        .env("other", "node")
        .start()
        .await
        .unwrap();
    let applications = node.applications();
    let one = app("one", &[], &seen).env("key", "application");
    applications.load(one).await.unwrap();
    applications.start("one").await.unwrap();
    let worker = node.server::<Worker>("one_a");
    let env = async |key: &str| worker.env(key.to_owned()).await.unwrap();
    assert_eq!(env("other").await.unwrap(), "<<\"node\">>");
    assert_eq!(env("key").await.unwrap(), "<<\"application\">>");
    applications.set_env("one", "key", 7).unwrap();
    assert_eq!(env("key").await.unwrap(), "7");
    worker.put("key".to_owned()).await.unwrap();
    assert_eq!(env("key").await.unwrap(), "<<\"process\">>");
    assert_eq!(env("nothing").await, None);
    // Only as long as it is loaded.
    applications.stop("one").await.unwrap();
    assert_eq!(applications.env("one", "key"), Some(Term::from(7)));
    applications.unload("one").await.unwrap();
    assert_eq!(applications.env("one", "key"), None);
    assert_eq!(
        applications.unload("one").await,
        Err(ApplicationError::NotLoaded(atom("one")))
    );
    node.stop().await;
}

#[tokio::test]
async fn what_is_loaded_or_runs_is_not_loaded_or_unloaded_again() {
    let node = node().await;
    let applications = node.applications();
    applications
        .load(library("lib").version("2.0").description("d"))
        .await
        .unwrap();
    assert_eq!(
        applications.load("lib").await,
        Err(ApplicationError::AlreadyLoaded(atom("lib")))
    );
    assert_eq!(
        applications.load("other").await,
        Err(ApplicationError::Unknown(atom("other")))
    );
    applications
        .start_as("lib", StartType::Permanent)
        .await
        .unwrap();
    assert_eq!(
        applications.unload("lib").await,
        Err(ApplicationError::Running(atom("lib")))
    );
    let which = applications.which();
    assert_eq!(which, applications.loaded());
    assert_eq!((&*which[0].version, &*which[0].description), ("2.0", "d"));
    assert_eq!(applications.start_type("lib"), Some(StartType::Permanent));
    applications.stop("lib").await.unwrap();
    applications.unload("lib").await.unwrap();
    assert!(applications.loaded().is_empty());
    // It stays known.
    applications.start("lib").await.unwrap();
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_application_ends_when_its_time_is_up() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    let short = app("short", &[], &seen).max_time(Duration::from_secs(3600));
    applications.load(short).await.unwrap();
    applications
        .start_as("short", StartType::Transient)
        .await
        .unwrap();
    take(&seen);
    while !running(&node).is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        take(&seen),
        "?short short_b:shutdown short_a:shutdown -short"
    );
    // Its reason is `normal`.
    assert!(node.stop().await.is_orderly());
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_killed_at_the_limit_and_named_and_the_code_tells() {
    let seen = Seen::default();
    let hanging = {
        let seen = Arc::clone(&seen);
        Application::new("hanging").start("hanging_sup", move |_| {
            let worker = Worker::spec("worker".to_owned(), Arc::clone(&seen));
            let worker = Child::new("worker", worker).name("worker");
            Supervisor::one_for_one().child(worker.shutdown(kista::supervisor::Shutdown::Infinity))
        })
    };
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .stop_timeout(Duration::from_secs(10))
        .boot(app("first", &[], &seen), StartType::Permanent)
        .boot(hanging, StartType::Permanent)
        .start()
        .await
        .unwrap();
    take(&seen);
    node.server::<Worker>("worker").hang();
    let began = tokio::time::Instant::now();
    let stopped = node.stop().await;
    assert!(began.elapsed() >= Duration::from_secs(10));
    assert_eq!(stopped.exit_code(), 1);
    let worker = stopped.unfinished.iter();
    let worker = worker.filter(|process| process.name == Some(atom("worker")));
    let [worker] = &*worker.collect::<Vec<_>>() else {
        panic!("the worker is not named once: {stopped}")
    };
    assert_eq!(worker.application, Some(atom("hanging")));
    assert!(!worker.blocked);
    assert!(
        stopped
            .to_string()
            .contains("of hanging) did not end in time and was killed")
    );
    assert!(node.processes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_its_supervisor_has_to_kill_is_named_and_the_code_tells() {
    let seen = Seen::default();
    let slow = {
        let seen = Arc::clone(&seen);
        Application::new("slow").start("slow_sup", move |_| {
            let worker = |name: &str| {
                let spec = Worker::spec(name.to_owned(), Arc::clone(&seen));
                Child::new(name, spec).name(name)
            };
            Supervisor::one_for_one()
                .child(worker("hangs").shutdown(Duration::from_secs(2)))
                .child(worker("is_killed").shutdown(kista::supervisor::Shutdown::BrutalKill))
        })
    };
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .boot(slow, StartType::Permanent)
        .start()
        .await
        .unwrap();
    node.server::<Worker>("hangs").hang();
    let stopped = node.stop().await;
    let [hangs] = &*stopped.unfinished else {
        panic!("one has to be named, not who is to be killed at once: {stopped}")
    };
    assert_eq!(
        (hangs.name, hangs.application),
        (Some(atom("hangs")), Some(atom("slow")))
    );
    assert_eq!(stopped.exit_code(), 1);
}

#[tokio::test]
async fn a_stop_during_a_start_gives_the_start_up() {
    let node = node().await;
    let applications = node.applications();
    struct Slow;
    impl Callbacks for Slow {
        type State = ();
        async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, ()), ExitReason> {
            cx.node().put_env("starting", true);
            std::future::pending().await
        }
    }
    let slow = Application::new("slow").callbacks(Slow);
    applications.load(slow).await.unwrap();
    let start = {
        let applications = applications.clone();
        tokio::spawn(async move { applications.start_as("slow", StartType::Permanent).await })
    };
    while node.env("starting").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stopped = timeout(SOON, node.stop()).await.unwrap();
    assert!(stopped.is_orderly(), "{stopped}");
    assert_eq!(
        timeout(SOON, start).await.unwrap().unwrap(),
        Err(ApplicationError::NodeStopping)
    );
    assert_eq!(
        applications.start("slow").await,
        Err(ApplicationError::NodeStopping)
    );
}

#[tokio::test]
async fn everybody_who_asks_for_the_same_start_gets_its_answer() {
    let node = node().await;
    let seen = Seen::default();
    node.applications().add(app("one", &[], &seen));
    let starts = (0..8).map(|_| {
        let applications = node.applications();
        tokio::spawn(async move { applications.start("one").await })
    });
    let mut answers = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        answers.push(timeout(SOON, start).await.unwrap().unwrap());
    }
    let already = Err(ApplicationError::AlreadyStarted(atom("one")));
    assert!(
        answers
            .iter()
            .all(|answer| *answer == Ok(()) || *answer == already)
    );
    assert!(answers.contains(&Ok(())));
    assert_eq!(take(&seen), "+one");
    node.stop().await;
}

#[tokio::test]
async fn a_node_does_not_outlive_its_application_controller_nor_do_the_applications() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    applications.start("one").await.unwrap();
    let controller = node.whereis("application_controller").unwrap();
    node.exit(controller, ExitReason::Kill);
    let stopped = stopped(&node).await;
    assert_eq!(stopped.cause, StopCause::ApplicationController);
    assert_eq!(stopped.exit_code(), 1);
    assert!(node.processes().is_empty());
    assert!(take(&seen).contains("one_b:shutdown one_a:shutdown -one"));
}

#[tokio::test]
async fn two_applications_of_one_name_are_refused() {
    let builder = Node::builder("twice@127.0.0.1").no_network();
    let builder = builder.application(Application::new("demo").env("n", 1));
    let started = builder.boot(Application::new("demo"), StartType::Temporary);
    let error = started.start().await.map(drop).unwrap_err();
    let twice = ApplicationError::Twice(Atom::from_static("demo"));
    assert!(matches!(error, NodeError::Application(said) if said == twice));
}

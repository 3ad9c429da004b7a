//! The demo's supervisor before Erlang, theirs before us; and random trees with random deaths, played by OTP and by us: one step
//! at a time, each to a tree at rest. Both print what was answered, who started and ended in which order, and who is left.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::supervisor::{
    AutoShutdown, Child, ChildInfo, ChildProcess, Restart, Supervisor, SupervisorError,
    SupervisorRef,
};
use kista::{Atom, Cx, EpmdMode, ExitReason, Flow, InitStop, Node, Pid, Term, gen_server};
use kista_interop::{Bed, Otp, Subject, ask};

const NAME: &str = "demo@127.0.0.1";
const ERL: &str = "erl@127.0.0.1";

#[track_caller]
fn scenario(subject: Subject, function: &str) {
    let bed = Bed::new();
    let _demo = subject.start(&bed, NAME, &[]);
    bed.erlang(ERL, "supervised", function, &[NAME])
        .expect_ok(Duration::from_secs(120));
}

#[test]
fn otps_supervisor_module_works_on_ours() {
    for subject in [Subject::Reference, Subject::Demo] {
        scenario(subject, "demo");
    }
}

#[test]
fn a_child_that_crashes_or_is_killed_from_outside_is_there_again() {
    for subject in [Subject::Reference, Subject::Demo] {
        scenario(subject, "heals");
    }
}

#[test]
fn one_restart_too_many_ends_the_tree_with_shutdown() {
    for subject in [Subject::Reference, Subject::Demo] {
        scenario(subject, "intensity");
    }
}

#[test]
fn what_would_run_foreign_code_is_refused_at_once() {
    scenario(Subject::Demo, "refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_in_erlang_is_asked_as_one_of_ours() {
    let bed = Bed::new();
    let _erl = Subject::Reference.start(&bed, ERL, &[]);
    let node = Node::builder("ours@127.0.0.1")
        .cookie(bed.cookie())
        .epmd(EpmdMode::Running)
        .epmd_port(bed.epmd_port())
        .start()
        .await
        .expect("our node starts");
    let theirs = node.server::<Supervisor>(("demo_sup", ERL));
    let counts = theirs.count_children().await.unwrap();
    assert_eq!((counts.specs, counts.active, counts.workers), (2, 2, 2));
    assert_eq!(
        theirs.restart_child("echo").await,
        Err(SupervisorError::Running)
    );
    theirs.terminate_child("echo").await.unwrap();
    let children = theirs.which_children().await.unwrap();
    assert_eq!(children[1].id, "echo".into());
    assert_eq!(children[1].process, ChildProcess::Down);
    let echo = theirs.restart_child("echo").await.unwrap().unwrap();
    assert_eq!(node.call::<i64>(echo, &7).await, Ok(7));
    let spec = theirs.childspec("counter").await.unwrap();
    assert_eq!(
        spec.as_map().unwrap().field("shutdown"),
        Some(&Term::from(5_000))
    );
    assert_eq!(
        theirs.delete_child("nobody").await,
        Err(SupervisorError::NotFound)
    );
    node.stop().await;
}

/// What happened, in Erlang's words.
type Seen = Arc<Mutex<Vec<String>>>;
/// How many starts of each child are to fail.
type Fails = Arc<Mutex<HashMap<String, u32>>>;

struct Player {
    id: String,
    seen: Seen,
}

#[gen_server(local)]
impl Player {
    #[init]
    fn new(id: String, seen: Seen, fails: Fails, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        if let Some(times) = fails.lock().unwrap().get_mut(&id)
            && *times > 0
        {
            *times -= 1;
            seen.lock().unwrap().push(format!("{{failed,{id}}}"));
            let oops = Term::from(Atom::from_static("oops"));
            return Err(InitStop::Stop(ExitReason::from(Term::tuple([oops]))));
        }
        cx.trap_exit(true);
        seen.lock().unwrap().push(format!("{{started,{id}}}"));
        Ok(Self { id, seen })
    }
    #[cast]
    fn die(&mut self, reason: ExitReason) -> Flow {
        Flow::Stop(reason)
    }
    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        let line = format!("{{ended,{},{reason}}}", self.id);
        self.seen.lock().unwrap().push(line);
    }
}

/// A small generator, so that a seed says everything.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize]
    }
}

#[derive(Clone)]
struct Kid {
    id: String,
    restart: Restart,
    significant: bool,
}

enum Step {
    Die(String, &'static str),
    Terminate(String),
    Restart(String),
    Delete(String),
    Start(Kid),
    Fail(String, u64),
}

struct Tree {
    name: String,
    strategy: &'static str,
    intensity: u32,
    auto: AutoShutdown,
    kids: Vec<Kid>,
    steps: Vec<Step>,
}

impl Tree {
    fn random(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let auto = dice.pick(&[
            AutoShutdown::Never,
            AutoShutdown::AnySignificant,
            AutoShutdown::AllSignificant,
        ]);
        let kid = |dice: &mut Dice, id: String| {
            let restart = dice.pick(&[Restart::Permanent, Restart::Transient, Restart::Temporary]);
            let may = restart != Restart::Permanent && auto != AutoShutdown::Never;
            Kid {
                id,
                restart,
                significant: may && dice.roll(3) == 0,
            }
        };
        let kids: Vec<Kid> = (0..dice.roll(5) + 1)
            .map(|n| kid(&mut dice, format!("c{n}")))
            .collect();
        let steps = (0..14)
            .map(|n| {
                let id = format!("c{}", dice.roll(6));
                match dice.roll(12) {
                    0..=5 => Step::Die(id, dice.pick(&["normal", "shutdown", "crash", "killed"])),
                    6 => Step::Terminate(id),
                    7 => Step::Restart(id),
                    8 => Step::Delete(id),
                    9 => Step::Start(kid(&mut dice, id)),
                    10 => Step::Start(kid(&mut dice, format!("n{n}"))),
                    _ => Step::Fail(id, dice.roll(3) + 1),
                }
            })
            .collect();
        Self {
            name: format!("t{seed}"),
            strategy: dice.pick(&["one_for_one", "one_for_all", "rest_for_one"]),
            intensity: dice.roll(7) as u32,
            auto,
            kids,
            steps,
        }
    }

    fn to_erlang(&self) -> String {
        let kid = |kid: &Kid| {
            format!(
                "{{{},{},{}}}",
                kid.id,
                restart(kid.restart),
                kid.significant
            )
        };
        let kids: Vec<_> = self.kids.iter().map(kid).collect();
        let steps: Vec<_> = self
            .steps
            .iter()
            .map(|step| match step {
                Step::Die(id, reason) => format!("{{die,{id},{reason}}}"),
                Step::Terminate(id) => format!("{{terminate,{id}}}"),
                Step::Restart(id) => format!("{{restart,{id}}}"),
                Step::Delete(id) => format!("{{delete,{id}}}"),
                Step::Start(child) => format!("{{start,{}}}", kid(child)),
                Step::Fail(id, times) => format!("{{fail,{id},{times}}}"),
            })
            .collect();
        let auto = match self.auto {
            AutoShutdown::Never => "never",
            AutoShutdown::AnySignificant => "any_significant",
            AutoShutdown::AllSignificant => "all_significant",
        };
        format!(
            "{{{},{{{},{},{auto}}},[{}],[{}]}}.\n",
            self.name,
            self.strategy,
            self.intensity,
            kids.join(","),
            steps.join(",")
        )
    }
}

const fn restart(restart: Restart) -> &'static str {
    match restart {
        Restart::Permanent => "permanent",
        Restart::Transient => "transient",
        Restart::Temporary => "temporary",
    }
}

/// Plays a tree, and says what Erlang prints.
async fn play(node: &Node, tree: &Tree, lines: &mut Vec<String>) {
    let (seen, fails) = (Seen::default(), Fails::default());
    let child = |kid: &Kid| {
        let spec = Player::spec(kid.id.clone(), Arc::clone(&seen), Arc::clone(&fails));
        let child = Child::new(&*kid.id, spec).restart(kid.restart);
        match kid.significant {
            true => child.significant(),
            false => child,
        }
    };
    let spec = match tree.strategy {
        "one_for_one" => Supervisor::one_for_one(),
        "one_for_all" => Supervisor::one_for_all(),
        _ => Supervisor::rest_for_one(),
    };
    let spec = spec
        .intensity(tree.intensity, Duration::from_secs(3600))
        .auto_shutdown(tree.auto)
        .children(tree.kids.iter().map(child));
    let supervisor = node.spawn(spec.spec()).await.expect("the tree starts");
    let mut step = 0;
    let mut answer = "ok";
    loop {
        let now = rest(&supervisor).await;
        let events = std::mem::take(&mut *seen.lock().unwrap()).join(",");
        let mut line = format!("{} {step} {answer} [{events}] ", tree.name);
        let Some(children) = now else {
            line.push_str("ended");
            lines.push(line);
            return;
        };
        let shown: Vec<_> = children
            .iter()
            .map(|child| match child.process.pid() {
                Some(_) => format!("{{{},up}}", child.id),
                None => format!("{{{},down}}", child.id),
            })
            .collect();
        let _ = write!(line, "[{}]", shown.join(","));
        lines.push(line);
        let Some(next) = tree.steps.get(step) else {
            break;
        };
        step += 1;
        answer = match next {
            Step::Fail(id, times) => {
                fails.lock().unwrap().insert(id.clone(), *times as u32);
                "ok"
            }
            Step::Die(id, reason) => die(node, &supervisor, &children, id, reason).await,
            Step::Start(kid) => said(supervisor.start_child(child(kid)).await),
            Step::Terminate(id) => said(supervisor.terminate_child(&**id).await),
            Step::Restart(id) => said(supervisor.restart_child(&**id).await),
            Step::Delete(id) => said(supervisor.delete_child(&**id).await),
        };
    }
    let _ = supervisor.stop_with(ExitReason::Shutdown, None).await;
}

/// The children when nobody is restarting any more; `None` when the supervisor has ended.
async fn rest(supervisor: &SupervisorRef) -> Option<Vec<ChildInfo>> {
    loop {
        match supervisor.which_children().await {
            Ok(children) => {
                let restarting = |child: &ChildInfo| child.process == ChildProcess::Restarting;
                if !children.iter().any(restarting) {
                    return Some(children);
                }
            }
            // It says so before all of its end is heard of.
            Err(_) if supervisor.is_alive() => tokio::task::yield_now().await,
            Err(_) => return None,
        }
    }
}

async fn die(
    node: &Node,
    supervisor: &SupervisorRef,
    children: &[ChildInfo],
    id: &str,
    reason: &str,
) -> &'static str {
    let of = |children: &[ChildInfo]| -> Option<Pid> {
        let child = children.iter().find(|child| child.id == id.into())?;
        child.process.pid()
    };
    let Some(pid) = of(children) else {
        return "nobody";
    };
    let reason = Atom::new(reason).expect("it is short");
    node.server::<Player>(pid).die(ExitReason::from(reason));
    while let Ok(now) = supervisor.which_children().await {
        if of(&now) != Some(pid) {
            break;
        }
        tokio::task::yield_now().await;
    }
    "ok"
}

fn said<T>(answer: Result<T, SupervisorError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(SupervisorError::NotFound) => "not_found",
        Err(SupervisorError::Running) => "running",
        Err(SupervisorError::Restarting) => "restarting",
        Err(SupervisorError::AlreadyPresent) => "already_present",
        Err(SupervisorError::AlreadyStarted(_)) => "already_started",
        Err(SupervisorError::Start(_)) => "failed",
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_trees_fare_as_with_otp() {
    let trees: Vec<Tree> = (1..=1_000).map(Tree::random).collect();
    let text: String = trees.iter().map(Tree::to_erlang).collect();
    let otp = Otp::current();
    let file = otp.temporary(&format!("kista-trees-{}", std::process::id()));
    std::fs::write(otp.outside(&file), text).expect("a file can be written");
    let theirs = ask(otp, "supervised", "play", &[file.to_str().expect("UTF-8")]);
    let _ = std::fs::remove_file(otp.outside(&file));

    let node = Node::builder("trees@127.0.0.1")
        .no_network()
        .start()
        .await
        .expect("a node without a network starts");
    let mut ours = Vec::new();
    for tree in &trees {
        play(&node, tree, &mut ours).await;
    }
    for (n, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let name = theirs.split(' ').next().unwrap_or_default();
        let tree = trees.iter().find(|tree| tree.name == name);
        let tree = tree.map(Tree::to_erlang);
        assert_eq!(ours, theirs, "line {n}, ours and theirs, of {tree:?}");
    }
    assert_eq!(ours.len(), theirs.len());
    let ended = ours.iter().filter(|line| line.ends_with(" ended")).count();
    assert!(ended > 100, "enough of them come to their end: {ended}");
}

//! A tree played by our supervisors: prints what `trees.erl` prints.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::events::{Subscription, Update};
use kista::reports::{REPORTS, Report, ReportedChild};
use kista::supervisor::{
    Child, ChildProcess, Supervisor, SupervisorError, SupervisorRef, SupervisorSpec,
};
use kista::{Atom, Cx, Dest, ExitReason, Flow, InitStop, Node, Pid, Term, gen_server};

use super::tree::{Kid, Manner, Step, Strategy, Sup, Tree, Worker};

/// What the players of one tree share.
#[derive(Default)]
struct World {
    seen: Vec<String>,
    /// What the next starts of a worker come to, and how many.
    starts: HashMap<String, (&'static str, u64)>,
    pids: BTreeMap<String, Pid>,
}

type Shared = Arc<Mutex<World>>;

/// Like the worker in `trees.erl`.
struct Player {
    id: String,
    manner: Manner,
    world: Shared,
}

#[gen_server(local)]
impl Player {
    #[init]
    fn new(id: String, manner: Manner, world: Shared, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        let mut shared = world.lock().unwrap();
        if let Some((what, times)) = shared.starts.get_mut(&id)
            && *times > 0
        {
            *times -= 1;
            let what = *what;
            shared.seen.push(format!("{{{what},{id}}}"));
            return Err(match what {
                "ignore" => InitStop::Ignore,
                _ => InitStop::Stop(ExitReason::from(Term::tuple([word("oops")]))),
            });
        }
        cx.trap_exit(manner != Manner::Deaf);
        shared.pids.insert(id.clone(), cx.pid());
        shared.seen.push(format!("{{started,{id}}}"));
        drop(shared);
        Ok(Self { id, manner, world })
    }
    #[cast]
    fn die(&mut self, reason: ExitReason) -> Flow {
        self.manner = Manner::Traps;
        Flow::Stop(reason)
    }
    #[terminate]
    async fn terminate(&mut self, reason: &ExitReason) {
        if self.manner == Manner::Stubborn {
            std::future::pending::<()>().await;
        }
        let line = format!("{{ended,{},{reason}}}", self.id);
        self.world.lock().unwrap().seen.push(line);
        assert!(self.manner != Manner::Breaks, "{BROKEN}");
    }
}

const BROKEN: &str = "broken";

/// Their panics are by design, and would be all that is printed.
pub(super) fn leave_out_breaking_children() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(BROKEN) {
            others(info);
        }
    }));
}

fn word(text: &str) -> Term {
    Term::from(Atom::new(text).expect("it is short"))
}

/// Plays a tree, and says what Erlang prints.
pub(super) async fn play(node: &Node, tree: &Tree, lines: &mut Vec<String>) {
    let mut game = Game {
        node,
        world: Shared::default(),
        reports: node.subscribe(REPORTS).expect("a node reports"),
    };
    let top = node.spawn(supervisor(&tree.top, &game.world).spec());
    let top = top.await.expect("the tree starts");
    game.know(&tree.top.id, &top);
    let mut view = game.settle(&top).await;
    lines.push(game.line(&tree.name, "0", "ok", &view));
    for (n, step) in tree.steps.iter().enumerate() {
        let answer = game.step(step).await;
        view = game.settle(&top).await;
        lines.push(game.line(&tree.name, &(n + 1).to_string(), answer, &view));
        if view == "ended" {
            break;
        }
    }
    let _ = top.stop_with(ExitReason::Shutdown, None).await;
    lines.push(game.line(&tree.name, "stop", "ok", "ended"));
}

fn supervisor(sup: &Sup, world: &Shared) -> SupervisorSpec {
    let spec = match (sup.strategy, &*sup.kids) {
        (Strategy::OneForOne, _) => Supervisor::one_for_one(),
        (Strategy::OneForAll, _) => Supervisor::one_for_all(),
        (Strategy::RestForOne, _) => Supervisor::rest_for_one(),
        (Strategy::Simple, [Kid::Worker(template)]) => {
            let (manner, shared) = (template.manner, Arc::clone(world));
            let make = move |id| Player::spec(id, manner, Arc::clone(&shared));
            let child = Child::dynamic(&*template.id, make);
            return flags(Supervisor::simple_one_for_one(policy(child, template)), sup);
        }
        (Strategy::Simple, _) => unreachable!("it has one template"),
    };
    flags(spec, sup).children(sup.kids.iter().map(|kid| match kid {
        Kid::Worker(worker) => child(worker, world),
        Kid::Sup(sup) => {
            let child = Child::new(&*sup.id, supervisor(sup, world).spec()).restart(sup.restart);
            match sup.significant {
                true => child.significant(),
                false => child,
            }
        }
    }))
}

fn flags(spec: SupervisorSpec, sup: &Sup) -> SupervisorSpec {
    spec.intensity(sup.intensity, Duration::from_secs(3600))
        .auto_shutdown(sup.auto)
}

fn child(worker: &Worker, world: &Shared) -> Child {
    let spec = Player::spec(worker.id.clone(), worker.manner, Arc::clone(world));
    policy(Child::new(&*worker.id, spec), worker)
}

fn policy(child: Child, worker: &Worker) -> Child {
    let child = child.restart(worker.restart).shutdown(worker.shutdown);
    match worker.significant {
        true => child.significant(),
        false => child,
    }
}

struct Game<'a> {
    node: &'a Node,
    world: Shared,
    reports: Subscription<Report>,
}

impl Game<'_> {
    fn know(&self, id: &str, supervisor: &SupervisorRef) {
        let Dest::Pid(pid) = supervisor.dest() else {
            unreachable!("it was started here")
        };
        self.world.lock().unwrap().pids.insert(id.to_owned(), pid);
    }

    fn pid(&self, id: &str) -> Option<Pid> {
        self.world.lock().unwrap().pids.get(id).copied()
    }

    fn alive(&self, id: &str) -> Option<Pid> {
        self.pid(id).filter(|pid| self.node.is_alive(*pid))
    }

    async fn step(&self, step: &Step) -> &'static str {
        let set = |id: &String, what, times: &u64| {
            let mut world = self.world.lock().unwrap();
            world.starts.insert(id.clone(), (what, *times));
            "ok"
        };
        let sup = match step {
            Step::Fail(id, times) => return set(id, "fail", times),
            Step::Ignore(id, times) => return set(id, "ignore", times),
            Step::Die(id, reason) => return self.die(id, reason).await,
            Step::Terminate(sup, _)
            | Step::Restart(sup, _)
            | Step::Delete(sup, _)
            | Step::Start(sup, _)
            | Step::StartDynamic(sup, _)
            | Step::TerminateDynamic(sup, _) => sup,
        };
        // As the last view found it.
        let Some(pid) = self.alive(sup) else {
            return "nobody";
        };
        let sup = self.node.server::<Supervisor>(pid);
        match step {
            Step::Terminate(_, id) => done(sup.terminate_child(&**id).await),
            Step::Restart(_, id) => started(sup.restart_child(&**id).await),
            Step::Delete(_, id) => done(sup.delete_child(&**id).await),
            Step::Start(_, worker) => started(sup.start_child(child(worker, &self.world)).await),
            Step::StartDynamic(_, id) => started(sup.start_with(id.clone()).await),
            Step::TerminateDynamic(_, id) => match self.pid(id) {
                Some(child) => done(sup.terminate_pid(child).await),
                None => "nobody",
            },
            Step::Die(..) | Step::Fail(..) | Step::Ignore(..) => unreachable!("asked above"),
        }
    }

    async fn die(&self, id: &str, reason: &str) -> &'static str {
        let Some(pid) = self.alive(id) else {
            return "nobody";
        };
        let reason = Atom::new(reason).expect("it is short");
        self.node
            .server::<Player>(pid)
            .die(ExitReason::from(reason));
        while self.node.is_alive(pid) {
            tokio::task::yield_now().await;
        }
        "ok"
    }

    /// What is there when nothing moves any more: twice the same.
    async fn settle(&self, top: &SupervisorRef) -> String {
        let mut before = None;
        loop {
            if !top.is_alive() {
                return "ended".to_owned();
            }
            let now = self.view("top", top).await;
            if now.is_some() && now == before {
                return now.unwrap_or_default();
            }
            before = now;
        }
    }

    /// `None`: something moves.
    fn view<'a>(
        &'a self,
        id: &'a str,
        sup: &'a SupervisorRef,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>> {
        Box::pin(async move {
            self.know(id, sup);
            let Ok(children) = sup.which_children().await else {
                tokio::task::yield_now().await;
                return None;
            };
            let mut view = Vec::new();
            for child in &children {
                let id = child.id.to_string();
                let pid = match child.process {
                    ChildProcess::Running(pid) if self.node.is_alive(pid) => pid,
                    ChildProcess::Down => {
                        view.push(format!("{{{id},down}}"));
                        continue;
                    }
                    _ => {
                        tokio::task::yield_now().await;
                        return None;
                    }
                };
                if child.child_type.as_str() == "supervisor" {
                    let nested = self.view(&id, &self.node.server(pid)).await?;
                    view.push(format!("{{{id},{nested}}}"));
                } else if id == "undefined" {
                    let world = self.world.lock().unwrap();
                    let name = world.pids.iter().find(|(_, of)| **of == pid);
                    view.push(format!("{{{},up}}", name.expect("it started").0));
                } else {
                    view.push(format!("{{{id},up}}"));
                }
            }
            if children.iter().any(|child| child.id == "undefined".into()) {
                view.sort();
            }
            Some(format!("[{}]", view.join(",")))
        })
    }

    fn line(&mut self, tree: &str, step: &str, answer: &str, view: &str) -> String {
        let events = std::mem::take(&mut self.world.lock().unwrap().seen);
        let mut reports = Vec::new();
        while let Some(update) = self.reports.try_next() {
            if let Update::Event(report) = update {
                reports.extend(reported(&report));
            }
        }
        let (events, reports) = (events.join(","), reports.join(","));
        format!("{tree} {step} {answer} [{events}] [{reports}] {view}")
    }
}

/// OTP has no word of what is ours alone.
fn reported(report: &Report) -> Option<String> {
    let id = |child: &ReportedChild| match child.count {
        1 => child.id.to_string(),
        many => format!("{{{},{many}}}", child.id),
    };
    match report {
        Report::Progress { child, .. } => Some(format!("{{progress,{}}}", id(child))),
        Report::Supervisor {
            context,
            child,
            reason,
            ..
        } => Some(format!("{{{context},{},{reason}}}", id(child))),
        _ => None,
    }
}

fn started(answer: Result<Option<Pid>, SupervisorError>) -> &'static str {
    match answer {
        Ok(Some(_)) => "ok",
        Ok(None) => "ignored",
        Err(error) => refused(&error),
    }
}

fn done(answer: Result<(), SupervisorError>) -> &'static str {
    match answer {
        Ok(()) => "ok",
        Err(error) => refused(&error),
    }
}

fn refused(error: &SupervisorError) -> &'static str {
    match error {
        SupervisorError::NotFound => "not_found",
        SupervisorError::Running => "running",
        SupervisorError::Restarting => "restarting",
        SupervisorError::AlreadyPresent => "already_present",
        SupervisorError::AlreadyStarted(_) => "already_started",
        SupervisorError::SimpleOneForOne => "simple_one_for_one",
        SupervisorError::Start(_) => "failed",
        other => panic!("{other}"),
    }
}

/// The same line with what has no order in one order: the ends of dynamic children that are stopped together, and the reports on
/// those.
pub(super) fn in_any_order(line: &str) -> String {
    let items = items(line);
    let mut sorted = items.clone();
    for run in sorted.chunk_by_mut(|a, b| together(a).is_some() && together(a) == together(b)) {
        run.sort_unstable();
    }
    let mut out = String::with_capacity(line.len());
    let mut from = 0;
    for (item, in_order) in items.iter().zip(&sorted) {
        let at = from + line[from..].find(item).expect("it is of this line");
        out.push_str(&line[from..at]);
        out.push_str(in_order);
        from = at + item.len();
    }
    out + &line[from..]
}

/// Whose child it was, of an end or a report that may be one of several at once: `d3_` of `{ended,d3_1,shutdown}`.
fn together(item: &str) -> Option<&str> {
    if let Some(ended) = item.strip_prefix("{ended,d") {
        return ended.split('_').next();
    }
    let template = item.strip_prefix("{shutdown_error,")?;
    let template = template.trim_start_matches('{').strip_prefix('w')?;
    template.split(',').next()
}

/// The tuples of a line that are in no other.
fn items(line: &str) -> Vec<&str> {
    let (mut depth, mut begun, mut items) = (0, 0, Vec::new());
    for (at, character) in line.char_indices() {
        match character {
            '{' => {
                if depth == 0 {
                    begun = at;
                }
                depth += 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    items.push(&line[begun..=at]);
                }
            }
            _ => {}
        }
    }
    items
}

#[test]
fn only_what_has_no_order_is_put_in_one() {
    assert_eq!(
        in_any_order(
            "t 1 ok [{ended,d2_2,a},{ended,d2_1,{b,c}},{ended,c2,a},{ended,c1,a}] [{shutdown_error,{w2,2},b},{shutdown_error,w2,a},{shutdown_error,c2,b},{shutdown_error,c2,a}] [{b,up},{a,up}]"
        ),
        "t 1 ok [{ended,d2_1,{b,c}},{ended,d2_2,a},{ended,c2,a},{ended,c1,a}] [{shutdown_error,w2,a},{shutdown_error,{w2,2},b},{shutdown_error,c2,b},{shutdown_error,c2,a}] [{b,up},{a,up}]"
    );
    assert_eq!(
        in_any_order("[{ended,d2_2,a},{ended,d1_1,a}]"),
        "[{ended,d2_2,a},{ended,d1_1,a}]"
    );
}

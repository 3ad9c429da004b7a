//! `appmon_info` of runtime_tools: who tells observer which applications run, and which processes belong to one.
//!
//! Rules:
//! 1. There is one such process on a node, named `appmon_info`; it lives as long as somebody who looks. A client's end takes its
//!    tasks with it; the end of the one that started it ends it.
//! 2. A task is done at once and then every two seconds, or as often as its client asks for; what changed is told:
//!    `{delivery, Server, Task, About, Result}`.
//! 3. A tree begins with the application's master and goes along links. A process is below the one that started it; a link with
//!    another is one of the second kind. What has another group leader, or is told to be left out, does not belong to it.
//!
//! Source: `appmon_info` of OTP's runtime_tools.

use std::time::{Duration, Instant};

use kista_etf::{Atom, Pid, Term, term};
use rustc_hash::FxHashSet;

use super::{Module, machine, process};
use crate::gen_server::StartError;
use crate::node::Node;
use crate::plain::ProcessCx;
use crate::process::{AnyProcess, Dest, SpawnOptions};
use crate::remote::Raise;
use crate::{ExitReason, Info};

const NAME: &str = "appmon_info";

/// Tasks of all clients.
const MOST_TASKS: usize = 256;
/// Clients.
const MOST_CLIENTS: usize = 256;
/// Processes of a tree.
const MOST_PROCESSES: usize = 10_000;
const PERIOD: Duration = Duration::from_secs(2);
/// As often as a task is done at most.
const SHORTEST: Duration = Duration::from_millis(100);

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("start_link2", start_link2);
}

/// `{ok, Pid}`
async fn start_link2(
    cx: ProcessCx,
    starter: Pid,
    client: Pid,
    _options: Term,
) -> Result<Term, Raise> {
    let options = SpawnOptions::new().name(NAME);
    let body = async move |cx: ProcessCx| Server::new(cx, starter, client).run().await;
    match cx.node().spawn_opt(options, body) {
        Ok(started) => Ok(term!({ok, (started.pid)})),
        Err(StartError::AlreadyStarted(pid)) => {
            drop(cx.send(pid, &term!({register_client, (client)})));
            Ok(term!({ok, (pid)}))
        }
        Err(_) => Err(Raise::error(Atom::from_static("system_limit"))),
    }
}

struct Server {
    cx: ProcessCx,
    starter: Pid,
    clients: Vec<Pid>,
    tasks: Vec<Task>,
    /// Processor time and time of the last look at the load.
    load: (u64, Instant),
}

/// What is told, to whom.
struct Task {
    what: Atom,
    about: Term,
    client: Pid,
    told: Option<Term>,
    /// `None`: once only.
    every: Option<Duration>,
    due: Instant,
}

impl Server {
    fn new(cx: ProcessCx, starter: Pid, client: Pid) -> Self {
        let load = (machine::processor_millis(), Instant::now());
        let mut server = Self {
            cx,
            starter,
            clients: Vec::new(),
            tasks: Vec::new(),
            load,
        };
        server.cx.trap_exit(true);
        server.register(client);
        server
    }

    fn register(&mut self, client: Pid) {
        if !self.clients.contains(&client) && self.clients.len() < MOST_CLIENTS {
            self.clients.push(client);
            self.cx.link(client);
        }
    }

    async fn run(mut self) -> ExitReason {
        loop {
            let next = self.tasks.iter().map(|task| task.due).min();
            let info = match next {
                None => Some(self.cx.receive().await),
                Some(due) => {
                    let pause = due.saturating_duration_since(Instant::now());
                    self.cx.receive().after(pause).await
                }
            };
            match info {
                None => self.do_what_is_due(),
                Some(Info::Exit { from, reason }) => {
                    if from == self.starter {
                        return reason;
                    }
                    self.tasks.retain(|task| task.client != from);
                    self.clients.retain(|client| *client != from);
                    if self.clients.is_empty() {
                        return ExitReason::Normal;
                    }
                }
                Some(Info::Term(message)) => self.take(&message),
                Some(_) => {}
            }
        }
    }

    /// `{'$gen_cast', {From, Task, About, OnOff, Options}}`, or a client more.
    fn take(&mut self, message: &Term) {
        if let Some([client]) = message.as_tagged("register_client")
            && let Some(client) = client.as_pid()
        {
            return self.register(client);
        }
        let Some([request]) = message.as_tagged("$gen_cast") else {
            return;
        };
        let Some([client, what, about, on, options]) = request.as_tuple() else {
            return;
        };
        let (Some(client), Some(what)) = (client.as_pid(), what.as_atom()) else {
            return;
        };
        let same = |task: &Task| task.client == client && task.what == what && task.about == *about;
        self.tasks.retain(|task| !same(task));
        let known = ["app_ctrl", "app", "load", "pinfo"].contains(&what.as_str());
        if !on.is_atom("true") || !known || self.tasks.len() >= MOST_TASKS {
            return;
        }
        self.tasks.push(Task {
            what,
            about: about.clone(),
            client,
            told: None,
            every: every(options),
            due: Instant::now(),
        });
        self.do_what_is_due();
    }

    fn do_what_is_due(&mut self) {
        let now = Instant::now();
        let mut tasks = std::mem::take(&mut self.tasks);
        tasks.retain_mut(|task| {
            if task.due > now {
                return true;
            }
            let result = self.result(task);
            if task.told.as_ref() != Some(&result) {
                let (me, what, about) = (self.cx.pid(), task.what, task.about.clone());
                let message = term!({delivery, (me), (what), (about), (result.clone())});
                drop(self.cx.send(task.client, &message));
                task.told = Some(result);
            }
            let Some(every) = task.every else {
                return false;
            };
            task.due = now + every;
            true
        });
        self.tasks = tasks;
    }

    fn result(&mut self, task: &Task) -> Term {
        let node = self.cx.node();
        match task.what.as_str() {
            "app_ctrl" => applications(node),
            "app" => task
                .about
                .as_atom_str()
                .map_or_else(no_tree, |application| {
                    Tree::of(node, application).map_or_else(no_tree, Tree::into_term)
                }),
            "pinfo" => pinfo(node, &task.about),
            _ => {
                let load = self.load();
                let before = task.told.as_ref().and_then(Term::as_tuple);
                let before = before.and_then(|told| told.get(1)).and_then(Term::as_int);
                Term::from((before.unwrap_or(0), load))
            }
        }
    }

    /// From 0 to 16, as OTP scales it: of one processor.
    fn load(&mut self) -> i64 {
        let now = (machine::processor_millis(), Instant::now());
        let before = std::mem::replace(&mut self.load, now);
        let worked = now.0.saturating_sub(before.0) as f64;
        let passed = (now.1 - before.1).as_millis().max(1) as f64;
        ((worked / passed / 0.9).sqrt() * 16.0).min(16.0) as i64
    }
}

/// `[.., {timeout, Millis | at_most_once}, ..]`
fn every(options: &Term) -> Option<Duration> {
    let mut options = options.as_list().unwrap_or_default().iter();
    let timeout = options.find_map(|option| match option.as_tagged("timeout")? {
        [timeout] => Some(timeout.clone()),
        _ => None,
    });
    match timeout {
        None => Some(PERIOD),
        Some(timeout) => {
            let millis = timeout.as_uint()?;
            Some(Duration::from_millis(millis).max(SHORTEST))
        }
    }
}

/// `[{Master, Name, {Name, Description, Version}}]`
fn applications(node: &Node) -> Term {
    let applications = node.applications();
    let running = applications.which().into_iter().filter_map(|info| {
        let master = applications.master(info.name.as_str())?;
        let told = kista_etf::to_term(&info).ok()?;
        Some(Term::tuple([
            Term::from(master),
            Term::from(info.name),
            told,
        ]))
    });
    Term::list(running)
}

fn pinfo(node: &Node, about: &Term) -> Term {
    let Some(pid) = about.as_pid() else {
        return Term::NIL;
    };
    let about = match node.find(pid) {
        None => "undefined".to_owned(),
        Some(process) => {
            let me = process.me();
            let (behaviour, status) = (me.behaviour(), me.status());
            format!("{behaviour}, {status:?}, {} messages", process.backlog())
        }
    };
    Term::charlist(&format!(
        "Node: {}, Process: {}\n{about}\n\n",
        node.name(),
        process::pid_text(pid)
    ))
}

fn no_tree() -> Term {
    term!({[], [], [], []})
}

/// A process that a link leads to.
struct Seen {
    links: Vec<Pid>,
    leader: Option<Pid>,
    parent: Option<Pid>,
}

impl Seen {
    fn of(node: &Node, pid: Pid) -> Option<Self> {
        let process = node.find(pid).filter(|process| !process.is_guest())?;
        let state = process.me().state.lock();
        let ancestor = state.origin().and_then(|origin| origin.ancestry.nearest());
        let (links, leader) = (state.links(), state.group_leader());
        drop(state);
        let parent = ancestor.and_then(|ancestor| match ancestor {
            Dest::Pid(pid) => Some(pid),
            Dest::Name(name) => node.whereis(name.as_str()),
            _ => None,
        });
        Some(Self {
            links,
            leader,
            parent,
        })
    }
}

struct Tree<'a> {
    node: &'a Node,
    root: Pid,
    found: Vec<Pid>,
    /// From parent to child.
    links: Vec<(Pid, Pid)>,
    /// The other links.
    others: Vec<(Pid, Pid)>,
}

impl<'a> Tree<'a> {
    fn of(node: &'a Node, application: &str) -> Option<Self> {
        let root = node.applications().master(application)?;
        let mut tree = Self {
            node,
            root,
            found: Vec::new(),
            links: Vec::new(),
            others: Vec::new(),
        };
        tree.grow();
        Some(tree)
    }

    fn grow(&mut self) {
        let node = self.node;
        let leader = Seen::of(node, self.root).and_then(|seen| seen.leader);
        let avoided: Vec<Pid> = ["application_controller", "init", NAME]
            .iter()
            .filter_map(|name| node.whereis(name))
            .collect();
        let mut queue = std::collections::VecDeque::from([self.root]);
        let mut queued = FxHashSet::from_iter([self.root]);
        let mut done = FxHashSet::default();
        while let Some(pid) = queue.pop_front() {
            if !done.insert(pid) || self.found.len() == MOST_PROCESSES {
                continue;
            }
            self.found.push(pid);
            let Some(seen) = Seen::of(node, pid) else {
                continue;
            };
            for linked in seen.links {
                if done.contains(&linked) || avoided.contains(&linked) {
                    continue;
                }
                if linked.node != node.name() {
                    self.others.push((pid, linked));
                    queue.push_back(linked);
                    continue;
                }
                let Some(child) = Seen::of(node, linked) else {
                    continue;
                };
                let primary = match child.parent {
                    Some(parent) => parent == pid,
                    None if child.leader != leader => continue,
                    None => !queued.contains(&linked),
                };
                match primary {
                    true => {
                        self.links.push((pid, linked));
                        queued.insert(linked);
                        queue.push_back(linked);
                    }
                    false => self.others.push((pid, linked)),
                }
            }
        }
    }

    /// `{Root, [{Pid, Name}], [{Parent, Child}], [{Process, Process}]}`, each process by its name, or its pid as text.
    fn into_term(self) -> Term {
        let text = |pid: &Pid| {
            let name = self
                .node
                .find(*pid)
                .and_then(|process: std::sync::Arc<dyn AnyProcess>| process.me().name());
            match name {
                Some(name) => Term::charlist(name.as_str()),
                None if pid.node == self.node.name() => Term::charlist(&process::pid_text(*pid)),
                None => Term::charlist(&pid.to_string()),
            }
        };
        let pairs = |pairs: &[(Pid, Pid)]| {
            Term::list(pairs.iter().map(|(a, b)| Term::tuple([text(a), text(b)])))
        };
        let found = self.found.iter();
        let found = found.map(|pid| Term::tuple([Term::from(*pid), text(pid)]));
        Term::tuple([
            text(&self.root),
            Term::list(found),
            pairs(&self.links),
            pairs(&self.others),
        ])
    }
}

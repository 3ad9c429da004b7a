//! `kista`: our own look at a node, in place of a remote shell. Terms that `erl` prints on few lines.
//!
//! | function | what |
//! |---|---|
//! | `info/0` | the node: `[{Key, Value}]` |
//! | `processes/0` | `[{Pid, NameOrType, Status, MessageQueueLen}]` |
//! | `tree/0` | who started whom with a link: `{Who, Type}`, or `{Who, Type, Children}`; `Who` is a name or a pid |
//! | `links/1` | of a pid or a name: `[{links, _}, {monitors, _}, {monitored_by, _}]`; `undefined` when there is no such process |
//! | `stop/0` | stops the node in order, for whom [`NodeBuilder::stoppable_by`](crate::NodeBuilder::stoppable_by) allows it |
//!
//! Lists of processes have at most [`MOST`] of them; `'...'` at the end says that there are more.

use kista_etf::{Atom, Pid, Term, atoms, term};
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Module, machine, memory, process, proplist, supervisor};
use crate::node::{Node, StopCause};
use crate::plain::ProcessCx;
use crate::process::{Dest, Status};

/// Processes in a list.
const MOST: usize = 10_000;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("info", async |cx: ProcessCx| info(cx.node()));
    module.add("processes", async |cx: ProcessCx| processes(cx.node()));
    module.add("tree", async |cx: ProcessCx| tree(cx.node()));
    module.add("links", links);
    module.add("stop", async |cx: ProcessCx| {
        // Who calls over the net prints there.
        let by = cx.group_leader().map(|leader| leader.node);
        tracing::info!(node = %cx.node().name(), by = by.map(|by| by.to_string()), "told to stop by kista:stop/0");
        cx.node().begin_stop(StopCause::Asked);
        atoms::OK
    });
}

fn info(node: &Node) -> Term {
    let mut processes = 0;
    let mut unread = 0;
    node.each_process(|process| {
        processes += 1;
        unread += process.backlog();
    });
    let applications = node.applications().which();
    let memory = memory::all(node).first().map_or(0, |(_, bytes)| *bytes);
    proplist([
        ("node", Term::from(node.name())),
        ("kista", Term::charlist(env!("CARGO_PKG_VERSION"))),
        ("uptime", uptime()),
        (
            "applications",
            Term::list(applications.iter().map(|it| Term::from(it.name))),
        ),
        ("processes", Term::from(processes)),
        ("unread_messages", Term::from(unread)),
        ("queue_alarms", Term::from(node.queue_alarms())),
        ("memory", Term::from(memory)),
        ("nodes", Term::from(node.nodes())),
        ("hidden_nodes", Term::from(node.hidden_nodes())),
        ("registered", Term::from(node.registered().len())),
    ])
}

/// `{Days, {Hours, Minutes, Seconds}}`, as `calendar:seconds_to_daystime/1` has it.
fn uptime() -> Term {
    let seconds = machine::uptime().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    term!({(days), {(second / 3_600), (second / 60 % 60), (second % 60)}})
}

fn processes(node: &Node) -> Term {
    let mut list = Vec::new();
    let mut more = false;
    node.each_process(|process| {
        if list.len() == MOST {
            more = true;
            return;
        }
        let me = process.me();
        let name = me.state.lock().name;
        let name = name.unwrap_or_else(|| process::module(me.behaviour()));
        let status = match me.status() {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::Held => "held",
            Status::Suspended => "suspended",
        };
        let status = Atom::from_static(status);
        list.push(Term::from((me.pid(), name, status, process.backlog())));
    });
    cut(list, more)
}

fn cut(mut list: Vec<Term>, more: bool) -> Term {
    if more {
        list.push(term!(:"..."));
    }
    Term::list(list)
}

/// A process in the tree.
struct Branch {
    who: Term,
    kind: Atom,
    children: Vec<Pid>,
}

fn tree(node: &Node) -> Term {
    let mut branches = FxHashMap::<Pid, Branch>::default();
    let mut parents = Vec::new();
    let mut more = false;
    node.each_process(|process| {
        if branches.len() == MOST {
            more = true;
            return;
        }
        let me = process.me();
        let state = me.state.lock();
        let (name, parent) = (state.name, state.parent());
        drop(state);
        parents.push((me.pid(), parent));
        let branch = Branch {
            who: name.map_or_else(|| Term::from(me.pid()), Term::from),
            kind: process::module(me.behaviour()),
            children: Vec::new(),
        };
        branches.insert(me.pid(), branch);
    });
    let mut roots = Vec::new();
    for (pid, parent) in parents {
        match parent.and_then(|parent| branches.get_mut(&parent)) {
            Some(parent) => parent.children.push(pid),
            None => roots.push(pid),
        }
    }
    cut(written(&roots, &branches), more)
}

/// Children before parents, without recursion: a chain of processes may be long.
fn written(roots: &[Pid], branches: &FxHashMap<Pid, Branch>) -> Vec<Term> {
    struct Open<'a> {
        branch: Option<&'a Branch>,
        rest: std::slice::Iter<'a, Pid>,
        done: Vec<Term>,
    }
    let mut open = vec![Open {
        branch: None,
        rest: roots.iter(),
        done: Vec::new(),
    }];
    // A child is started by a process that was there: there are no rings. A pid that is used again can not make one either.
    let mut seen = FxHashSet::default();
    loop {
        let Some(innermost) = open.last_mut() else {
            return Vec::new();
        };
        if let Some(pid) = innermost.rest.next() {
            if let Some(branch) = branches.get(pid).filter(|_| seen.insert(*pid)) {
                open.push(Open {
                    branch: Some(branch),
                    rest: branch.children.iter(),
                    done: Vec::new(),
                });
            }
            continue;
        }
        let Some(Open { branch, done, .. }) = open.pop() else {
            return Vec::new();
        };
        let (Some(branch), Some(outer)) = (branch, open.last_mut()) else {
            return done;
        };
        let (who, kind) = (branch.who.clone(), Term::from(branch.kind));
        outer.done.push(match done.is_empty() {
            true => Term::tuple([who, kind]),
            false => Term::tuple([who, kind, Term::list(done)]),
        });
    }
}

async fn links(cx: ProcessCx, of: Term) -> Term {
    let node = cx.node();
    let dest = supervisor::dest(&of).and_then(|dest| node.local(dest)?);
    let Some(process) = dest.and_then(|pid| node.find(pid)) else {
        return term!(undefined);
    };
    let state = process.me().state.lock();
    let (links, monitors, watchers) = (state.links(), state.monitors(), state.watchers());
    drop(state);
    let pids = |pids: Vec<Pid>| Term::list(pids.into_iter().map(|pid| named(node, pid)));
    let monitors = monitors.into_iter().map(|to| match to {
        Dest::Pid(pid) => named(node, pid),
        Dest::Name(name) => Term::from(name),
        Dest::Remote { name, node } => Term::from((name, node)),
        Dest::Alias(alias) => Term::from(alias),
    });
    proplist([
        ("links", pids(links)),
        ("monitors", Term::list(monitors)),
        ("monitored_by", pids(watchers)),
    ])
}

/// By its name, when it is here and has one.
fn named(node: &Node, pid: Pid) -> Term {
    let process = node.find(pid);
    let name = process.and_then(|process| process.me().name());
    name.map_or_else(|| Term::from(pid), Term::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_of_processes_is_written_without_recursion() {
        let pid = |id| Pid {
            node: Atom::from_static("a@b"),
            id,
            serial: 0,
            creation: 1,
        };
        let branches = (0..MOST as u32)
            .map(|id| {
                let branch = Branch {
                    who: Term::from(id),
                    kind: atoms::PROCESS,
                    children: vec![pid(id + 1)],
                };
                (pid(id), branch)
            })
            .collect();
        let [tree] = &*written(&[pid(0)], &branches) else {
            panic!("one root")
        };
        let mut depth = 0;
        let mut at = tree;
        while let Some([_, _, children]) = at.as_tuple() {
            at = &children.as_list().expect("a list")[0];
            depth += 1;
        }
        assert_eq!(depth, MOST - 1);
    }
}

//! A node of ours in a process of its own, which does what `erlang/churn.erl` does: told what to do line by line, it answers `= Value`.

use std::time::Duration;

use kista::global::LockId;
use kista::{Atom, ExitReason, Global, Node, Pid, ProcessCx, Term, Tls};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Random;

/// Runs one until its input ends, or it is told to `stop`.
///
/// # Panics
///
/// When it does not start, or is told what it does not understand.
pub async fn member(name: &str, cookie: &str, tls: Option<Tls>) {
    let builder = Node::builder(name).cookie(cookie).visible();
    let builder = match tls {
        Some(tls) => builder.tls(tls),
        None => builder,
    };
    let node = builder.start().await.expect("our node starts");
    let global = node.global().await.expect("it runs");
    node.pg().await.expect("it runs");
    println!("ready {name}");
    let mut life: Option<(oneshot::Sender<()>, JoinHandle<()>)> = None;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
        match verb {
            "live" => {
                let (rest, told) = oneshot::channel();
                let random = Random::new(argument.parse().expect("a seed"));
                let acting = Life {
                    node: node.clone(),
                    global: global.clone(),
                    random,
                    held: Vec::new(),
                };
                life = Some((rest, tokio::spawn(acting.act(told))));
                println!("= ok");
            }
            "rest" => {
                let (rest, acting) = life.take().expect("it lives");
                drop(rest);
                acting.await.expect("it came to its end");
                println!("= normal");
            }
            "connect" => println!("= {}", node.connect(argument).await.is_ok()),
            "leave" => println!("= {}", global.disconnect().await.expect("it runs").len()),
            "nodes" => println!("= {}", node.nodes().len()),
            "view" => println!("= {}", view(&node, &global).await),
            "processes" => println!("= {}", Term::list(node.processes().into_iter().map(parts))),
            "stop" => break,
            other => panic!("what is {other}?"),
        }
    }
    node.stop().await;
}

struct Life {
    node: Node,
    global: Global,
    random: Random,
    held: Vec<Pid>,
}

impl Life {
    async fn act(mut self, mut told: oneshot::Receiver<()>) {
        loop {
            let pause = Duration::from_millis(1 + self.random.below(60) as u64);
            // Nothing is ever sent: it is dropped.
            if tokio::time::timeout(pause, &mut told).await.is_ok() {
                return;
            }
            self.held.retain(|pid| self.node.is_alive(*pid));
            self.one().await;
            if self.held.len() > 20 {
                self.node.exit(self.held.remove(0), ExitReason::Kill);
            }
        }
    }

    async fn one(&mut self) {
        let (name, group) = (self.numbered("name", 20), self.numbered("group", 6));
        let pg = self.node.pg().await.expect("it runs");
        let last = self.held.last().copied();
        match (1 + self.random.below(9), last) {
            // Whether it is refused is no matter.
            (1, _) => {
                let pid = self.holder();
                drop(self.global.register(name, pid).await);
            }
            (2, _) => {
                let pid = self.holder();
                drop(self.global.re_register(name, pid).await);
            }
            (3, _) if self.random.below(4) == 0 => drop(self.global.unregister(name).await),
            (4, Some(pid)) => self.node.exit(pid, ExitReason::Kill),
            (5, _) => pg.join(group, self.holder()).await.expect("it runs"),
            (6, Some(pid)) => pg.join(group, pid).await.expect("it runs"),
            (7, Some(pid)) => drop(pg.leave(group, pid).await),
            (8, _) => self.lock(false).await,
            (9, _) => self.lock(true).await,
            _ => {}
        }
    }

    fn numbered(&mut self, what: &'static str, most: usize) -> Term {
        let number = 1 + self.random.below(most);
        Term::from((Atom::from_static(what), number as i64))
    }

    fn holder(&mut self) -> Pid {
        let hold = async |mut cx: ProcessCx| loop {
            drop(cx.receive().await);
        };
        let pid = self.node.spawn_fn(hold).expect("it starts");
        self.held.push(pid);
        pid
    }

    /// A process locks, with three more tries, and gives the lock back or ends with it.
    async fn lock(&mut self, killed: bool) {
        let on = self.numbered("lock", 4);
        let held = Duration::from_millis(1 + self.random.below(20) as u64);
        let global = self.global.clone();
        let (done, is_done) = oneshot::channel::<()>();
        let lock = async move |cx: ProcessCx| {
            let _done = done;
            let id = LockId::new(on, cx.pid());
            let mut nodes = cx.node().nodes();
            nodes.push(cx.node().name());
            if global.set_lock_on(&id, &nodes, Some(3)).await == Ok(true) {
                tokio::time::sleep(held).await;
                if killed {
                    cx.exit(cx.pid(), ExitReason::Kill);
                    std::future::pending::<()>().await;
                }
                global.del_lock_on(&id, &nodes).await;
            }
        };
        self.node.spawn_fn(lock).expect("it starts");
        // An error: it has ended.
        let _ = is_done.await;
    }
}

async fn view(node: &Node, global: &Global) -> Term {
    let mut synced = global.synced().await.expect("it runs");
    synced.sort_by_key(|node| node.as_str().to_owned());
    let locks = global.locks().into_iter().map(|(id, pids)| {
        let pids = pids.into_iter().map(Term::from);
        Term::tuple([Term::from(format!("{id:?}")), Term::list(pids)])
    });
    let names = global.registered_names().into_iter();
    let names = names.filter_map(|name| {
        let pid = global.whereis(name.clone())?;
        Some(Term::tuple([name, parts(pid)]))
    });
    let pg = node.pg().await.expect("it runs");
    let groups = pg.groups().into_iter().map(|group| {
        let members = pg.members(group.clone()).into_iter().map(parts);
        Term::tuple([group, sorted(members)])
    });
    let synced = synced.into_iter().map(Term::from);
    Term::tuple([
        Term::list(synced),
        Term::list(locks),
        sorted(names),
        sorted(groups),
    ])
}

/// As Erlang sorts them.
fn sorted(terms: impl Iterator<Item = Term>) -> Term {
    let mut terms: Vec<_> = terms.collect();
    terms.sort();
    Term::list(terms)
}

/// What makes the same of a pid on all nodes.
fn parts(pid: Pid) -> Term {
    Term::tuple([
        Term::from(pid.node),
        Term::from(pid.id),
        Term::from(pid.serial),
        Term::from(pid.creation),
    ])
}

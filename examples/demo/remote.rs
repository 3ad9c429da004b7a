//! What other nodes may run here: `rpc:call(Demo, demo, add, [1, 2])`, `spawn(Demo, demo, pinger, [self(), 3])` and so on.

use std::collections::HashMap;
use std::time::Duration;

use kista::{
    Atom, Dest, ExitReason, ExposeError, Info, Node, Pid, ProcessCx, Raise, Reference, Term,
};

pub(crate) fn expose(node: &Node) -> Result<(), ExposeError> {
    node.expose("demo", "add", async |a: i64, b: i64| a.saturating_add(b))?;
    node.expose("demo", "echo", async |term: Term| term)?;
    node.expose("demo", "fail", fail)?;
    node.expose("demo", "sleep", sleep)?;
    node.expose("demo", "pinger", pinger)?;
    node.expose("demo", "idle", idle)?;
    node.expose("demo", "exit_with", exit_with)
}

async fn fail() -> Result<(), Raise> {
    Err(Raise::error(Atom::from_static("boom")))
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// Sends `{ping, self(), I}` for I = 1..N.
async fn pinger(cx: ProcessCx, to: Pid, n: u64) {
    let ping = Atom::from_static("ping");
    for i in 1..=n {
        // To wait for room is to keep pace with the receiver's node.
        let _ = cx.send(to, &(ping, cx.pid(), i)).await;
    }
}

async fn exit_with(reason: Term) -> Result<(), Raise> {
    Err(Raise::exit(reason))
}

/// Waits for messages that say what to do; ignores others.
async fn idle(mut cx: ProcessCx) -> Result<(), Raise> {
    // To whom trapped exits are reported, and the end of what is monitored.
    let mut trapped_to = None;
    let mut monitors = HashMap::new();
    loop {
        match cx.receive().await {
            Info::Term(term) => obey(&cx, &term, &mut trapped_to, &mut monitors)?,
            Info::Exit { from, reason } => {
                if let Some(to) = trapped_to {
                    let tag = Atom::from_static("trapped");
                    cx.send::<(Atom, Pid, ExitReason)>(to, &(tag, from, reason));
                }
            }
            Info::Down {
                reference, reason, ..
            } => {
                if let Some(to) = monitors.remove(&reference) {
                    cx.send::<(Atom, ExitReason)>(to, &(Atom::from_static("got_down"), reason));
                }
            }
            _ => {}
        }
    }
}

/// `{exit, R}`, `{link, P}`, `{trap, To}` or `{monitor, P, To}`.
fn obey(
    cx: &ProcessCx,
    term: &Term,
    trapped_to: &mut Option<Dest>,
    monitors: &mut HashMap<Reference, Dest>,
) -> Result<(), Raise> {
    let Some([what, rest @ ..]) = term.as_tuple() else {
        return Ok(());
    };
    match (what.as_atom_str(), rest) {
        (Some("exit"), [reason]) => return Err(Raise::exit(reason.clone())),
        (Some("link"), [process]) => {
            if let Some(pid) = process.as_pid() {
                cx.link(pid);
            }
        }
        (Some("trap"), [to]) => {
            if let Some(to) = dest(to) {
                *trapped_to = Some(to);
                cx.trap_exit(true);
            }
        }
        (Some("monitor"), [process, to]) => {
            if let (Some(process), Some(to)) = (dest(process), dest(to)) {
                monitors.insert(cx.monitor(process), to);
            }
        }
        _ => {}
    }
    Ok(())
}

/// A pid, or `{Name, Node}`.
fn dest(term: &Term) -> Option<Dest> {
    if let Some(pid) = term.as_pid() {
        return Some(Dest::Pid(pid));
    }
    let [name, node] = term.as_tuple()? else {
        return None;
    };
    Some(Dest::from((name.as_atom()?, node.as_atom()?)))
}

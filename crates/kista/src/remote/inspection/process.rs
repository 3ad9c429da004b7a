//! A process as others see it without asking it: for lists of all of them, which one that blocks its thread must not hold up.

use kista_etf::{Atom, Pid, Term, atoms};

use crate::node::Node;
use crate::process::{AnyProcess, Status};

/// A Rust type as the name of a module: of a closure, the function that it is in; of a trait's function, the type. Its end, when it is
/// longer than a name can be.
pub(super) fn module(behaviour: &str) -> Atom {
    let short = short(behaviour);
    let behaviour = short.as_str();
    let end = behaviour
        .char_indices()
        .rev()
        .nth(Atom::MAX_CHARS - 1)
        .map_or(behaviour, |(at, _)| &behaviour[at..]);
    Atom::new(end).unwrap_or(atoms::UNDEFINED)
}

/// `<demo::Server as kista::GenServer>::init::{{closure}}` is `demo::Server::init`.
fn short(name: &str) -> String {
    let name = name.replace("::{{closure}}", "");
    let parts = name
        .strip_prefix('<')
        .and_then(|name| name.split_once(" as "))
        .and_then(|(of, rest)| Some((of, rest.split_once(">::")?.1)));
    match parts {
        Some((of, function)) if !function.contains(" as ") => format!("{of}::{function}"),
        _ => name,
    }
}

/// How it was started: `{Type, init, 1}` of a behaviour, `{Type, run, 0}` of a plain process, whose type is that of its function.
pub(super) fn initial_call(process: &dyn AnyProcess) -> Term {
    let module = module(process.me().behaviour());
    let (function, arity) = match process.me().is_plain() {
        true => ("run", 0),
        false => ("init", 1),
    };
    Term::from((module, Atom::from_static(function), arity))
}

/// What it is at: `{Type, waiting | running | held | suspended, 0}`.
pub(super) fn current_function(behaviour: &str, status: Status) -> Term {
    let doing = match status {
        Status::Running => "running",
        Status::Waiting => "waiting",
        Status::Held => "held",
        Status::Suspended => "suspended",
    };
    Term::from((module(behaviour), Atom::from_static(doing), 0))
}

/// What a process does is counted in messages here: those that it got, and those that it sent.
pub(super) fn reductions(process: &dyn AnyProcess) -> u64 {
    process.received() + process.me().sent()
}

/// `pid_to_list/1` of this node's own pids on this node.
pub(super) fn pid_text(pid: Pid) -> String {
    format!("<0.{}.{}>", pid.id, pid.serial)
}

/// The group leader of a process that was given none.
pub(super) fn group_leader(node: &Node, leader: Option<Pid>) -> Pid {
    leader
        .or_else(|| node.whereis("user"))
        .unwrap_or_else(|| node.outside())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_long_type_is_its_end() {
        let long = format!("{}::Küchenmaschine", "a".repeat(300));
        let name = module(&long);
        assert_eq!(name.as_str().chars().count(), Atom::MAX_CHARS);
        assert!(name.as_str().ends_with("::Küchenmaschine"));
        for (name, shown) in [
            ("demo::Counter", "demo::Counter"),
            ("demo::main::{{closure}}::{{closure}}", "demo::main"),
            (
                "<a::Server as k::GenServer>::init::{{closure}}",
                "a::Server::init",
            ),
            (
                "k::Pool<a::Server<<b as c>::D>>",
                "k::Pool<a::Server<<b as c>::D>>",
            ),
        ] {
            assert_eq!(module(name).as_str(), shown);
        }
    }
}

//! `erlang:memory/0,1`. The sum is what the operating system counts; what is known of its parts is told, `system` is the rest.

use kista_etf::{Atom, Term};

use super::machine;
use crate::node::Node;

/// Bytes of an atom in the table, about.
const ATOM: usize = 64;

/// In OTP's order.
pub(super) fn all(node: &Node) -> Vec<(&'static str, u64)> {
    let machine = machine::memory();
    let mut processes = 0;
    node.each_process(|process| processes += size_of_val(&**process) as u64);
    let connections = node.connections();
    let binary: usize = connections
        .iter()
        .map(|connection| connection.queued_bytes + connection.undecoded_bytes)
        .sum();
    let total = machine.resident.max(processes);
    let atom = (Atom::count() * ATOM) as u64;
    vec![
        ("total", total),
        ("processes", processes),
        ("processes_used", processes),
        ("system", total - processes),
        ("atom", atom),
        ("atom_used", atom),
        ("binary", binary as u64),
        ("code", machine.code),
        ("ets", 0),
    ]
}

/// `erlang:memory(Type | [Type])`; `None`: `badarg`.
pub(super) fn of(node: &Node, wanted: &Term) -> Option<Term> {
    let all = all(node);
    let find = |wanted: &Term| {
        let wanted = wanted.as_atom_str()?;
        all.iter().find(|(key, _)| *key == wanted).copied()
    };
    if wanted.as_atom_name().is_some() {
        return find(wanted).map(|(_, bytes)| Term::from(bytes));
    }
    let found: Option<Vec<_>> = wanted.as_list()?.iter().map(find).collect();
    Some(term(&found?))
}

pub(super) fn term(memory: &[(&'static str, u64)]) -> Term {
    super::proplist(memory.iter().map(|&(key, bytes)| (key, Term::from(bytes))))
}

//! `erlang`, as far as it looks. The larger functions have files of their own.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use kista_etf::{Atom, Pid, Term, atoms, term};

use super::{
    Module, badarg, memory, module_info, process, process_info, statistics, system_info, time,
};
use crate::plain::ProcessCx;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("node", async |cx: ProcessCx| cx.node().name());
    module.add("node", node_of);
    module.add("is_alive", async |cx: ProcessCx| cx.node().net().is_some());
    module.add("nodes", async |cx: ProcessCx| cx.node().nodes());
    module.add("nodes", nodes);
    module.add("self", async |cx: ProcessCx| cx.pid());
    module.add("group_leader", async |cx: ProcessCx| {
        process::group_leader(cx.node(), cx.group_leader())
    });
    processes(module);
    module.add("memory", async |cx: ProcessCx| {
        memory::term(&memory::all(cx.node()))
    });
    module.add("memory", async |cx: ProcessCx, wanted: Term| {
        memory::of(cx.node(), &wanted).ok_or_else(badarg)
    });
    module.add("system_info", async |cx: ProcessCx, key: Term| {
        system_info::value(cx.node(), &key).ok_or_else(badarg)
    });
    module.add("statistics", async |cx: ProcessCx, key: Term| {
        let key = key.as_atom_str().ok_or_else(badarg)?;
        statistics::value(cx.node(), key).ok_or_else(badarg)
    });
    times(module);
    module.add("unique_integer", async || unique());
    module.add("unique_integer", unique_integer);
    module.add("function_exported", module_info::function_exported);
    module.add("module_loaded", module_info::module_loaded);
    module.add("ports", async || Term::NIL);
    module.add("port_info", async |_port: Term| term!(undefined));
    module.add("port_info", async |_port: Term, _item: Term| {
        term!(undefined)
    });
    module.add("garbage_collect", async || true);
    // Nothing to collect; whether there is such a process is all that can be told.
    module.add("garbage_collect", is_process_alive);
}

fn processes(module: &mut Module<'_>) {
    module.add("processes", async |cx: ProcessCx| {
        let mut pids = Vec::new();
        cx.node()
            .each_process(|process| pids.push(process.me().pid()));
        pids
    });
    module.add("process_info", async |cx: ProcessCx, pid: Pid| {
        process_info::all(cx.node(), pid).await
    });
    module.add(
        "process_info",
        async |cx: ProcessCx, pid: Pid, wanted: Term| {
            process_info::some(cx.node(), pid, &wanted).await
        },
    );
    module.add("is_process_alive", is_process_alive);
    module.add("registered", async |cx: ProcessCx| cx.node().registered());
    module.add("whereis", async |cx: ProcessCx, name: Term| {
        let name = name.as_atom_str().ok_or_else(badarg)?;
        Ok::<_, Raise>(Term::from(cx.node().whereis(name)))
    });
    module.add("pid_to_list", async |cx: ProcessCx, pid: Pid| {
        Term::charlist(&match pid.node == cx.node().name() {
            true => process::pid_text(pid),
            false => pid.to_string(),
        })
    });
}

fn times(module: &mut Module<'_>) {
    module.add("monotonic_time", async || time::monotonic());
    module.add("monotonic_time", async |unit: Term| {
        time::converted(time::monotonic(), &unit).ok_or_else(badarg)
    });
    module.add("system_time", async || time::system());
    module.add("system_time", async |unit: Term| {
        time::converted(time::system(), &unit).ok_or_else(badarg)
    });
    module.add("time_offset", async || time::offset());
    module.add("time_offset", async |unit: Term| {
        time::converted(time::offset(), &unit).ok_or_else(badarg)
    });
    module.add("timestamp", async || time::timestamp());
}

async fn node_of(of: Term) -> Result<Atom, Raise> {
    let node = of.as_pid().map(|pid| pid.node);
    let node = node.or_else(|| of.as_port().map(|port| port.node));
    node.or_else(|| of.as_reference().map(|reference| reference.node()))
        .ok_or_else(badarg)
}

/// `nodes(Type | [Type])`, each node once.
async fn nodes(cx: ProcessCx, types: Term) -> Result<Vec<Atom>, Raise> {
    let node = cx.node();
    let one = std::slice::from_ref(&types);
    let mut found = Vec::new();
    for wanted in types.as_list().unwrap_or(one) {
        match wanted.as_atom_str() {
            Some("visible") => found.extend(node.nodes()),
            Some("hidden") => found.extend(node.hidden_nodes()),
            Some("connected") => found.extend(node.nodes().into_iter().chain(node.hidden_nodes())),
            Some("this") => found.push(node.name()),
            Some("known") => {
                found.push(node.name());
                found.extend(node.nodes().into_iter().chain(node.hidden_nodes()));
            }
            _ => return Err(badarg()),
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

async fn is_process_alive(cx: ProcessCx, pid: Pid) -> Result<bool, Raise> {
    match pid.node == cx.node().name() {
        true => Ok(cx.node().is_alive(pid)),
        false => Err(badarg()),
    }
}

fn unique() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// They are positive and grow, whatever is asked for.
async fn unique_integer(modifiers: Term) -> Result<i64, Raise> {
    let known = |modifier: &Term| modifier.is_atom("positive") || modifier.is_atom("monotonic");
    match modifiers.as_list() {
        Some(modifiers) if modifiers.iter().all(known) => Ok(unique()),
        _ => Err(Raise::error(atoms::BADARG)),
    }
}

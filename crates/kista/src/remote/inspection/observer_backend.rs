//! `observer_backend` of runtime_tools: what observer and etop run on the node that they look at.
//!
//! Rules:
//! 1. What is told again and again is told by a process that the tool started with a link, and ends with the tool.
//! 2. No process is asked for a list of all: one that blocks its thread would hold it up.
//! 3. There is nothing to trace: of the functions of `ttb` there are none. See `dbg.rs` for what tools ask for all the same.
//!
//! Source: `observer_backend` of OTP's runtime_tools, and its records `etop_info` and `etop_proc_info`.

use std::sync::Arc;
use std::time::Duration;

use kista_etf::{Atom, Pid, Term, term};

use super::{Module, memory, process, proplist, statistics, system_info, time};
use crate::node::Node;
use crate::plain::ProcessCx;
use crate::process::AnyProcess;
use crate::remote::Raise;

/// Processes in a message.
const CHUNK: usize = 10_000;
/// As often as statistics are told at most, whatever a peer asks for.
const SHORTEST: Duration = Duration::from_millis(10);

pub(super) fn serve(module: &mut Module<'_>) {
    module.add(
        "vsn",
        async || term!({ok, (Term::charlist(env!("CARGO_PKG_VERSION")))}),
    );
    module.add("sys_info", async |cx: ProcessCx| sys_info(cx.node()));
    module.add("get_port_list", async || Term::NIL);
    module.add("get_socket_list", async || Term::NIL);
    module.add("socket_info", async || socket_info());
    module.add("get_table_list", get_table_list);
    module.add("get_table", get_table);
    module.add("procs_info", procs_info);
    module.add("etop_collect", etop_collect);
    module.add("fetch_stats", fetch_stats);
}

fn sys_info(node: &Node) -> Term {
    let info = |key: &'static str| {
        let key = Term::from(Atom::from_static(key));
        system_info::value(node, &key).unwrap_or(Term::NIL)
    };
    let told = |keys: &'static [&'static str]| keys.iter().map(move |key| (*key, info(key)));
    let wordsize = || Term::from(usize::BITS / 8);
    let (input, output) = statistics::io(node);
    let mut all = vec![
        ("uptime", Term::from(statistics::uptime_millis())),
        ("run_queue", Term::from(statistics::run_queue(node))),
        ("io_input", Term::from(input)),
        ("io_output", Term::from(output)),
    ];
    all.extend(told(&[
        "logical_processors",
        "logical_processors_online",
        "logical_processors_available",
        "schedulers",
        "schedulers_online",
    ]));
    all.push(("schedulers_available", info("schedulers_online")));
    all.extend(told(&[
        "otp_release",
        "version",
        "system_architecture",
        "kernel_poll",
        "smp_support",
        "threads",
        "thread_pool_size",
    ]));
    all.extend([
        ("wordsize_internal", wordsize()),
        ("wordsize_external", wordsize()),
        ("alloc_info", system_info::allocators()),
    ]);
    all.extend(told(&[
        "process_count",
        "atom_limit",
        "atom_count",
        "process_limit",
        // Twice, as in OTP.
        "process_count",
        "port_limit",
        "port_count",
        "ets_limit",
        "ets_count",
        "dist_buf_busy_limit",
    ]));
    let memory = memory::all(node).into_iter();
    all.extend(memory.map(|(key, bytes)| (key, Term::from(bytes))));
    proplist(all)
}

/// Of sockets of OTP's module `socket`: none.
fn socket_info() -> Term {
    const COUNTERS: [&str; 12] = [
        "num_cnt_bits",
        "num_dinet",
        "num_dinet6",
        "num_dlocal",
        "num_pip",
        "num_psctp",
        "num_ptcp",
        "num_pudp",
        "num_sockets",
        "num_tdgrams",
        "num_tseqpkgs",
        "num_tstreams",
    ];
    let zeros = ["iov_max", "num_monitors"].into_iter().chain(COUNTERS);
    proplist(zeros.map(|key| (key, Term::from(0))))
}

async fn get_table_list(cx: ProcessCx, kind: Term, _options: Term) -> Result<Term, Raise> {
    match kind.as_atom_str() {
        Some("ets") => Ok(Term::NIL),
        Some("mnesia") => {
            let why = format!("Mnesia is not running on: {}", cx.node().name());
            Err(Raise::throw(term!({error, (Term::charlist(&why))})))
        }
        _ => Err(Raise::error(Atom::from_static("function_clause"))),
    }
}

/// There is no such table: a process says that it is at its end.
async fn get_table(cx: ProcessCx, parent: Pid, _table: Term, _kind: Term) -> Result<Pid, Raise> {
    let started = cx.node().spawn_fn(async move |cx: ProcessCx| {
        drop(cx.send(parent, &term!({(cx.pid()), :"$end_of_table"})));
    });
    started.map_err(|_| Raise::error(Atom::from_static("system_limit")))
}

/// `{procs_info, Pid, [#etop_proc_info{}]}`, as often as it takes; the last has fewer than others can have.
async fn procs_info(cx: ProcessCx, collector: Pid) {
    let mut all = processes(&cx);
    loop {
        let rest = (all.len() > CHUNK).then(|| all.split_off(CHUNK));
        let message = term!({procs_info, (cx.pid()), (Term::list(all))});
        if cx.send(collector, &message).await.is_err() {
            return;
        }
        match rest {
            Some(rest) => all = rest,
            None => return,
        }
    }
}

/// `{Pid, #etop_info{}}`
async fn etop_collect(cx: ProcessCx, collector: Pid) {
    let node = cx.node();
    let processes = processes(&cx);
    let memory = memory::all(node).into_iter();
    let memory = memory
        .filter(|(key, _)| ["total", "processes", "ets", "atom", "code", "binary"].contains(key));
    let memory = proplist(memory.map(|(key, bytes)| (key, Term::from(bytes))));
    let info = Term::tuple([
        term!(etop_info),
        Term::from(time::timestamp()),
        Term::from(processes.len()),
        term!(undefined),
        statistics::scheduler_wall_time(node),
        Term::from(statistics::run_queue(node)),
        Term::NIL,
        memory,
        Term::list(processes),
    ]);
    drop(cx.send(collector, &Term::tuple([Term::from(cx.pid()), info])));
}

/// `#etop_proc_info{}` of all but the one that asks.
fn processes(cx: &ProcessCx) -> Vec<Term> {
    let mut all = Vec::new();
    cx.node().each_process(|process| {
        if process.me().pid() != cx.pid() {
            all.push(proc_info(process));
        }
    });
    all
}

/// `{etop_proc_info, Pid, Memory, Reductions, Name, Runtime, CurrentFunction, MessageQueueLen}`
fn proc_info(process: &Arc<dyn AnyProcess>) -> Term {
    let me = process.me();
    let name = me.state.lock().name;
    Term::tuple([
        term!(etop_proc_info),
        Term::from(me.pid()),
        Term::from(size_of_val(&**process)),
        Term::from(process::reductions(&**process)),
        name.map_or_else(|| process::initial_call(&**process), Term::from),
        Term::from(0),
        process::current_function(me.behaviour(), me.status()),
        Term::from(process.backlog()),
    ])
}

/// `{stats, 1, SchedulerWallTime, IO, Memory}` after each so many milliseconds, until any message comes.
async fn fetch_stats(mut cx: ProcessCx, parent: Pid, millis: u64) {
    cx.trap_exit(true);
    let pause = Duration::from_millis(millis).max(SHORTEST);
    while cx.receive().after(pause).await.is_none() {
        let node = cx.node();
        let (input, output) = statistics::io(node);
        let message = term!({
            stats, 1, (statistics::scheduler_wall_time(node)), {{input, (input)}, {output, (output)}},
            (memory::term(&memory::all(node)))
        });
        if cx.send(parent, &message).await.is_err() {
            return;
        }
    }
}

//! `erlang:system_info/1`: the keys that observer, etop and other tools ask for, and most others.
//!
//! A scheduler is a worker thread of the runtime; a release is none of OTP's, so the newest whose distribution is spoken is told, and as
//! the version that of this crate. Ports and tables of ETS: none, of OTP's default limit.

use kista_etf::{Atom, Term, term};
use kista_sync::table::Table;

use super::machine;
use super::process_info::max_heap_size;
use crate::node::Node;

/// The newest release whose distribution is spoken.
const RELEASE: &str = "29";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What there would be of ports and tables of ETS.
const PORTS: u64 = 65_536;
const TABLES: u64 = 8_192;

/// `None`: `badarg`.
pub(super) fn value(node: &Node, key: &Term) -> Option<Term> {
    if let Some(pair) = key.as_tuple() {
        return of_pair(pair);
    }
    let bits = usize::BITS / 8;
    Some(match key.as_atom_str()? {
        "process_count" => Term::from(processes(node)),
        "process_limit" => Term::from(Table::<()>::MAX_CAPACITY),
        "atom_count" => Term::from(Atom::count()),
        "atom_limit" => Term::from(Atom::LIMIT),
        "port_count" | "ets_count" => term!(0),
        "port_limit" => Term::from(PORTS),
        "ets_limit" => Term::from(TABLES),
        "dist_buf_busy_limit" => {
            let mark = node.net().map(|net| net.config().limits.busy_mark);
            Term::from(mark.unwrap_or(1 << 20))
        }
        "otp_release" => Term::charlist(RELEASE),
        "version" => Term::charlist(VERSION),
        "system_version" => Term::charlist(&system_version(node)),
        "system_architecture" => Term::charlist(&architecture()),
        "machine" => Term::charlist("Kista"),
        "driver_version" | "nif_version" => Term::charlist("0.0"),
        "emu_flavor" => term!(native),
        "emu_type" | "build_type" => term!(opt),
        "debug_compiled" => Term::from(cfg!(debug_assertions)),
        "compat_rel" => Term::from(RELEASE.parse::<u8>().unwrap_or(0)),
        "creation" => Term::from(node.creation()),
        "wordsize" => Term::from(bits),
        "schedulers" | "schedulers_online" => Term::from(schedulers(node)),
        "scheduler_id" => term!(1),
        "scheduler_bind_type" => term!(unbound),
        "scheduler_bindings" => Term::tuple((0..schedulers(node)).map(|_| term!(unbound))),
        // Nothing here runs on schedulers of their own.
        "dirty_cpu_schedulers" | "dirty_cpu_schedulers_online" | "dirty_io_schedulers" => term!(0),
        "logical_processors" | "logical_processors_available" | "logical_processors_online" => {
            Term::from(machine::processors())
        }
        "cpu_topology" => term!(undefined),
        "update_cpu_info" => term!(unchanged),
        "multi_scheduling" => match schedulers(node) {
            1 => term!(disabled),
            _ => term!(enabled),
        },
        "kernel_poll" | "smp_support" | "threads" | "time_correction" | "eager_check_io" => {
            Term::from(true)
        }
        "thread_pool_size" | "trace_control_word" => term!(0),
        "alloc_util_allocators" => term!([std_alloc]),
        "allocated_areas"
        | "check_io"
        | "dist_ctrl"
        | "multi_scheduling_blockers"
        | "normal_multi_scheduling_blockers" => Term::NIL,
        "garbage_collection" => term!([
            {max_heap_size, 0}, {min_bin_vheap_size, 46422}, {min_heap_size, 233}, {fullsweep_after, 65535}
        ]),
        "max_heap_size" => max_heap_size(),
        "min_heap_size" => term!({min_heap_size, 233}),
        "min_bin_vheap_size" => term!({min_bin_vheap_size, 46422}),
        "fullsweep_after" => term!({fullsweep_after, 65535}),
        "heap_sizes" => Term::NIL,
        "heap_type" => term!(private),
        "message_queue_data" => term!(off_heap),
        "async_dist" => Term::from(true),
        "port_parallelism" | "ets_always_compress" | "dynamic_trace_probes" => Term::from(false),
        "delayed_node_table_gc" | "halt_flush_timeout" => term!(infinity),
        "dynamic_trace" => term!(none),
        "modified_timing_level" | "c_compiler_used" => term!(undefined),
        "outstanding_system_requests_limit" => term!(1),
        "start_time" => term!(0),
        "end_time" => Term::from(i64::MAX),
        "time_offset" => term!(volatile),
        "time_warp_mode" => term!(multi_time_warp),
        "tolerant_timeofday" => term!(disabled),
        "os_monotonic_time_source" => clock("CLOCK_MONOTONIC"),
        "os_system_time_source" => clock("CLOCK_REALTIME"),
        "system_logger" => Term::from(node.whereis("logger")),
        // Texts of a crash dump.
        "info" | "procs" | "loaded" | "dist" => Term::from(""),
        _ => return None,
    })
}

fn of_pair(pair: &[Term]) -> Option<Term> {
    let [key, of] = pair else { return None };
    Some(match (key.as_atom_str()?, of) {
        ("wordsize", of) if of.is_atom("internal") || of.is_atom("external") => {
            Term::from(usize::BITS / 8)
        }
        ("allocator_sizes", of) => {
            let wanted = |name: &Term| name.is_atom("std_alloc");
            let none = Term::NIL;
            match of.as_list() {
                Some(names) if names.iter().any(wanted) => allocators(),
                Some(_) => none,
                None if wanted(of) => instances(),
                None if of.as_atom_name().is_some() => Term::from(false),
                None => return None,
            }
        }
        ("allocator", of) if of.as_atom_name().is_some() => Term::from(false),
        ("cpu_topology", _) => term!(undefined),
        _ => return None,
    })
}

pub(super) fn processes(node: &Node) -> u64 {
    let mut count = 0;
    node.each_process(|_| count += 1);
    count
}

pub(super) fn schedulers(node: &Node) -> usize {
    node.runtime().metrics().num_workers()
}

/// `alloc_info` of observer: the one allocator there is, with what the operating system knows of it.
pub(super) fn allocators() -> Term {
    term!([{std_alloc, (instances())}])
}

/// `[{instance, N, Data}]`: blocks are what is in memory, carriers what is reserved.
fn instances() -> Term {
    let memory = machine::memory();
    let (used, reserved) = (memory.anonymous, memory.data.max(memory.anonymous));
    term!([{instance, 0, [
        {mbcs, [
            {blocks, [{std_alloc, [{size, (used), (used), (used)}]}]},
            {carriers_size, (reserved), (reserved), (reserved)}
        ]},
        {sbcs, [{blocks, []}, {carriers_size, 0, 0, 0}]}
    ]}])
}

fn system_version(node: &Node) -> String {
    let workers = schedulers(node);
    format!(
        "Kista {VERSION} [distribution of Erlang/OTP 25 to {RELEASE}] [{}-bit] [smp:{workers}:{workers}]\n",
        usize::BITS
    )
}

fn architecture() -> String {
    use std::env::consts::{ARCH, OS};
    match OS {
        "linux" => format!("{ARCH}-pc-linux-gnu"),
        os => format!("{ARCH}-pc-{os}"),
    }
}

fn clock(id: &'static str) -> Term {
    let id = Atom::from_static(id);
    let time = match id.as_str() {
        "CLOCK_REALTIME" => super::time::system(),
        _ => super::time::monotonic(),
    };
    term!([
        {function, clock_gettime}, {clock_id, (id)}, {resolution, 1000000000}, {extended, no}, {parallel, yes}, {time, (time)}
    ])
}

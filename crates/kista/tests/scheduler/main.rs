//! Dangers in who runs when: a process that keeps others from their turn, a wake-up that is lost, a process that is left behind when its
//! runtime or its node goes, and one that another node's lane runs.

#[path = "../support/plain.rs"]
mod plain;
#[path = "../support/port.rs"]
mod port;

mod apart;
mod ends;
mod hinder;
mod keeps;
mod wakes;
mod yields;

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use kista::{Dest, GenServer, Pid, ServerRef};
use plain::SOON;
use tokio::runtime::{Builder, Runtime};

/// With two worker threads of this name.
fn two_threads(name: &str) -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).thread_name(name);
    builder.enable_all().build().unwrap()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn pid<S: GenServer>(server: &ServerRef<S>) -> Pid {
    match server.dest() {
        Dest::Pid(pid) => pid,
        other => panic!("a server that was started has a pid, not {other:?}"),
    }
}

/// Keeps the thread until somebody else sets the flag.
fn compute_until(flag: &AtomicBool) {
    let begun = Instant::now();
    while !flag.load(SeqCst) {
        assert!(begun.elapsed() < SOON, "nobody else has had a turn");
        std::hint::spin_loop();
    }
}

/// From a thread that is none of a runtime.
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

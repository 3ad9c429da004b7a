//! The tick thread: one per node, not a task, so that no handler that blocks its runtime can make peers take us for dead.
//!
//! 1. It never blocks on a connection: the `wire` lock is tried only (who holds it is just writing, which is a better sign of life than
//!    a tick), and the socket is non-blocking.
//! 2. It looks at each connection several times per tick interval. What the reader and the writer did is seen by their counters.
//! 3. Silence is judged by what the *socket* has: bytes (or an end of file) that our own reader has not come to yet are life, and reset
//!    the clock. Otherwise the connection is closed with `net_tick_timeout`.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kista_dist::TickAction;
use parking_lot::{Condvar, Mutex};

use super::socket::Socket;
use super::{Connection, Net};

pub(super) struct Ticker {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Ticker {
    pub(super) fn start(net: &Arc<Net>) -> io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let pause =
            (net.config.net_ticktime / 32).clamp(Duration::from_millis(5), Duration::from_secs(1));
        let thread = std::thread::Builder::new()
            .name("kista-tick".to_owned())
            .spawn({
                let stop = Arc::clone(&stop);
                let net = Arc::downgrade(net);
                move || run(&net, &stop, pause)
            })?;
        Ok(Self { stop, thread })
    }

    pub(super) fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Ends the thread and waits for it: some microseconds.
    pub(super) fn stop(self) {
        *self.stop.0.lock() = true;
        self.stop.1.notify_all();
        let _ = self.thread.join();
    }
}

fn run(net: &Weak<Net>, stop: &(Mutex<bool>, Condvar), pause: Duration) {
    loop {
        {
            let mut stopped = stop.0.lock();
            if !*stopped {
                stop.1.wait_for(&mut stopped, pause);
            }
            if *stopped {
                return;
            }
        }
        let Some(net) = net.upgrade() else {
            return;
        };
        let now = Instant::now();
        for connection in net.ups() {
            look(&connection, now);
        }
    }
}

fn look(connection: &Connection, now: Instant) {
    let Some(socket) = connection.established().and_then(|e| e.socket.upgrade()) else {
        return;
    };
    let mut guard = connection.clock.lock();
    let Some(watched) = guard.as_mut() else {
        return;
    };
    let (reads, writes) = (
        connection.reads.load(Relaxed),
        connection.writes.load(Relaxed),
    );
    if reads != watched.reads {
        watched.reads = reads;
        watched.clock.on_read(now);
    }
    if writes != watched.writes {
        watched.writes = writes;
        watched.clock.on_write(now);
    }
    match watched.clock.poll(now) {
        TickAction::None => {}
        TickAction::SendTick => tick(connection, &socket),
        TickAction::Down if socket.has_input() => {
            watched.clock.on_read(now);
            tick(connection, &socket);
        }
        TickAction::Down => {
            drop(guard);
            connection.end(
                "net_tick_timeout",
                "silent for net_ticktime (net_tick_timeout)",
            );
        }
    }
}

fn tick(connection: &Connection, socket: &Socket) {
    let Some(established) = connection.established() else {
        return;
    };
    let Some(mut wire) = established.wire.try_lock() else {
        return;
    };
    let Some(wire) = wire.as_mut() else {
        return;
    };
    match wire.tick(|slices| socket.try_write_unscheduled(slices)) {
        // A rest, if any, is the writer's to flush.
        Ok(_) => connection.work.notify_one(),
        Err(error) => connection.write_failed(&format!("tick: {error}")),
    }
}

//! Ports for EPMDs of one's own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// A port that is free, and none that the system gives to others who ask for any: between the look and the use
/// somebody would get it now and then.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let process = (std::process::id() % 50) as u16;
        let port = 10_000 + process * 200 + NEXT.fetch_add(1, Relaxed) % 200;
        if TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

//! The one thing that the network knows of the node above it.

use std::sync::Arc;

use kista_dist::Control;
use kista_dist::frame::{Payload, Run};
use kista_etf::Pid;

use super::Connection;

/// What the network needs of the node above it. Called from reader tasks: must never block.
///
/// For one connection the calls come in this order: `up` at most once, `receiver` once, `down` exactly once. Between two
/// connections to the same peer: the older one's `down` has returned before the younger one's `up` is called.
/// A panic inside is caught, logged, and ends the connection.
pub(crate) trait Host: Send + Sync + 'static {
    /// Handshake done.
    fn up(&self, connection: &Arc<Connection>);

    /// Who takes what arrives by a connection that is up.
    fn receiver(self: Arc<Self>, connection: &Arc<Connection>) -> Box<dyn Receiver>;

    /// Issued by the reader after its last frame (also when a dial failed: then `was_up` is false).
    /// `watchers` are the pids that called [`Connection::watch`].
    fn down(&self, connection: &Arc<Connection>, was_up: bool, reason: &str, watchers: Vec<Pid>);
}

/// Takes the signals of one connection. Called from its reader task only: must never block.
pub(crate) trait Receiver: Send {
    /// A signal that arrived, in wire order.
    fn signal(&mut self, control: Control, payload: Option<Payload>);

    /// Several messages from one process to one other, that arrived one behind the other: the same as a `signal` for each.
    fn run(&mut self, control: Control, run: Run) {
        for payload in run.payloads() {
            self.signal(control.clone(), Some(payload));
        }
    }

    /// All that is there was handed over: nothing is to be remembered for what comes next.
    fn rest(&mut self) {}
}

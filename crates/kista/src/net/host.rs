//! The one thing that the network knows of the node above it.

use std::sync::Arc;

use kista_dist::Control;
use kista_dist::frame::{Payload, Run};
use kista_etf::Pid;

use super::Connection;

/// What the network needs of the node above it. Called from reader tasks: must never block.
///
/// For one connection the calls come in this order: `up` at most once, any number of `signal`s, `down` exactly once. Between two
/// connections to the same peer: the older one's `down` has returned before the younger one's `up` is called.
/// A panic inside is caught, logged, and ends the connection.
pub(crate) trait Host: Send + Sync + 'static {
    /// A signal that arrived, in wire order per connection.
    fn signal(&self, connection: &Arc<Connection>, control: Control, payload: Option<Payload>);

    /// Several messages from one process to one other, that arrived one behind the other: the same as a `signal` for each.
    fn run(&self, connection: &Arc<Connection>, control: Control, run: Run) {
        for payload in run.payloads() {
            self.signal(connection, control.clone(), Some(payload));
        }
    }

    /// Handshake done. Before the first `signal` of that connection.
    fn up(&self, connection: &Arc<Connection>);

    /// Issued by the reader after its last frame (also when a dial failed: then `was_up` is false).
    /// `watchers` are the pids that called [`Connection::watch`].
    fn down(&self, connection: &Arc<Connection>, was_up: bool, reason: &str, watchers: Vec<Pid>);
}

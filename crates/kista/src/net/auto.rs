//! When a signal may make a connection: kernel's `dist_auto_connect`.
//!
//! 1. [`Net::connect`](super::Net::connect) is never barred, nor is a peer that comes by itself.
//! 2. With [`AutoConnect::Once`] a node is barred when a connection that was up is lost; a dial that failed bars nothing.

use kista_etf::Atom;
use parking_lot::Mutex;
use rustc_hash::FxHashSet;

/// Whether a signal to a node that is not connected makes the connection.
///
/// Source: `dist_auto_connect` in the manual of OTP's kernel.
///
/// ```
/// assert_eq!(kista::AutoConnect::default(), kista::AutoConnect::Always);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoConnect {
    /// Every time: OTP's default.
    #[default]
    Always,
    /// Until the connection to that node is lost; then [`Node::connect`](crate::Node::connect) or the other side must make it.
    Once,
    /// Never: only [`Node::connect`](crate::Node::connect), kept and discovered peers, and the other side.
    Never,
}

/// The nodes whose connection was lost, under [`AutoConnect::Once`].
#[derive(Default)]
pub(super) struct Bars(Mutex<FxHashSet<Atom>>);

impl Bars {
    pub(super) fn lost(&self, policy: AutoConnect, node: Atom) {
        if policy == AutoConnect::Once {
            self.0.lock().insert(node);
        }
    }

    /// Whether a signal may dial `node`.
    pub(super) fn permit(&self, policy: AutoConnect, node: Atom) -> bool {
        match policy {
            AutoConnect::Always => true,
            AutoConnect::Once => !self.0.lock().contains(&node),
            AutoConnect::Never => false,
        }
    }
}

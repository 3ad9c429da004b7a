//! Errors of the network, by who is at fault.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kista_dist::handshake::HandshakeError;
use thiserror::Error;

use super::resolve::ResolveError;
use crate::epmd::EpmdError;

/// Why the network of a node did not start: its configuration or its machine.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// No port of the configured range could be listened on.
    #[error("cannot listen on {address}: {source}; choose another address or port range")]
    Listen {
        /// The last address and port that was tried.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// EPMD did not take the name.
    #[error("cannot register with EPMD: {0}")]
    Epmd(#[from] EpmdError),
    /// The system gave no random numbers.
    #[error("the system's random source failed: {0}")]
    Random(String),
    /// The node that was to give this one a name did not.
    #[error("no name from {by}: {why}")]
    Naming {
        /// Whom it was asked of.
        by: String,
        /// What went wrong.
        why: String,
    },
    /// The tick thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// Why there is no connection to be had. Nothing was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum NotConnected {
    /// It is our own name.
    #[error("that is this node itself")]
    OwnNode,
    /// The atom is no full node name.
    #[error("not a node name (name@host)")]
    BadName,
    /// This node's network is stopped, or not open yet.
    #[error("the network of this node is not running")]
    NotRunning,
    /// A signal is no reason to connect.
    #[error("not connected, and this node's auto_connect does not let a signal change that")]
    NotAutomatic,
    /// The connection that brought our name is gone, and a signal is no reason for another.
    #[error(
        "this node lost its name with the node that gave it; connect to a node to get another one"
    )]
    NameLost,
}

/// Why a node was not connected to.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub(crate) enum ConnectError {
    /// Nothing was tried.
    #[error(transparent)]
    NotConnected(#[from] NotConnected),
    /// It was tried and failed.
    #[error("{0}")]
    Failed(String),
}

/// Why one attempt at dialling failed.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    #[error("{0}")]
    Resolve(#[from] ResolveError),
    #[error("cannot connect to {address}: {source}")]
    Connect { address: String, source: io::Error },
    #[error("handshake: {0}")]
    Handshake(#[from] HandshakeError),
    #[error("handshake: {0}")]
    Io(#[from] io::Error),
    #[error("the peer closed the connection in the handshake (a wrong cookie ends this way)")]
    Closed,
    #[error("no connection within the setup time")]
    Timeout,
    #[error(
        "the peer did not speak TLS with this node within the setup time; perhaps it speaks plain distribution"
    )]
    NoTls,
    #[error("the peer speaks TLS, and this node dialled it without")]
    SpeaksTls,
    #[cfg(feature = "tls")]
    #[error("{0}")]
    Tls(#[from] crate::tls::Failure),
    #[error("an existing connection is kept")]
    Kept,
    #[error("the system's random source failed")]
    Random,
}

impl DialError {
    /// `in_tls`: it was for the peer to speak TLS.
    pub(super) fn out_of_time(in_tls: &AtomicBool) -> Self {
        match in_tls.load(Relaxed) {
            true => Self::NoTls,
            false => Self::Timeout,
        }
    }
}

use std::fmt;
#[cfg(feature = "http")]
use std::net::SocketAddr;

use crate::net::{self, NodeNameError};

/// Why a node did not start. Each says what to change.
///
/// `Debug` shows the same sentence as `Display`: it is what a `main` that returns the error prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The name is none.
    #[error("not a node name: {0}")]
    Name(#[from] NodeNameError),
    /// A name and `named_by`, or neither.
    #[error(
        "a node without a name is called undefined, and says by named_by which node gives it one"
    )]
    Undefined,
    /// No cookie: none was given, and there is none in `KISTA_COOKIE` or the user's cookie file.
    #[error("no cookie: {0}")]
    Cookie(String),
    /// `ERL_EPMD_PORT` holds something else than a port.
    #[error("ERL_EPMD_PORT is not a port: {0:?}")]
    EpmdPort(String),
    /// Certificates that cannot be used.
    #[cfg(feature = "tls")]
    #[error("TLS: {0}")]
    Tls(#[from] crate::tls::TlsError),
    /// The network did not start.
    #[error(transparent)]
    Network(#[from] net::StartError),
    /// Built with `panic = "abort"`: one process's panic would end the program.
    #[error("Kista needs panics to unwind: remove panic = \"abort\" from the Cargo profile")]
    PanicAborts,
    /// Not inside a tokio runtime.
    #[error("a node is started inside a tokio runtime with time and I/O enabled")]
    NoRuntime,
    /// A signal can not be listened to.
    #[error("cannot listen to signals: {0}")]
    Signals(String),
    /// The port for HTTP can not be listened on.
    #[cfg(feature = "http")]
    #[error("cannot answer by HTTP at {0}: {1}")]
    Http(SocketAddr, #[source] std::io::Error),
    /// An application did not start with the node.
    #[error(transparent)]
    Application(#[from] crate::application::ApplicationError),
    /// A system process did not start.
    #[error("a system process did not start: {0}")]
    System(#[from] crate::StartError),
}

impl fmt::Debug for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why another node was not connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Not a full node name.
    #[error("{0:?} is not a node name: write name@host")]
    BadName(String),
    /// This node has no network, or is stopping.
    #[error("the network of this node is not running")]
    NotRunning,
    /// It was tried: no such node, no answer, or a wrong cookie.
    #[error("cannot connect to {node}: {reason}")]
    Failed {
        /// The other node.
        node: String,
        /// What went wrong.
        reason: String,
    },
}

impl ConnectError {
    pub(super) fn new(node: &str, error: net::ConnectError) -> Self {
        match error {
            net::ConnectError::NotConnected(net::NotConnected::NotRunning) => Self::NotRunning,
            net::ConnectError::NotConnected(net::NotConnected::BadName) => {
                Self::BadName(node.to_owned())
            }
            other => Self::Failed {
                node: node.to_owned(),
                reason: other.to_string(),
            },
        }
    }
}

use std::sync::{Arc, Weak};

use crate::net::Connection;

/// The way that a relation goes: what is said about a link or a monitor goes through the very connection that it was
/// made by, also while that one is still being set up, and never through a later one, whose peer knows nothing of it.
#[derive(Clone)]
pub(crate) enum Via {
    /// Within the node.
    Here,
    /// The connection's id, which outlives it in the records, and the connection.
    Connection(u64, Weak<Connection>),
}

impl Via {
    pub(crate) fn is(&self, connection: u64) -> bool {
        matches!(self, Self::Connection(id, _) if *id == connection)
    }
}

impl PartialEq for Via {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Here, Self::Here) => true,
            (Self::Connection(id, _), other) => other.is(*id),
            _ => false,
        }
    }
}

impl From<&Arc<Connection>> for Via {
    fn from(connection: &Arc<Connection>) -> Self {
        Self::Connection(connection.id(), Arc::downgrade(connection))
    }
}

impl From<Option<&Arc<Connection>>> for Via {
    fn from(connection: Option<&Arc<Connection>>) -> Self {
        connection.map_or(Self::Here, Self::from)
    }
}

impl std::fmt::Debug for Via {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Here => f.write_str("Here"),
            Self::Connection(id, _) => write!(f, "Connection({id})"),
        }
    }
}

//! From a node's name to where it listens, and from a place to the names of the nodes there.
//!
//! A [`Resolver`] says where one node is that shall be dialled; a [`Discovery`] says which nodes there are. A node has one resolver
//! ([`NodeBuilder::resolver`](crate::NodeBuilder::resolver), EPMD unless another is given) and any number of discoveries
//! ([`NodeBuilder::discover`](crate::NodeBuilder::discover)). Both are traits to be implemented by anybody, and object-safe.
//!
//! Neither is trusted: who answers at an address must still know the cookie and say the name that was dialled.

#[cfg(feature = "dns")]
mod dns;
mod epmd_hosts;
mod epmd_resolver;
mod fixed_port;
#[cfg(feature = "dns")]
mod srv;
mod static_table;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use thiserror::Error;

#[cfg(feature = "dns")]
pub use dns::{Dns, HeadlessService};
pub use epmd_hosts::EpmdHosts;
pub use epmd_resolver::EpmdResolver;
pub use fixed_port::FixedPort;
pub use static_table::StaticTable;

use crate::epmd::EpmdError;

/// Addresses in the order in which they are tried.
pub type Addresses = Vec<SocketAddr>;

/// What a resolver or a discovery returns: a boxed future, so that both can be trait objects.
pub type Resolving<'a, T> = Pin<Box<dyn Future<Output = Result<T, ResolveError>> + Send + 'a>>;

/// Says where a node listens.
///
/// ```
/// use std::net::SocketAddr;
/// use kista::resolve::{Addresses, ResolveError, Resolver, Resolving};
///
/// /// Every node is on this host, at a port that its name tells.
/// struct ByNumber;
///
/// impl Resolver for ByNumber {
///     fn resolve<'a>(&'a self, alive: &'a str, _host: &'a str) -> Resolving<'a, Addresses> {
///         Box::pin(async move {
///             let number: u16 = alive.trim_start_matches("worker").parse().map_err(ResolveError::other)?;
///             Ok(vec![SocketAddr::from(([127, 0, 0, 1], 9000 + number))])
///         })
///     }
/// }
/// # let _: Box<dyn Resolver> = Box::new(ByNumber);
/// ```
pub trait Resolver: Send + Sync + 'static {
    /// Where the node `alive@host` listens: the addresses to try, best first. It is asked for every attempt at dialling, within whose time
    /// (7 s) it must answer.
    ///
    /// # Errors
    /// Why there is no address: the attempt fails with this text.
    fn resolve<'a>(&'a self, alive: &'a str, host: &'a str) -> Resolving<'a, Addresses>;
}

/// Says which nodes there are.
pub trait Discovery: Send + Sync + 'static {
    /// The full names of the nodes that there are now. This node's own may be among them.
    ///
    /// # Errors
    /// Nobody could be asked: it is logged, and asked again in the next round.
    fn discover(&self) -> Resolving<'_, Vec<String>>;
}

/// Why a node was not found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// EPMD did not answer, or does not know the node.
    #[error(transparent)]
    Epmd(#[from] EpmdError),
    /// The host has no address.
    #[error("cannot resolve {host}: {source}")]
    Host {
        /// The host part of the node's name, or of its route.
        host: String,
        /// What the system said.
        source: io::Error,
    },
    /// The table has no such node.
    #[error("no address is known for {node}: add it to the table, or a route to it")]
    Unknown {
        /// The node's full name.
        node: String,
    },
    /// No port is known.
    #[error("EPMD is off and no port is configured that peers could be expected on")]
    NoPort,
    /// DNS has no such record, or does not answer.
    #[error("DNS: no answer for {query}: {why}")]
    Dns {
        /// The name that was looked up.
        query: String,
        /// What went wrong.
        why: String,
    },
    /// An error of a resolver that is not ours.
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl ResolveError {
    /// An error of one's own resolver.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

/// The addresses of a host part, version 4 first: EPMD and nodes usually listen there.
pub(crate) async fn host_addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![ip]);
    }
    let mut ips: Vec<_> = tokio::net::lookup_host((host, 0))
        .await?
        .map(|a| a.ip())
        .collect();
    ips.sort_by_key(|ip| ip.is_ipv6());
    ips.dedup();
    Ok(ips)
}

async fn addresses_of(host: &str) -> Result<Vec<IpAddr>, ResolveError> {
    host_addresses(host)
        .await
        .map_err(|source| ResolveError::Host {
            host: host.to_owned(),
            source,
        })
}

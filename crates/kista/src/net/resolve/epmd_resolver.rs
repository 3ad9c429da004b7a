use std::net::SocketAddr;

use super::{Addresses, ResolveError, Resolver, Resolving, addresses_of};
use crate::epmd;

/// Asks the EPMD on the node's host, as OTP does: what a node uses unless it is told otherwise.
///
/// The host's addresses are asked in turn until an EPMD knows the node; that address comes first in the answer, the others behind it.
///
/// ```
/// let resolver = kista::resolve::EpmdResolver::new(4369);
/// # let _: Box<dyn kista::resolve::Resolver> = Box::new(resolver);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpmdResolver {
    port: u16,
}

impl EpmdResolver {
    /// EPMDs listen at this port on every host.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self { port }
    }
}

impl Resolver for EpmdResolver {
    fn resolve<'a>(&'a self, alive: &'a str, host: &'a str) -> Resolving<'a, Addresses> {
        Box::pin(async move {
            let ips = addresses_of(host).await?;
            let mut last = None;
            for (i, &ip) in ips.iter().enumerate() {
                match epmd::lookup(SocketAddr::new(ip, self.port), alive).await {
                    Ok(port) => {
                        let others = ips.iter().enumerate().filter(|(j, _)| *j != i);
                        let first = std::iter::once(ip);
                        return Ok(first
                            .chain(others.map(|(_, &ip)| ip))
                            .map(|ip| SocketAddr::new(ip, port))
                            .collect());
                    }
                    Err(error) => last = Some(error),
                }
            }
            Err(match last {
                Some(error) => error.into(),
                None => ResolveError::Host {
                    host: host.to_owned(),
                    source: std::io::ErrorKind::NotFound.into(),
                },
            })
        })
    }
}

use std::net::SocketAddr;

use tokio::task::JoinSet;

use super::{Discovery, ResolveError, Resolving, addresses_of};
use crate::epmd;
use crate::log::Escaped;

/// Discovery by EPMD: all nodes that are registered on these hosts. (libcluster calls it `Epmd` and `LocalEpmd`.)
///
/// Hosts that do not answer are left out of the round; only when none answers is it an error.
///
/// ```
/// let hosts = kista::resolve::EpmdHosts::new(["10.0.0.1", "10.0.0.2"]).port(4370);
/// # let _: Box<dyn kista::resolve::Discovery> = Box::new(hosts);
/// ```
#[derive(Clone, Debug)]
pub struct EpmdHosts {
    hosts: Vec<String>,
    port: u16,
}

impl EpmdHosts {
    /// These hosts, as they stand in the names of their nodes.
    #[must_use]
    pub fn new(hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            hosts: hosts.into_iter().map(Into::into).collect(),
            port: 4369,
        }
    }

    /// EPMD's port on each of them; 4369 otherwise.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }
}

impl Discovery for EpmdHosts {
    fn discover(&self) -> Resolving<'_, Vec<String>> {
        Box::pin(async move {
            let mut asked = JoinSet::new();
            for host in self.hosts.clone() {
                let port = self.port;
                asked.spawn(async move { (names(&host, port).await, host) });
            }
            let (mut found, mut answered, mut last) = (Vec::new(), self.hosts.is_empty(), None);
            while let Some(done) = asked.join_next().await {
                match done {
                    Ok((Ok(names), host)) => {
                        answered = true;
                        found.extend(names.into_iter().map(|name| format!("{name}@{host}")));
                    }
                    Ok((Err(error), host)) => {
                        let error = Escaped(error);
                        tracing::debug!(host, %error, "its EPMD was not reached");
                        last = Some(error.0);
                    }
                    Err(_) => {}
                }
            }
            match last {
                Some(error) if !answered => Err(error),
                _ => Ok(found),
            }
        })
    }
}

/// The names that one host's EPMD knows.
async fn names(host: &str, port: u16) -> Result<Vec<String>, ResolveError> {
    let mut last = None;
    for ip in addresses_of(host).await? {
        match epmd::names(SocketAddr::new(ip, port)).await {
            Ok(names) => return Ok(names),
            Err(error) => last = Some(error.into()),
        }
    }
    Err(last.unwrap_or_else(|| ResolveError::Host {
        host: host.to_owned(),
        source: std::io::ErrorKind::NotFound.into(),
    }))
}

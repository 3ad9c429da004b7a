//! Where single nodes are, without asking anybody.

use kista_dist::handshake::Cookie;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use super::error::DialError;
use super::resolve::{Addresses, ResolveError, host_addresses};
use super::transport::{Over, Transport};

/// The way to one node: its host and port, without EPMD or any other resolver, and perhaps its own cookie and its own TLS.
///
/// ```
/// let route = kista::Route::to("10.0.0.7", 9100).cookie("another");
/// assert_eq!(route.port(), 9100);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Route {
    host: String,
    port: u16,
    cookie: Option<Cookie>,
    over: Over,
}

impl Route {
    /// To this host (a name or an IP literal; not the one in the node's name, if they differ) and port.
    #[must_use]
    pub fn to(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            cookie: None,
            over: Over::Default,
        }
    }

    /// The cookie that is spoken with that node, whoever dials; an empty one is refused when the route is given to a node.
    #[must_use]
    pub fn cookie(mut self, cookie: impl AsRef<str>) -> Self {
        self.cookie = Some(Cookie::from(cookie.as_ref()));
        self
    }

    /// Over TLS of its own, whatever the node speaks with others. A node of that name is let in over TLS only, then.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: crate::Tls) -> Self {
        self.over = Over::Tls(tls);
        self
    }

    /// Without TLS, whatever the node speaks with others.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.over = Over::Plain;
        self
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn over(&self) -> &Over {
        &self.over
    }

    /// Whether its cookie is one that everybody could guess.
    pub(crate) fn has_empty_cookie(&self) -> bool {
        self.cookie.as_ref().is_some_and(Cookie::is_empty)
    }
}

/// All routes of a node, by the full name of where they lead.
#[derive(Default)]
pub(super) struct Routes(RwLock<FxHashMap<String, (Route, Option<Transport>)>>);

impl Routes {
    pub(super) fn new(routes: FxHashMap<String, (Route, Option<Transport>)>) -> Self {
        Self(RwLock::new(routes))
    }

    pub(super) fn put(&self, node: &str, route: Route, transport: Option<Transport>) {
        self.0.write().insert(node.to_owned(), (route, transport));
    }

    pub(super) fn remove(&self, node: &str) -> bool {
        self.0.write().remove(node).is_some()
    }

    pub(super) fn cookie(&self, node: &str) -> Option<Cookie> {
        self.0.read().get(node)?.0.cookie.clone()
    }

    /// What is spoken with `node`, if its route says so.
    pub(super) fn transport(&self, node: &str) -> Option<Transport> {
        self.0.read().get(node)?.1.clone()
    }

    #[cfg(feature = "tls")]
    pub(super) fn transports(&self) -> Vec<Transport> {
        self.0
            .read()
            .values()
            .filter_map(|(_, t)| t.clone())
            .collect()
    }

    /// The addresses of `node` if it has a route.
    pub(super) async fn addresses(&self, node: &str) -> Result<Option<Addresses>, DialError> {
        let Some((route, _)) = self.0.read().get(node).cloned() else {
            return Ok(None);
        };
        let ips = host_addresses(&route.host)
            .await
            .map_err(|source| ResolveError::Host {
                host: route.host,
                source,
            })?;
        Ok(Some(
            ips.into_iter().map(|ip| (ip, route.port).into()).collect(),
        ))
    }
}

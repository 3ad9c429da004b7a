//! Where single nodes are, without asking anybody.

use kista_dist::handshake::Cookie;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use super::error::DialError;
use super::resolve::{Addresses, ResolveError, host_addresses};

/// The way to one node: its host and port, without EPMD or any other resolver, and perhaps its own cookie.
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
}

impl Route {
    /// To this host (a name or an IP literal; not the one in the node's name, if they differ) and port.
    #[must_use]
    pub fn to(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            cookie: None,
        }
    }

    /// The cookie that is spoken with that node, whoever dials; an empty one is refused when the route is given to a node.
    #[must_use]
    pub fn cookie(mut self, cookie: impl AsRef<str>) -> Self {
        self.cookie = Some(Cookie::from(cookie.as_ref()));
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

    /// Whether its cookie is one that everybody could guess.
    pub(crate) fn has_empty_cookie(&self) -> bool {
        self.cookie.as_ref().is_some_and(Cookie::is_empty)
    }
}

/// All routes of a node, by the full name of where they lead.
#[derive(Default)]
pub(super) struct Routes(RwLock<FxHashMap<String, Route>>);

impl Routes {
    pub(super) fn new(routes: FxHashMap<String, Route>) -> Self {
        Self(RwLock::new(routes))
    }

    pub(super) fn put(&self, node: &str, route: Route) {
        self.0.write().insert(node.to_owned(), route);
    }

    pub(super) fn remove(&self, node: &str) -> bool {
        self.0.write().remove(node).is_some()
    }

    pub(super) fn cookie(&self, node: &str) -> Option<Cookie> {
        self.0.read().get(node)?.cookie.clone()
    }

    /// The addresses of `node` if it has a route.
    pub(super) async fn addresses(&self, node: &str) -> Result<Option<Addresses>, DialError> {
        let Some(route) = self.0.read().get(node).cloned() else {
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

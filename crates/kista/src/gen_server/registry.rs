use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use kista_etf::{Pid, Term};

/// A registry of names beside the node's own: OTP's `{via, Module, Name}`.
///
/// A server starts under such a name by [`Spawn::via`](crate::Spawn::via), and is reached by
/// [`Node::server_via`](crate::Node::server_via). Rules, as in OTP:
/// 1. The new process is registered before `init` runs; when `init` fails it is unregistered.
/// 2. A process that ends later is the registry's to forget: it monitors what it holds. Until then who asks for the name finds
///    a dead process, which is like none.
///
/// Source: `gen_server:start_link/4` and `global` in OTP.
pub trait NameRegistry: Send + Sync + 'static {
    /// Gives the name to a process.
    ///
    /// # Errors
    /// The process that holds it.
    fn register<'a>(
        &'a self,
        name: &'a Term,
        pid: Pid,
    ) -> Pin<Box<dyn Future<Output = Result<(), Pid>> + Send + 'a>>;

    /// Frees the name, if this process holds it.
    fn unregister(&self, name: &Term, pid: Pid);

    /// Who holds the name now, here or on another node. Called for each message: it must be quick.
    fn whereis(&self, name: &Term) -> Option<Pid>;
}

/// A name in a registry.
#[derive(Clone)]
pub(crate) struct ViaName {
    pub(crate) registry: Arc<dyn NameRegistry>,
    pub(crate) name: Term,
}

impl ViaName {
    pub(crate) fn whereis(&self) -> Option<Pid> {
        self.registry.whereis(&self.name)
    }
}

impl fmt::Display for ViaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{via,{}}}", self.name)
    }
}

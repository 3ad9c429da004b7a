//! Which functions other nodes may run here, by module, name and arity.
//!
//! Rules:
//! 1. What is not here does not exist for other nodes: it is `undef`, as in Erlang. So is what a peer may not call. Behind it are only
//!    the functions that look at a node: see `inspection/`.
//! 2. Names of modules and functions that peers send are looked up, never made atoms.
//! 3. A function is found when a request arrives; one that runs by then is not touched when it is taken away.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use kista_etf::{Atom, AtomName};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use super::function::{Callable, MAX_ARITY, callable};
use super::{Function, Remote, inspection};
use crate::node::Node;

/// Which nodes may call an exposed function.
///
/// ```
/// use kista::Peers;
/// let anybody = Peers::any();
/// let two = Peers::only(["erl@127.0.0.1", "ex@127.0.0.1"]);
/// let web = Peers::matching(|node| node.starts_with("web"));
/// let nobody = Peers::none();
/// ```
/// A peer is known by the name with which it connected: whoever has the cookie can connect by any name that is free. This node
/// itself may always call.
#[derive(Clone)]
pub struct Peers(Rule);

#[derive(Clone)]
enum Rule {
    Any,
    Only(Arc<HashSet<String>>),
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl Peers {
    /// Every node that is connected.
    #[must_use]
    pub const fn any() -> Self {
        Self(Rule::Any)
    }

    /// No other node.
    #[must_use]
    pub fn none() -> Self {
        Self::only::<String>([])
    }

    /// These nodes, by full name.
    pub fn only<N: Into<String>>(nodes: impl IntoIterator<Item = N>) -> Self {
        Self(Rule::Only(Arc::new(
            nodes.into_iter().map(Into::into).collect(),
        )))
    }

    /// The nodes for whose full name this is true. It runs where requests arrive: it must not block.
    pub fn matching(rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Rule::Matching(Arc::new(rule)))
    }

    pub(super) fn admit(&self, peer: &str) -> bool {
        match &self.0 {
            Rule::Any => true,
            Rule::Only(nodes) => nodes.contains(peer),
            Rule::Matching(rule) => rule(peer),
        }
    }
}

impl fmt::Debug for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Any => f.write_str("Peers(any)"),
            Rule::Only(nodes) => write!(f, "Peers(only {nodes:?})"),
            Rule::Matching(_) => f.write_str("Peers(matching)"),
        }
    }
}

/// Why a function was not exposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExposeError {
    /// The name of the module or function is no atom: it has more than 255 characters.
    #[error("{0:?} has more than 255 characters and is no atom")]
    BadName(String),
    /// A function of this module, name and arity is exposed: take it away with [`Node::unexpose`] first.
    #[error("{0} is exposed already")]
    Taken(String),
}

/// All that is exposed by one node.
#[derive(Default)]
pub(crate) struct Exposed(RwLock<FxHashMap<(Atom, Atom), Vec<Entry>>>);

struct Entry {
    arity: usize,
    peers: Peers,
    function: Arc<dyn Callable>,
}

impl Exposed {
    fn add(&self, name: (Atom, Atom), entry: Entry) -> Result<(), ExposeError> {
        let mut exposed = self.0.write();
        let entries = exposed.entry(name).or_default();
        if entries.iter().any(|other| other.arity == entry.arity) {
            let (module, function) = name;
            let taken = format!("{module}:{function}/{}", entry.arity);
            return Err(ExposeError::Taken(taken));
        }
        entries.push(entry);
        Ok(())
    }

    fn remove(&self, name: (Atom, Atom), arity: usize) -> bool {
        let mut exposed = self.0.write();
        let Some(entries) = exposed.get_mut(&name) else {
            return false;
        };
        let before = entries.len();
        entries.retain(|entry| entry.arity != arity);
        let removed = entries.len() < before;
        if entries.is_empty() {
            exposed.remove(&name);
        }
        removed
    }

    fn find(&self, name: (Atom, Atom), arity: usize) -> Option<(Peers, Arc<dyn Callable>)> {
        let exposed = self.0.read();
        let entry = exposed.get(&name)?.iter().find(|e| e.arity == arity)?;
        Some((entry.peers.clone(), Arc::clone(&entry.function)))
    }

    pub(super) fn contains(&self, module: Atom, function: Option<(Atom, usize)>) -> bool {
        let exposed = self.0.read();
        match function {
            None => exposed.keys().any(|(m, _)| *m == module),
            Some((function, arity)) => exposed
                .get(&(module, function))
                .is_some_and(|entries| entries.iter().any(|entry| entry.arity == arity)),
        }
    }

    fn all(&self) -> Vec<(Atom, Atom, usize)> {
        let exposed = self.0.read();
        let mut all: Vec<_> = exposed
            .iter()
            .flat_map(|(&(module, function), entries)| {
                entries.iter().map(move |e| (module, function, e.arity))
            })
            .collect();
        all.sort_unstable_by(|a, b| {
            let text = |&(m, f, arity): &(Atom, Atom, usize)| (m.as_str(), f.as_str(), arity);
            text(a).cmp(&text(b))
        });
        all
    }
}

impl Remote {
    /// The function, if there is one and this peer may call it. `None` as the peer: this node.
    pub(super) fn find(
        &self,
        module: &AtomName,
        function: &AtomName,
        arity: usize,
        peer: Option<Atom>,
    ) -> Option<Arc<dyn Callable>> {
        if arity > MAX_ARITY {
            return None;
        }
        let (module, function) = (known(module)?, known(function)?);
        let (peers, callable) = match self.exposed.find((module, function), arity) {
            Some(exposed) => exposed,
            None => {
                let callable = inspection::find(module, function, arity)?;
                let peers = match inspection::stops(module, function) {
                    true => &self.stoppers,
                    false => &self.inspectors,
                };
                (peers.clone(), callable)
            }
        };
        // A rule is the user's code: not under the lock.
        if let Some(peer) = peer
            && !peers.admit(peer.as_str())
        {
            self.log_refused(peer, format_args!("{module}:{function}/{arity}"));
            return None;
        }
        Some(callable)
    }
}

/// Text that is no atom by now is the name of nothing.
fn known(name: &AtomName) -> Option<Atom> {
    match name {
        AtomName::Interned(atom) => Some(*atom),
        AtomName::Text(text) => Atom::lookup(text.as_str()),
    }
}

impl Node {
    /// Lets every connected node run this function: by `spawn` and its kin, by `rpc` and by `erpc`, as if it were the function
    /// `Module:Function/Arity` of an Erlang module. Whatever was not exposed is `undef` for them, but for what looks at the node:
    /// see [`NodeBuilder::inspectable_by`](crate::NodeBuilder::inspectable_by).
    ///
    /// Each call runs in a process of its own, whose [`ProcessCx`](crate::ProcessCx) the function gets when it asks for it as its
    /// first argument. Arguments that are not of its types are a `function_clause` error. A panic is an error `{panic, Text}`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = kista::Node::builder("expose@127.0.0.1").no_network().start().await?;
    /// use kista::{Atom, Pid, ProcessCx, Raise};
    ///
    /// node.expose("demo", "add", async |a: i64, b: i64| a + b)?;
    /// node.expose("demo", "fail", async || Err::<(), _>(Raise::error(Atom::from_static("boom"))))?;
    /// node.expose("demo", "pinger", async |cx: ProcessCx, to: Pid, n: u32| {
    ///     for i in 1..=n {
    ///         let _ = cx.send(to, &(Atom::from_static("ping"), cx.pid(), i)).await;
    ///     }
    /// })?;
    /// let sum: i64 = node.erpc(node.name(), ("demo", "add"), (1, 2)).await?;
    /// assert_eq!(sum, 3);
    /// # node.stop().await; Ok(()) }
    /// ```
    /// and from Erlang: `erpc:call(Node, demo, add, [1, 2])`, `spawn_link(Node, demo, pinger, [self(), 3])`.
    ///
    /// # Errors
    /// See [`ExposeError`].
    pub fn expose<Shape: 'static, F: Function<Shape>>(
        &self,
        module: &str,
        function: &str,
        code: F,
    ) -> Result<(), ExposeError> {
        self.expose_to(Peers::any(), module, function, code)
    }

    /// As [`expose`](Self::expose), to some nodes only: for all others the function is `undef`.
    ///
    /// # Errors
    /// See [`ExposeError`].
    pub fn expose_to<Shape: 'static, F: Function<Shape>>(
        &self,
        peers: Peers,
        module: &str,
        function: &str,
        code: F,
    ) -> Result<(), ExposeError> {
        let entry = Entry {
            arity: F::ARITY,
            peers,
            function: callable(code),
        };
        let atom = |name: &str| Atom::new(name).map_err(|_| ExposeError::BadName(name.to_owned()));
        self.remote()
            .exposed
            .add((atom(module)?, atom(function)?), entry)
    }

    /// Takes an exposed function away; false when there was none. Processes that run it go on.
    pub fn unexpose(&self, module: &str, function: &str, arity: usize) -> bool {
        match (Atom::lookup(module), Atom::lookup(function)) {
            (Some(module), Some(function)) => {
                self.remote().exposed.remove((module, function), arity)
            }
            _ => false,
        }
    }

    /// What is exposed: module, function and arity, in the order of their names; without what is served to look at the node
    /// ([`NodeBuilder::inspectable_by`](crate::NodeBuilder::inspectable_by)).
    pub fn exposed(&self) -> Vec<(Atom, Atom, usize)> {
        self.remote().exposed.all()
    }
}

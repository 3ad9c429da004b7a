//! Who is told of nodes that come and go: `net_kernel:monitor_nodes/1,2`, and `erlang:monitor_node/2`.
//!
//! Rules, all OTP's:
//! 1. A subscription is as good as its options: the same ones again are counted, and give as many messages; one `false` ends all of
//!    them. Others of the same process go on.
//! 2. `nodeup` comes when the node is among [`Node::nodes`], and before anything that the node sends by the new connection.
//! 3. `nodedown` comes when it is not any more, after all that came by the connection, and after the `noconnection` of links and
//!    monitors; and before the `nodeup` of the connection that follows.
//! 4. A process gets the messages of one change in the order in which it first subscribed to each form.
//! 5. `monitor_node` is of one connection, which it makes when there is none: one `nodedown` for each call, and it is used up.
//!
//! Source: `net_kernel:monitor_nodes/2` in the manual of kernel, `erlang:monitor_node/2` in that of erts; shapes and orders that they
//! leave open, as OTP 25, 27 and 29 have them.

use std::sync::Arc;

use kista_etf::{Atom, Pid, Term, atoms};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::Node;
use crate::net::{Connection, NotConnected};
use crate::process::{Info, Me};

/// What [`Me::monitor_nodes_with`] is to tell: the options of `net_kernel:monitor_nodes/2`. Without any: `{nodeup, Node}` and
/// `{nodedown, Node}` of visible nodes, as from [`Me::monitor_nodes`].
///
/// ```
/// use kista::MonitorNodes;
/// // [{node_type, all}, nodedown_reason]: {nodedown, Node, [{nodedown_reason, R}, {node_type, T}]}
/// let told_more = MonitorNodes::new().all().nodedown_reason();
/// // #{connection_id => true}: {nodeup, Node, #{connection_id => I}}
/// let as_map = MonitorNodes::new().connection_id().as_map();
/// assert_ne!(told_more, as_map);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct MonitorNodes {
    /// `None`: visible ones, and it is not said.
    types: Option<Types>,
    nodedown_reason: bool,
    connection_id: bool,
    as_map: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Types {
    Visible,
    Hidden,
    All,
}

impl MonitorNodes {
    /// No options.
    pub const fn new() -> Self {
        Self {
            types: None,
            nodedown_reason: false,
            connection_id: false,
            as_map: false,
        }
    }

    /// `{node_type, visible}`: of visible nodes, and the messages say so.
    pub const fn visible(mut self) -> Self {
        self.types = Some(Types::Visible);
        self
    }

    /// `{node_type, hidden}`: of hidden nodes only.
    pub const fn hidden(mut self) -> Self {
        self.types = Some(Types::Hidden);
        self
    }

    /// `{node_type, all}`: of both, and the messages say which.
    pub const fn all(mut self) -> Self {
        self.types = Some(Types::All);
        self
    }

    /// `nodedown_reason`: why the connection ended.
    pub const fn nodedown_reason(mut self) -> Self {
        self.nodedown_reason = true;
        self
    }

    /// `connection_id`: which connection it is; the same in its `nodeup` and its `nodedown`, and in no other's.
    pub const fn connection_id(mut self) -> Self {
        self.connection_id = true;
        self
    }

    /// The options as a map, with which the messages have a map too.
    pub const fn as_map(mut self) -> Self {
        self.as_map = true;
        self
    }

    const fn wants(self, hidden: bool) -> bool {
        match self.types {
            None | Some(Types::Visible) => !hidden,
            Some(Types::Hidden) => hidden,
            Some(Types::All) => true,
        }
    }

    const fn is_plain(self) -> bool {
        self.types.is_none() && !self.nodedown_reason && !self.connection_id && !self.as_map
    }

    fn message(self, change: &Change<'_>) -> Info {
        if self.is_plain() {
            return match change.reason {
                None => Info::NodeUp(change.node),
                Some(_) => Info::NodeDown(change.node),
            };
        }
        let reason = change.reason.filter(|_| self.nodedown_reason);
        Info::NodeStatus(Box::new(NodeStatus {
            node: change.node,
            up: change.reason.is_none(),
            hidden: self.types.map(|_| change.hidden),
            connection_id: self.connection_id.then_some(change.connection),
            nodedown_reason: reason.and_then(|reason| Atom::new(reason).ok()),
            as_map: self.as_map,
        }))
    }
}

/// `{nodeup, Node, Info}` or `{nodedown, Node, Info}`: what [`Me::monitor_nodes_with`] asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStatus {
    /// The other node.
    pub node: Atom,
    /// Whether it came; else it went.
    pub up: bool,
    /// Whether the connection is a hidden one: either side is. Only if node types were asked for.
    pub hidden: Option<bool>,
    /// Which connection; only if asked for.
    pub connection_id: Option<u64>,
    /// Why it went, if that was asked for: `connection_closed`, `disconnect`, `net_tick_timeout`, `net_kernel_terminated`.
    pub nodedown_reason: Option<Atom>,
    as_map: bool,
}

impl NodeStatus {
    /// The message as Erlang has it.
    pub fn to_term(&self) -> Term {
        let hidden = self.hidden.map(|hidden| match hidden {
            true => "hidden",
            false => "visible",
        });
        // In the order of OTP's lists.
        let info = [
            ("connection_id", self.connection_id.map(Term::from)),
            ("nodedown_reason", self.nodedown_reason.map(Term::from)),
            (
                "node_type",
                hidden.map(|hidden| Term::from(Atom::from_static(hidden))),
            ),
        ];
        let info = info
            .into_iter()
            .filter_map(|(key, value)| Some((Term::from(Atom::from_static(key)), value?)));
        let info = match self.as_map {
            true => Term::map(info.collect::<Vec<_>>()),
            false => Some(Term::list(
                info.map(|(key, value)| Term::tuple([key, value])),
            )),
        };
        let tag = match self.up {
            true => atoms::NODEUP,
            false => atoms::NODEDOWN,
        };
        let info = info.unwrap_or_else(|| unreachable!("the keys differ"));
        Term::tuple([Term::from(tag), Term::from(self.node), info])
    }
}

impl Me {
    /// Receive [`Info::NodeUp`] and [`Info::NodeDown`] of visible nodes from now on, or no more: `net_kernel:monitor_nodes/1`. Said
    /// twice it is told twice; `false` ends both.
    pub fn monitor_nodes(&self, on: bool) {
        self.monitor_nodes_with(on, MonitorNodes::new());
    }

    /// As [`monitor_nodes`](Self::monitor_nodes), of other nodes too, or more about each: `net_kernel:monitor_nodes/2`. What is
    /// received is an [`Info::NodeStatus`], unless there are no options. `false` ends the subscriptions with these options.
    pub fn monitor_nodes_with(&self, on: bool, options: MonitorNodes) {
        let monitors = self.node().node_monitors();
        if on {
            self.set_told_of_nodes();
            monitors.subscribe(self.pid(), options);
        } else {
            monitors.unsubscribe(self.pid(), options);
        }
    }

    /// Receive [`Info::NodeDown`] once when the connection to that node is lost, for each call with `true`; a call with `false` takes
    /// one back. A node that is not connected is dialled; one that cannot be reached, or be the name of a node, is down at once. This
    /// node is never down. `erlang:monitor_node/2`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = kista::Node::builder("watch@127.0.0.1").no_network().start().await?;
    /// # let (done, ended) = tokio::sync::oneshot::channel();
    /// use kista::{Atom, Info};
    /// node.spawn_fn(async move |mut cx| {
    ///     let nobody = Atom::from_static("nobody@127.0.0.1");
    ///     cx.monitor_node(nobody, true);
    ///     assert_eq!(cx.receive().await, Info::NodeDown(nobody));
    ///     # done.send(()).unwrap();
    /// })?;
    /// # ended.await?; node.stop().await; Ok(()) }
    /// ```
    pub fn monitor_node(&self, node: Atom, on: bool) {
        let monitors = self.node().node_monitors();
        if !on {
            return monitors.unwatch(self.pid(), node);
        }
        let connection = match self.node().connection(node) {
            Ok(connection) => connection,
            Err(NotConnected::OwnNode) => return,
            Err(_) if node == self.node().name() => return,
            Err(_) => return self.is_down(node),
        };
        self.set_told_of_nodes();
        monitors.watch(self.pid(), &connection);
        // Gone meanwhile: then either that told us, or nobody will.
        if !connection.watch(self.pid()) && monitors.take(self.pid(), connection.id()) > 0 {
            self.is_down(node);
        }
    }

    fn is_down(&self, node: Atom) {
        if let Some(process) = self.node().find(self.pid()) {
            process.push_notice(Info::NodeDown(node));
        }
    }
}

/// A node came or went.
pub(super) struct Change<'a> {
    pub(super) node: Atom,
    pub(super) hidden: bool,
    pub(super) connection: u64,
    /// `None`: it came.
    pub(super) reason: Option<&'a str>,
}

/// All that processes of a node asked for.
#[derive(Default)]
pub(crate) struct NodeMonitors(Mutex<Told>);

#[derive(Default)]
struct Told {
    /// In the order of the first subscription of each, with how often.
    of_nodes: FxHashMap<Pid, Vec<(MonitorNodes, u32)>>,
    of_one: FxHashMap<Pid, Vec<Watch>>,
}

/// One call of `monitor_node`.
struct Watch {
    node: Atom,
    connection: u64,
}

impl NodeMonitors {
    fn subscribe(&self, pid: Pid, options: MonitorNodes) {
        let mut told = self.0.lock();
        let all = told.of_nodes.entry(pid).or_default();
        match all.iter_mut().find(|(known, _)| *known == options) {
            Some((_, times)) => *times = times.saturating_add(1),
            None => all.push((options, 1)),
        }
    }

    fn unsubscribe(&self, pid: Pid, options: MonitorNodes) {
        let mut told = self.0.lock();
        if let Some(all) = told.of_nodes.get_mut(&pid) {
            all.retain(|(known, _)| *known != options);
            if all.is_empty() {
                told.of_nodes.remove(&pid);
            }
        }
    }

    fn watch(&self, pid: Pid, connection: &Arc<Connection>) {
        let watch = Watch {
            node: connection.peer(),
            connection: connection.id(),
        };
        self.0.lock().of_one.entry(pid).or_default().push(watch);
    }

    fn unwatch(&self, pid: Pid, node: Atom) {
        let mut told = self.0.lock();
        let Some(all) = told.of_one.get_mut(&pid) else {
            return;
        };
        // The youngest connection's: an older one is on its way out.
        if let Some(at) = all.iter().rposition(|watch| watch.node == node) {
            all.remove(at);
        }
        if all.is_empty() {
            told.of_one.remove(&pid);
        }
    }

    /// How often `pid` watched that connection; now no more.
    pub(super) fn take(&self, pid: Pid, connection: u64) -> usize {
        let mut told = self.0.lock();
        let Some(all) = told.of_one.get_mut(&pid) else {
            return 0;
        };
        let before = all.len();
        all.retain(|watch| watch.connection != connection);
        let taken = before - all.len();
        if all.is_empty() {
            told.of_one.remove(&pid);
        }
        taken
    }

    pub(super) fn tell(&self, node: &Node, change: &Change<'_>) {
        for (pid, all) in &self.0.lock().of_nodes {
            // One that ended meanwhile is about to be forgotten.
            let Some(process) = node.find(*pid) else {
                continue;
            };
            for (options, times) in all.iter().filter(|(o, _)| o.wants(change.hidden)) {
                for _ in 0..*times {
                    process.push_notice(options.message(change));
                }
            }
        }
    }

    /// By a process that was told of nodes, at its end.
    pub(crate) fn end_of(&self, pid: Pid) {
        let mut told = self.0.lock();
        told.of_nodes.remove(&pid);
        told.of_one.remove(&pid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProcessCx;

    #[tokio::test]
    async fn who_has_ended_is_forgotten() {
        let node = Node::builder("forgetful@127.0.0.1").no_network();
        let node = node.start().await.unwrap();
        for _ in 0..10 {
            let (begun, has_begun) = tokio::sync::oneshot::channel();
            let pid = node
                .spawn_fn(async move |mut cx: ProcessCx| {
                    cx.monitor_nodes(true);
                    cx.monitor_nodes_with(true, MonitorNodes::new().all());
                    begun.send(()).unwrap();
                    cx.receive().await;
                })
                .unwrap();
            has_begun.await.unwrap();
            assert_eq!(node.node_monitors().0.lock().of_nodes.len(), 1);
            node.exit(pid, "enough");
            while node.is_alive(pid) || !node.node_monitors().0.lock().of_nodes.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        node.stop().await;
    }
}

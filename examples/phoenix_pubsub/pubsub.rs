//! Phoenix.PubSub, as its default adapter speaks it: what an Elixir cluster broadcasts reaches processes here, and the other way round.
//!
//! 1. A PubSub `MyApp.PubSub` has an adapter `MyApp.PubSub.Adapter`, and that has workers. The first is registered under the adapter's
//!    name, the n-th under that with `_n` behind it; each is in the group of its name, in the scope `Phoenix.PubSub` of `pg`.
//! 2. A broadcast goes to the subscribers of this node at once, and as `{forward_to_local, Topic, Message, Dispatcher}` to the first worker
//!    of each other node: every node has that one, whatever its `:pool_size`. So what one process broadcasts keeps its order.
//! 3. A worker hands what it gets to the subscribers of its own node, and to nobody else. Elixir broadcasts by any of its workers, so
//!    here must be as many as its `:broadcast_pool_size` (its `:pool_size` unless set).
//! 4. Subscribers get the bare message, as often as they subscribed, until they end. The dispatcher, which in Phoenix says how channels
//!    are served, says nothing here: there are none.
//!
//! Source: the functions of `Phoenix.PubSub.PG2`, phoenix_pubsub 2.x.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kista::pg::Scope;
use kista::supervisor::{Child, Supervisor, SupervisorRef};
use kista::{
    Atom, CallError, Cx, Dest, Encode, ExitReason, Info, Node, Pid, Reference, ServerRef,
    StartError, Term, gen_server,
};

/// The scope of `pg`, which `Phoenix.PubSub` starts under its own name.
const SCOPE: &str = "Elixir.Phoenix.PubSub";

/// A PubSub of the cluster, on this node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PubSub {
    node: Node,
    scope: Scope,
    adapter: Atom,
    topics: Arc<Topics>,
    subscriptions: ServerRef<Subscriptions>,
    tree: SupervisorRef,
}

impl PubSub {
    /// Joins the PubSub of that name, `"MyApp.PubSub"`, with so many workers. The node must be a visible one.
    pub(crate) async fn start(
        node: &Node,
        name: &str,
        pool_size: usize,
    ) -> Result<Self, StartError> {
        let scope = node.start_pg(SCOPE).await?;
        let topics = Arc::new(Topics::default());
        let name = format!("Elixir.{name}");
        let adapter = format!("{name}.Adapter");
        let workers = (1..=pool_size.max(1)).map(|n| {
            let group = match n {
                1 => adapter.clone(),
                n => format!("{adapter}_{n}"),
            };
            let spec = Worker::spec(group.clone(), scope.clone(), Arc::clone(&topics));
            Child::new(group.clone(), spec).name(group)
        });
        let subscriptions = Child::new("subscriptions", Subscriptions::spec(Arc::clone(&topics)));
        let tree = Supervisor::one_for_one()
            .child(subscriptions.name(name.clone()))
            .children(workers);
        let tree = node.spawn(tree.spec()).await?;
        let atom = |text: &str| Atom::new(text).map_err(|_| StartError::BadName(text.to_owned()));
        Ok(Self {
            node: node.clone(),
            scope,
            adapter: atom(&adapter)?,
            topics,
            subscriptions: node.server(atom(&name)?),
            tree,
        })
    }

    /// From now on a process of this node gets what is broadcast under the topic, once more for each time that it subscribes.
    pub(crate) async fn subscribe(&self, who: Pid, topic: &str) -> Result<(), CallError> {
        self.subscriptions.subscribe(who, topic.to_owned()).await
    }

    /// Takes all subscriptions of the process to that topic back.
    pub(crate) async fn unsubscribe(&self, who: Pid, topic: &str) -> Result<(), CallError> {
        self.subscriptions.unsubscribe(who, topic.to_owned()).await
    }

    /// To all subscribers of the cluster.
    pub(crate) fn broadcast<T: Encode + ?Sized>(&self, topic: &str, message: &T) {
        self.to_other_nodes(topic, message);
        self.local_broadcast(topic, message);
    }

    /// To all but that one.
    pub(crate) fn broadcast_from<T: Encode + ?Sized>(&self, from: Pid, topic: &str, message: &T) {
        self.to_other_nodes(topic, message);
        dispatch(&self.node, &self.topics, topic, message, Some(from));
    }

    /// To the subscribers of this node.
    pub(crate) fn local_broadcast<T: Encode + ?Sized>(&self, topic: &str, message: &T) {
        dispatch(&self.node, &self.topics, topic, message, None);
    }

    /// To the subscribers of one node.
    pub(crate) fn direct_broadcast<T: Encode + ?Sized>(
        &self,
        node: Atom,
        topic: &str,
        message: &T,
    ) {
        let worker = Dest::from((self.adapter, node));
        drop(self.node.send(worker, &forward(topic, message)));
    }

    /// Ends the workers; the cluster hears of it by `pg`.
    pub(crate) async fn stop(&self) -> Result<(), CallError> {
        self.tree.stop_with(ExitReason::Shutdown, None).await
    }

    fn to_other_nodes<T: Encode + ?Sized>(&self, topic: &str, message: &T) {
        let members = self.scope.members(self.adapter);
        let others = members.iter().filter(|pid| pid.node != self.node.name());
        for worker in others {
            drop(self.node.send(*worker, &forward(topic, message)));
        }
    }
}

/// What workers are sent.
fn forward<'a, T: ?Sized>(topic: &'a str, message: &'a T) -> (Atom, &'a str, &'a T, Atom) {
    let verb = Atom::from_static("forward_to_local");
    (verb, topic, message, Atom::from_static(SCOPE))
}

fn dispatch<T>(node: &Node, topics: &Topics, topic: &str, message: &T, but: Option<Pid>)
where
    T: Encode + ?Sized,
{
    for subscriber in topics.of(topic) {
        if Some(subscriber) != but {
            drop(node.send(subscriber, message));
        }
    }
}

/// Who subscribed to what, for all to read.
#[derive(Default)]
struct Topics(Mutex<HashMap<String, Vec<Pid>>>);

impl Topics {
    fn of(&self, topic: &str) -> Vec<Pid> {
        let topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.get(topic).cloned().unwrap_or_default()
    }

    fn add(&self, topic: String, who: Pid) {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.entry(topic).or_default().push(who);
    }

    /// Of this topic, or of all.
    fn remove(&self, topic: Option<&str>, who: Pid) {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        topics.retain(|name, subscribers| {
            if topic.is_none_or(|topic| topic == name) {
                subscribers.retain(|subscriber| *subscriber != who);
            }
            !subscribers.is_empty()
        });
    }
}

/// The process that changes the table, and forgets those who end.
struct Subscriptions {
    topics: Arc<Topics>,
    watched: HashMap<Pid, Reference>,
}

#[gen_server(local)]
impl Subscriptions {
    #[init]
    fn new(topics: Arc<Topics>) -> Self {
        // One before it may have crashed, and nobody watches those that it had.
        topics
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let watched = HashMap::new();
        Self { topics, watched }
    }

    #[call]
    fn subscribe(&mut self, who: Pid, topic: String, cx: &mut Cx<Self>) {
        self.watched.entry(who).or_insert_with(|| cx.monitor(who));
        self.topics.add(topic, who);
    }

    #[call]
    fn unsubscribe(&mut self, who: Pid, topic: String) {
        self.topics.remove(Some(&topic), who);
    }

    #[info(other)]
    fn ended(&mut self, info: Info) {
        if let Info::Down { reference, .. } = info
            && let Some(who) = self.watched.iter().find(|(_, of)| **of == reference)
        {
            let who = *who.0;
            self.watched.remove(&who);
            self.topics.remove(None, who);
        }
    }
}

/// Where other nodes' broadcasts arrive.
struct Worker {
    topics: Arc<Topics>,
}

#[gen_server]
impl Worker {
    #[init]
    async fn new(
        group: String,
        scope: Scope,
        topics: Arc<Topics>,
        cx: &mut Cx<Self>,
    ) -> Result<Self, String> {
        let group = Atom::new(&group).map_err(|error| error.to_string())?;
        let joined = scope.join(group, cx.pid()).await;
        joined.map_err(|error| error.to_string())?;
        Ok(Self { topics })
    }

    #[info]
    fn forward_to_local(&self, topic: String, message: Term, _dispatcher: Term, cx: &mut Cx<Self>) {
        dispatch(cx.node(), &self.topics, &topic, &message, None);
    }
}

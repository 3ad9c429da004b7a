//! Node-local events: one publishes typed values under a name, any number follow. In memory, within the node, ordered.
//!
//! ```
//! use kista::Node;
//! use kista::events::Update;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
//! let prices = node.register_event::<u32>("prices", 1)?;      // the right to publish; 1 value is replayed
//! prices.publish(41)?;
//! let mut follower = node.subscribe::<u32>("prices")?;
//! prices.publish(42)?;
//! drop(prices);
//! assert_eq!(follower.next().await, Some(Update::Event(41)));
//! assert_eq!(follower.next().await, Some(Update::Event(42)));
//! assert!(matches!(follower.next().await, Some(Update::Ended(_))));
//! assert_eq!(follower.next().await, None);
//! # node.stop().await; Ok(()) }
//! ```
//!
//! Rules:
//! 1. An event has a name, a type and an owner; only who holds its [`EventSource`] publishes. Subscribing to a name with
//!    another type is an error.
//! 2. All subscribers get the same values in the same order. A new one gets the last N first, as the owner chose.
//! 3. The event ends when its owner does: a process, with its reason; or the source is dropped, with `unregistered`.
//!    Subscribers hear of it as the last they hear, and the name is free by then.
//!    When the node has stopped all of its events end with `shutdown`, and there are no new ones.
//! 4. A subscription ends with the process that it was made for, or when its stream is dropped.
//! 5. Publishing waits for nobody. A [`Subscription`] can be bounded; then a slow reader learns how much it missed.
//! 6. The node itself publishes [`NodeEvent`](crate::NodeEvent)s under the name [`NODES`].
//!
//! What is to reach other nodes is sent to processes there.

mod registry;
mod subscription;
mod topic;

use std::fmt;
use std::sync::{Arc, Weak};

use kista_etf::{Atom, Pid};

pub(crate) use registry::Registry;
pub use subscription::Subscription;

use crate::gen_server::{Message, ServerRef};
use crate::node::Node;
use crate::process::{Process, Signal, current};
use crate::{ExitReason, GenServer};
use registry::{AnyTopic, Named};
use subscription::{Stream, StreamSink};
use topic::Sink;

/// The event under which a node publishes [`NodeEvent`](crate::NodeEvent)s; the same stream as
/// [`Node::events`](crate::Node::events).
pub const NODES: &str = "nodes";

/// What an event's values can be: each subscriber gets a clone.
pub trait EventValue: Clone + Send + 'static {}

impl<T: Clone + Send + 'static> EventValue for T {}

/// What a subscriber is told.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Update<T> {
    /// A value was published.
    Event(T),
    /// So many values were left out, since the reader of a bounded stream did not keep up.
    Missed(u64),
    /// The event is no more: the reason of its owner's end, or `unregistered`. Nothing follows.
    Ended(ExitReason),
}

/// Why an event could not be registered, followed or published.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The name is another event's: choose another, or end that one first.
    #[error("there is an event of the name {0} already")]
    Taken(Atom),
    /// Nobody has registered it, or it has ended.
    #[error("there is no event of the name {0}")]
    Unknown(Atom),
    /// The event has values of another type than this.
    #[error("the event {0} is not one of {1}")]
    OtherType(Atom, &'static str),
    /// The name has more than 255 characters.
    #[error("not a name: {0}")]
    BadName(String),
    /// The event has ended: its owner did, for this reason; or all of the node's events have, since it has stopped: `shutdown`.
    #[error("the event has ended: {0}")]
    Ended(ExitReason),
    /// The server to subscribe is not a process of this node that is alive.
    #[error("the subscriber is not a living process of this node")]
    NoSubscriber,
}

/// The right to publish an event: what [`Node::register_event`] returns. Dropping it ends the event.
pub struct EventSource<T: EventValue> {
    registry: Arc<Registry>,
    event: Arc<Named<T>>,
}

impl<T: EventValue> EventSource<T> {
    /// Gives a value to all subscribers, and keeps it for replay. How many it was given to.
    ///
    /// # Errors
    /// [`EventError::Ended`] when the process that registered the event has ended.
    pub fn publish(&self, value: T) -> Result<usize, EventError> {
        let mut topic = self.event.topic.lock();
        topic.publish(value).map_err(EventError::Ended)
    }

    /// How many follow it now.
    pub fn subscribers(&self) -> usize {
        self.event.topic.lock().subscribers()
    }

    /// The event's name.
    pub fn name(&self) -> Atom {
        self.event.name
    }
}

impl<T: EventValue> Drop for EventSource<T> {
    fn drop(&mut self) {
        // With its owner it ends for the owner's reason, which is told when that is known.
        if !self.event.owner.is_some_and(current::is_ending) {
            let event: Arc<dyn AnyTopic> = Arc::clone(&self.event) as _;
            let reason = ExitReason::from(Atom::from_static("unregistered"));
            self.registry.end(&event, &reason);
        }
    }
}

impl<T: EventValue> fmt::Debug for EventSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventSource({})", self.event.name)
    }
}

/// A server's subscription. Dropping this does not end it: the server's end or [`unsubscribe`](Self::unsubscribe) does.
#[derive(Clone)]
pub struct Following {
    topic: Weak<dyn AnyTopic>,
    id: u64,
}

impl Following {
    /// Ends the subscription. What was published before may be in the server's queue.
    pub fn unsubscribe(&self) {
        if let Some(topic) = self.topic.upgrade() {
            topic.unsubscribe(self.id);
        }
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Following({})", self.id)
    }
}

impl Node {
    /// Registers an event of this node under a name, with the type of its values; the last `replay` of them are given to
    /// each new subscriber. The owner is the process that calls this, or nobody: then the event lives as long as the source.
    ///
    /// # Errors
    /// [`EventError::Taken`], [`EventError::BadName`]; [`EventError::Ended`] when the node has stopped.
    pub fn register_event<T: EventValue>(
        &self,
        name: impl AsRef<str>,
        replay: usize,
    ) -> Result<EventSource<T>, EventError> {
        let owner = current::pid_on(self);
        EventSource::register(self.event_registry(), event_name(name)?, owner, replay)
    }

    /// Follows an event, as a stream: for tasks, and for processes that wait for it themselves.
    ///
    /// # Errors
    /// [`EventError::Unknown`], [`EventError::OtherType`], [`EventError::BadName`]; [`EventError::Ended`] when the node has stopped.
    pub fn subscribe<T: EventValue>(
        &self,
        name: impl AsRef<str>,
    ) -> Result<Subscription<T>, EventError> {
        let stream = Stream::new();
        let sink = StreamSink(Arc::downgrade(&stream));
        let following = self
            .event_registry()
            .subscribe(event_name(name)?, Box::new(sink))?;
        Ok(Subscription::new(stream, following))
    }

    /// Lets a server follow an event: each update arrives as the message that `message` makes of it, in order with what
    /// else the publisher sends. It ends with the server.
    ///
    /// `message` runs in the publisher's task, and is to do nothing but wrap: `Msg::Price` will mostly do.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe); [`EventError::NoSubscriber`].
    pub fn subscribe_server<T: EventValue, S: GenServer>(
        &self,
        name: impl AsRef<str>,
        server: &ServerRef<S>,
        message: impl Fn(Update<T>) -> S::Msg + Send + 'static,
    ) -> Result<Following, EventError> {
        let process = self
            .local_process::<S::Msg>(server.dest())
            .ok_or(EventError::NoSubscriber)?;
        let pid = process.pid();
        let sink = ServerSink { process, message };
        let following = self
            .event_registry()
            .subscribe(event_name(name)?, Box::new(sink))?;
        self.event_registry().follow(pid, following.clone());
        // Its end may have been before that: then nobody else takes it off again.
        if !self.is_alive(pid) {
            following.unsubscribe();
            self.event_registry()
                .process_ended(pid, &ExitReason::NoProc);
        }
        Ok(following)
    }

    /// The names of this node's events.
    pub fn event_names(&self) -> Vec<Atom> {
        self.event_registry().names()
    }
}

impl<T: EventValue> EventSource<T> {
    pub(crate) fn register(
        registry: &Arc<Registry>,
        name: Atom,
        owner: Option<Pid>,
        replay: usize,
    ) -> Result<Self, EventError> {
        Ok(Self {
            registry: Arc::clone(registry),
            event: registry.register(name, owner, replay)?,
        })
    }
}

struct ServerSink<M: Message, F> {
    process: Arc<Process<M>>,
    message: F,
}

impl<T, M: Message, F: Fn(Update<T>) -> M + Send> Sink<T> for ServerSink<M, F> {
    fn push(&self, update: Update<T>) -> bool {
        // The user's function runs under no lock.
        let message = (self.message)(update);
        self.process.push(|| Signal::Message(message)).is_ok()
    }
}

fn event_name(name: impl AsRef<str>) -> Result<Atom, EventError> {
    let name = name.as_ref();
    Atom::new(name).map_err(|_| EventError::BadName(name.to_owned()))
}

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use kista_etf::{Atom, Pid};
use parking_lot::Mutex;

use super::topic::{Sink, Topic};
use super::{EventError, EventValue, Following};
use crate::ExitReason;

/// The events of one node, by name, and which processes own or follow them.
#[derive(Default)]
pub(crate) struct Registry {
    topics: Mutex<Topics>,
    /// Whether any process owns or follows an event: the end of a process asks nothing more than this when none does.
    is_used: AtomicBool,
}

#[derive(Default)]
struct Topics {
    by_name: HashMap<Atom, Arc<dyn AnyTopic>>,
    owned: HashMap<Pid, Vec<Weak<dyn AnyTopic>>>,
    followed: HashMap<Pid, Vec<Following>>,
    /// Why all events have ended, and no more begin: the node has stopped.
    closed: Option<ExitReason>,
}

impl Topics {
    fn open(&self) -> Result<(), EventError> {
        match &self.closed {
            None => Ok(()),
            Some(reason) => Err(EventError::Ended(reason.clone())),
        }
    }
}

/// An event with its name, whatever its type.
pub(super) struct Named<T> {
    pub(super) name: Atom,
    pub(super) owner: Option<Pid>,
    pub(super) topic: Mutex<Topic<T>>,
}

pub(super) trait AnyTopic: Any + Send + Sync {
    fn name(&self) -> Atom;
    fn unsubscribe(&self, id: u64);
    fn end(&self, reason: &ExitReason) -> bool;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<T: EventValue> AnyTopic for Named<T> {
    fn name(&self) -> Atom {
        self.name
    }

    fn unsubscribe(&self, id: u64) {
        self.topic.lock().unsubscribe(id);
    }

    fn end(&self, reason: &ExitReason) -> bool {
        self.topic.lock().end(reason)
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl Registry {
    pub(super) fn register<T: EventValue>(
        &self,
        name: Atom,
        owner: Option<Pid>,
        replay: usize,
    ) -> Result<Arc<Named<T>>, EventError> {
        let mut topics = self.topics.lock();
        topics.open()?;
        if topics.by_name.contains_key(&name) {
            return Err(EventError::Taken(name));
        }
        let topic = Arc::new(Named {
            name,
            owner,
            topic: Mutex::new(Topic::new(replay)),
        });
        let any: Arc<dyn AnyTopic> = Arc::clone(&topic) as _;
        if let Some(owner) = owner {
            self.is_used.store(true, Relaxed);
            let owned = topics.owned.entry(owner).or_default();
            owned.retain(|topic| topic.strong_count() > 0);
            owned.push(Arc::downgrade(&any));
        }
        topics.by_name.insert(name, any);
        Ok(topic)
    }

    pub(super) fn find<T: EventValue>(&self, name: Atom) -> Result<Arc<Named<T>>, EventError> {
        let found = {
            let topics = self.topics.lock();
            topics.open()?;
            topics.by_name.get(&name).cloned()
        };
        let topic = found.ok_or(EventError::Unknown(name))?;
        topic
            .as_any()
            .downcast()
            .map_err(|_| EventError::OtherType(name, std::any::type_name::<T>()))
    }

    pub(super) fn subscribe<T: EventValue>(
        &self,
        name: Atom,
        sink: Box<dyn Sink<T>>,
    ) -> Result<Following, EventError> {
        let topic = self.find::<T>(name)?;
        let id = topic.topic.lock().subscribe(sink);
        let id = id.map_err(|()| EventError::Unknown(name))?;
        let topic: Arc<dyn AnyTopic> = topic;
        Ok(Following {
            topic: Arc::downgrade(&topic),
            id,
        })
    }

    /// Notes that the subscription ends with this process.
    pub(super) fn follow(&self, process: Pid, following: Following) {
        self.is_used.store(true, Relaxed);
        let mut topics = self.topics.lock();
        let followed = topics.followed.entry(process).or_default();
        followed.retain(|following| following.topic.strong_count() > 0);
        followed.push(following);
    }

    /// Ends an event; its name is free when subscribers hear of it.
    pub(super) fn end(&self, topic: &Arc<dyn AnyTopic>, reason: &ExitReason) {
        {
            let mut topics = self.topics.lock();
            if let Some(holder) = topics.by_name.get(&topic.name())
                && Arc::ptr_eq(holder, topic)
            {
                topics.by_name.remove(&topic.name());
            }
        }
        topic.end(reason);
    }

    /// Ends all events: no more begin, and nobody waits for one that will never come.
    pub(crate) fn close(&self, reason: &ExitReason) {
        let all = {
            let mut topics = self.topics.lock();
            topics.closed = Some(reason.clone());
            std::mem::take(&mut topics.by_name)
        };
        for topic in all.into_values() {
            topic.end(reason);
        }
    }

    /// A process has ended, and left the process table before.
    pub(crate) fn process_ended(&self, process: Pid, reason: &ExitReason) {
        if !self.is_used.load(Relaxed) {
            return;
        }
        let (owned, followed) = {
            let mut topics = self.topics.lock();
            (
                topics.owned.remove(&process),
                topics.followed.remove(&process),
            )
        };
        for topic in owned.into_iter().flatten().filter_map(|t| t.upgrade()) {
            self.end(&topic, reason);
        }
        for following in followed.into_iter().flatten() {
            following.unsubscribe();
        }
    }

    pub(super) fn names(&self) -> Vec<Atom> {
        self.topics.lock().by_name.keys().copied().collect()
    }
}

//! The pure core of one event: its last values, and who is subscribed.
//!
//! Rules (the names in brackets are the tests below that hold them):
//! 1. All subscribers get the same values in the same order; a new one gets the last N first, and no value twice and none
//!    left out between those and the next [`a_new_subscriber_gets_the_last_values_and_every_later_one`].
//! 2. The end is told once, and is the last that is told [`nothing_follows_the_end`].
//! 3. A subscriber that is gone is forgotten [`a_subscriber_that_is_gone_is_forgotten`].

use std::collections::VecDeque;

use super::Update;
use crate::ExitReason;

pub(super) struct Topic<T> {
    /// How many of the last values a new subscriber gets.
    replay: usize,
    last: VecDeque<T>,
    subscribers: Vec<(u64, Box<dyn Sink<T>>)>,
    ids: u64,
    ended: Option<ExitReason>,
}

/// Where the updates of one subscriber go.
pub(super) trait Sink<T>: Send {
    /// False: nobody is there any more.
    fn push(&self, update: Update<T>) -> bool;
}

impl<T: Clone> Topic<T> {
    pub(super) const fn new(replay: usize) -> Self {
        Self {
            replay,
            last: VecDeque::new(),
            subscribers: Vec::new(),
            ids: 0,
            ended: None,
        }
    }

    /// Err: the event has ended, so that there is nothing to subscribe to.
    pub(super) fn subscribe(&mut self, sink: Box<dyn Sink<T>>) -> Result<u64, ()> {
        if self.ended.is_some() {
            return Err(());
        }
        self.ids += 1;
        if self
            .last
            .iter()
            .all(|value| sink.push(Update::Event(value.clone())))
        {
            self.subscribers.push((self.ids, sink));
        }
        Ok(self.ids)
    }

    pub(super) fn unsubscribe(&mut self, id: u64) {
        self.subscribers.retain(|(subscriber, _)| *subscriber != id);
    }

    /// How many got it; Err: the event has ended.
    pub(super) fn publish(&mut self, value: T) -> Result<usize, ExitReason> {
        if let Some(reason) = &self.ended {
            return Err(reason.clone());
        }
        self.subscribers
            .retain(|(_, sink)| sink.push(Update::Event(value.clone())));
        if self.replay > 0 {
            if self.last.len() == self.replay {
                self.last.pop_front();
            }
            self.last.push_back(value);
        }
        Ok(self.subscribers.len())
    }

    /// False: it had ended before.
    pub(super) fn end(&mut self, reason: &ExitReason) -> bool {
        if self.ended.is_some() {
            return false;
        }
        self.ended = Some(reason.clone());
        self.last = VecDeque::new();
        for (_, sink) in std::mem::take(&mut self.subscribers) {
            sink.push(Update::Ended(reason.clone()));
        }
        true
    }

    pub(super) fn subscribers(&self) -> usize {
        self.subscribers.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Seen(Arc<Mutex<Option<Vec<Update<u32>>>>>);

    impl Seen {
        fn open() -> Self {
            Self(Arc::new(Mutex::new(Some(Vec::new()))))
        }

        fn all(&self) -> Vec<Update<u32>> {
            self.0.lock().clone().unwrap_or_default()
        }
    }

    impl Sink<u32> for Seen {
        fn push(&self, update: Update<u32>) -> bool {
            self.0
                .lock()
                .as_mut()
                .map(|seen| seen.push(update))
                .is_some()
        }
    }

    fn events(values: impl IntoIterator<Item = u32>) -> Vec<Update<u32>> {
        values.into_iter().map(Update::Event).collect()
    }

    #[test]
    fn a_new_subscriber_gets_the_last_values_and_every_later_one() {
        let mut topic = Topic::new(2);
        let [early, late] = [Seen::open(), Seen::open()];
        topic.subscribe(Box::new(early.clone())).expect("open");
        for n in 1..=3 {
            assert_eq!(topic.publish(n), Ok(1));
        }
        topic.subscribe(Box::new(late.clone())).expect("open");
        assert_eq!(topic.publish(4), Ok(2));
        assert_eq!(early.all(), events(1..=4));
        assert_eq!(late.all(), events(2..=4));
    }

    #[test]
    fn without_replay_nothing_is_kept() {
        let mut topic = Topic::new(0);
        topic.publish(1).expect("open");
        let seen = Seen::open();
        topic.subscribe(Box::new(seen.clone())).expect("open");
        assert_eq!(seen.all(), []);
        assert_eq!(topic.last.len(), 0);
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut topic = Topic::new(2);
        let seen = Seen::open();
        topic.subscribe(Box::new(seen.clone())).expect("open");
        assert!(topic.end(&ExitReason::Shutdown));
        assert!(!topic.end(&ExitReason::Normal));
        assert_eq!(topic.publish(1), Err(ExitReason::Shutdown));
        assert_eq!(topic.subscribe(Box::new(Seen::open())), Err(()));
        assert_eq!(seen.all(), [Update::Ended(ExitReason::Shutdown)]);
    }

    #[test]
    fn a_subscriber_that_is_gone_is_forgotten() {
        let mut topic = Topic::new(1);
        let [gone, left, there] = [Seen::open(), Seen::open(), Seen::open()];
        topic.subscribe(Box::new(gone.clone())).expect("open");
        let id = topic.subscribe(Box::new(left.clone())).expect("open");
        topic.subscribe(Box::new(there.clone())).expect("open");
        *gone.0.lock() = None;
        topic.unsubscribe(id);
        assert_eq!(topic.publish(1), Ok(1));
        assert_eq!(topic.subscribers(), 1);
        assert_eq!(left.all(), []);
        assert_eq!(there.all(), events([1]));
        topic
            .subscribe(Box::new(gone))
            .expect("it is told, in vain");
        assert_eq!(topic.subscribers(), 1, "and not kept");
    }
}

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::topic::Sink;
use super::{EventValue, Following, Update};

/// The updates of one event as a stream: what [`Node::subscribe`](crate::Node::subscribe) returns. Dropping it ends the
/// subscription.
///
/// What is not read waits without a bound, unless [`bounded`](Self::bounded) sets one.
pub struct Subscription<T> {
    stream: Arc<Stream<T>>,
    following: Following,
}

pub(super) struct Stream<T>(Mutex<Waiting<T>>);

struct Waiting<T> {
    queue: VecDeque<Update<T>>,
    most: Option<usize>,
    missed: u64,
    ended: bool,
    reader: Option<Waker>,
}

impl<T: EventValue> Subscription<T> {
    pub(super) const fn new(stream: Arc<Stream<T>>, following: Following) -> Self {
        Self { stream, following }
    }

    /// Keeps at most `most` values unread (at least one): then the oldest give way, and the reader is told how many it
    /// missed before it gets the next one.
    pub fn bounded(self, most: usize) -> Self {
        let mut waiting = self.stream.0.lock();
        waiting.most = Some(most.max(1));
        waiting.trim();
        drop(waiting);
        self
    }

    /// The next update; `None` after the last, which is [`Update::Ended`]. Giving up waiting loses nothing.
    pub async fn next(&mut self) -> Option<Update<T>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`next`](Self::next) for those who poll.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Update<T>>> {
        let mut waiting = self.stream.0.lock();
        match waiting.take() {
            Some(update) => Poll::Ready(Some(update)),
            None if waiting.ended => Poll::Ready(None),
            None => {
                waiting.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The next update if there is one now.
    pub fn try_next(&mut self) -> Option<Update<T>> {
        self.stream.0.lock().take()
    }
}

impl<T> Stream<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Waiting {
            queue: VecDeque::new(),
            most: None,
            missed: 0,
            ended: false,
            reader: None,
        })))
    }
}

impl<T> Waiting<T> {
    fn take(&mut self) -> Option<Update<T>> {
        if self.missed > 0 {
            return Some(Update::Missed(std::mem::take(&mut self.missed)));
        }
        let update = self.queue.pop_front();
        if self.queue.is_empty() {
            // A burst's buffer is not kept.
            self.queue.shrink_to(64);
        }
        update
    }

    /// The end is no value: it is never left out, nor does it push one out.
    fn trim(&mut self) {
        let Some(most) = self.most else { return };
        let values = self.queue.len() - usize::from(self.ended && !self.queue.is_empty());
        let over = values.saturating_sub(most);
        self.queue.drain(..over);
        self.missed += over as u64;
    }
}

/// The topic's end of a [`Subscription`].
pub(super) struct StreamSink<T>(pub(super) Weak<Stream<T>>);

impl<T: EventValue> Sink<T> for StreamSink<T> {
    fn push(&self, update: Update<T>) -> bool {
        let Some(stream) = self.0.upgrade() else {
            return false;
        };
        let mut waiting = stream.0.lock();
        waiting.ended = matches!(update, Update::Ended(_));
        waiting.queue.push_back(update);
        waiting.trim();
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.following.unsubscribe();
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unread = self.stream.0.lock().queue.len();
        write!(f, "Subscription({unread} unread)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExitReason;

    #[test]
    fn a_slow_reader_learns_how_much_it_missed() {
        let stream = Stream::new();
        stream.0.lock().most = Some(2);
        let sink = StreamSink(Arc::downgrade(&stream));
        for n in 1..=5 {
            assert!(sink.push(Update::Event(n)));
        }
        assert!(sink.push(Update::Ended(ExitReason::Normal)));
        let mut waiting = stream.0.lock();
        let read: Vec<_> = std::iter::from_fn(|| waiting.take()).collect();
        assert_eq!(
            read,
            [
                Update::Missed(3),
                Update::Event(4),
                Update::Event(5),
                Update::Ended(ExitReason::Normal)
            ]
        );
    }

    #[test]
    fn a_dropped_reader_is_gone_for_the_topic() {
        let stream = Stream::<u32>::new();
        let sink = StreamSink(Arc::downgrade(&stream));
        drop(stream);
        assert!(!sink.push(Update::Event(1)));
    }
}

//! Timers as they are asked for: by a process through its context, and from outside.

use std::time::Duration;

use kista_dist::frame::Payload;
use kista_etf::{Encode, EncodeError, Pid, Reference};

use super::{Action, IntervalError};
use crate::node::Node;
use crate::process::{ControlSignal, Me};
use crate::{Atom, Dest, ExitReason};

impl Node {
    /// Sends a message after this time: `erlang:send_after/3`. The timer ends with the process that it sends to, if that is a pid of
    /// this node. See [`Me::send_after`] for the same from inside a process.
    ///
    /// # Errors
    /// When the message has no wire form.
    pub fn send_after<T: Encode + ?Sized>(
        &self,
        after: Duration,
        to: impl Into<Dest>,
        message: &T,
    ) -> Result<Reference, EncodeError> {
        let id = self.timers().name();
        let payload = self.payload(|e| message.encode(e))?;
        Ok(self.arm_message(id, after, to.into(), payload, None))
    }

    /// As [`send_after`](Self::send_after), of the message `{timeout, TimerRef, Message}`: `erlang:start_timer/3`. Who reads it can tell
    /// whether it is the timer that counts.
    ///
    /// # Errors
    /// When the message has no wire form.
    pub fn start_timer<T: Encode + ?Sized>(
        &self,
        after: Duration,
        to: impl Into<Dest>,
        message: &T,
    ) -> Result<Reference, EncodeError> {
        let id = self.timers().name();
        let payload = self.payload(|e| {
            e.tuple(3);
            e.atom(Atom::from_static("timeout"));
            e.reference(&self.timer_reference(id));
            message.encode(e)
        })?;
        Ok(self.arm_message(id, after, to.into(), payload, None))
    }

    /// Sends a message each time this much has passed (1 ms at least), first when it has passed once, until it is cancelled:
    /// `timer:send_interval/3`. It does not drift.
    ///
    /// # Errors
    /// [`IntervalError::Zero`]: an interval without time is none. (OTP takes 0: it floods the receiver, or sends nothing at all,
    /// depending on its release.) [`IntervalError::Encode`] when the message has no wire form.
    pub fn send_interval<T: Encode + ?Sized>(
        &self,
        every: Duration,
        to: impl Into<Dest>,
        message: &T,
    ) -> Result<Reference, IntervalError> {
        if every.is_zero() {
            return Err(IntervalError::Zero);
        }
        let every = every.max(Duration::from_millis(1));
        let id = self.timers().name();
        let payload = self.payload(|e| message.encode(e))?;
        Ok(self.arm_message(id, every, to.into(), payload, Some(every)))
    }

    /// Sends an exit signal after this time: `timer:exit_after/3`. It ends with the process, if that is one of this node.
    pub fn exit_after(&self, after: Duration, to: Pid, reason: impl Into<ExitReason>) -> Reference {
        self.arm_exit(after, self.outside(), to, reason.into())
    }

    /// Kills a process after this time: `timer:kill_after/2`.
    pub fn kill_after(&self, after: Duration, to: Pid) -> Reference {
        self.exit_after(after, to, ExitReason::Kill)
    }

    /// Takes a timer of this node back: `erlang:cancel_timer/1`. Gives the time that was left; `None` when it fired, was
    /// cancelled, or ended with its process. A message that it sent may wait to be read.
    pub fn cancel_timer(&self, timer: Reference) -> Option<Duration> {
        self.timers().cancel(self.timer_id(&timer)?)
    }

    /// The time until a timer of this node fires: `erlang:read_timer/1`. `None` as for [`cancel_timer`](Self::cancel_timer).
    pub fn read_timer(&self, timer: Reference) -> Option<Duration> {
        self.timers().read(self.timer_id(&timer)?)
    }

    /// How many timers are armed on this node.
    pub fn timer_count(&self) -> usize {
        self.timers().len()
    }

    fn arm_message(
        &self,
        id: u64,
        after: Duration,
        to: Dest,
        payload: Payload,
        every: Option<Duration>,
    ) -> Reference {
        let from = self.current_pid();
        let node = self.downgrade();
        let send = move |payload: Payload| {
            if let Some(node) = node.upgrade() {
                node.send_payload(from, to, payload);
            }
        };
        let action = match every {
            None => Action::Once(Box::new(move || send(payload))),
            Some(every) => Action::Every(every, Box::new(move || send(payload.clone()))),
        };
        self.arm(id, after, self.ends_with(to), action)
    }

    pub(crate) fn arm_exit(
        &self,
        after: Duration,
        from: Pid,
        to: Pid,
        reason: ExitReason,
    ) -> Reference {
        let node = self.downgrade();
        let exit = move || {
            if let Some(node) = node.upgrade() {
                node.signal(to, ControlSignal::Exit { from, reason });
            }
        };
        let ends_with = self.ends_with(Dest::Pid(to));
        let action = Action::Once(Box::new(exit));
        self.arm(self.timers().name(), after, ends_with, action)
    }

    fn arm(&self, id: u64, after: Duration, ends_with: Option<Pid>, action: Action) -> Reference {
        if let Some(process) = ends_with.and_then(|pid| self.find(pid)) {
            process.me().set_timed();
        }
        self.timers().arm(id, after, ends_with, action);
        // It may have ended before the timer was there for it to take along.
        if let Some(pid) = ends_with
            && self.find(pid).is_none()
        {
            self.timers().cancel(id);
        }
        self.timer_reference(id)
    }

    fn ends_with(&self, to: Dest) -> Option<Pid> {
        match to {
            Dest::Pid(pid) if pid.node == self.name() => Some(pid),
            _ => None,
        }
    }
}

/// The same from inside a process. What is sent comes from it.
impl Me {
    /// See [`Node::send_after`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = kista::Node::builder("timers@127.0.0.1").no_network().start().await?;
    /// # let (done, ended) = tokio::sync::oneshot::channel();
    /// use kista::{Info, Term};
    /// use std::time::Duration;
    /// node.spawn_fn(async move |mut cx| {
    ///     let late = cx.send_after(Duration::from_secs(60), cx.pid(), "late")?;
    ///     let soon = cx.start_timer(Duration::from_millis(5), cx.pid(), "soon")?;
    ///     let Info::Term(message) = cx.receive().await else { return Ok(()) };
    ///     assert_eq!(message.as_tuple().unwrap()[1], Term::from(soon));      // {timeout, Ref, <<"soon">>}
    ///     assert!(cx.cancel_timer(late).unwrap() > Duration::from_secs(50));
    ///     # done.send(()).unwrap();
    ///     Ok::<_, kista::etf::EncodeError>(())
    /// })?;
    /// # ended.await?; node.stop().await; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the message has no wire form.
    pub fn send_after<T: Encode + ?Sized>(
        &self,
        after: Duration,
        to: impl Into<Dest>,
        message: &T,
    ) -> Result<Reference, EncodeError> {
        self.node().send_after(after, to, message)
    }

    /// See [`Node::start_timer`].
    ///
    /// # Errors
    /// When the message has no wire form.
    pub fn start_timer<T: Encode + ?Sized>(
        &self,
        after: Duration,
        to: impl Into<Dest>,
        message: &T,
    ) -> Result<Reference, EncodeError> {
        self.node().start_timer(after, to, message)
    }

    /// See [`Node::send_interval`].
    ///
    /// # Errors
    /// As there.
    pub fn send_interval<T: Encode + ?Sized>(
        &self,
        every: Duration,
        to: impl Into<Dest>,
        message: &T,
    ) -> Result<Reference, IntervalError> {
        self.node().send_interval(every, to, message)
    }

    /// See [`Node::exit_after`].
    pub fn exit_after(&self, after: Duration, to: Pid, reason: impl Into<ExitReason>) -> Reference {
        self.node().arm_exit(after, self.pid(), to, reason.into())
    }

    /// See [`Node::kill_after`].
    pub fn kill_after(&self, after: Duration, to: Pid) -> Reference {
        self.exit_after(after, to, ExitReason::Kill)
    }

    /// See [`Node::cancel_timer`].
    pub fn cancel_timer(&self, timer: Reference) -> Option<Duration> {
        self.node().cancel_timer(timer)
    }

    /// See [`Node::read_timer`].
    pub fn read_timer(&self, timer: Reference) -> Option<Duration> {
        self.node().read_timer(timer)
    }
}

//! What a process took over from its queue and has yet to read.
//!
//! Rules:
//! 1. A behaviour that handles messages in turn takes them over in batches ([`Process::poll_next`]) into a list of its own, mostly
//!    from the queue itself; one that chooses reads here ([`Process::poll_match`]): what it passes over stays in place and in order.
//!    The looks happen under the lock of the mail: nobody waits for that one.
//! 2. At most [`BUDGET`] messages are read in one poll of the process, and at most [`PASSED`] passed over.
//! 3. A DOWN that was flushed is passed over silently. A report of lost messages says how many at the moment it is read.
//! 4. Where there is a bound each message that is done with is reported to the queue, and who waits for room is woken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use kista_sync::queue::Found;

use super::signal::{Never, unfold};
use super::turn::{CALLED, EMPTIED, OTHER, READING, RESTS, TOOK, YIELDED};
use super::{Info, Parked, Process, Signal};
use crate::gen_server::PendingReply;
use crate::scheduler::schedule;

/// Messages that a selective receive may pass over in one poll: a look is much cheaper than a message handled.
const PASSED: usize = 4096;

pub(super) struct Mail<M> {
    /// The private list: what the behaviour has yet to read.
    pub(super) list: VecDeque<Signal<M>>,
    /// What came behind the last control signal that one poll had time for. The queue is left alone until this is empty.
    pub(super) arrived: Arrived<M>,
    /// How many of `list` the present selective receive has looked at and left: the save queue.
    passed: u32,
    /// How many more messages than signals that makes, because of runs.
    more: u32,
}

/// Empty nearly always, so it lies behind a pointer of its own.
#[expect(clippy::box_collection, reason = "24 bytes less in each process")]
pub(super) struct Arrived<M>(Option<Box<VecDeque<Signal<M>>>>);

impl<M> Arrived<M> {
    pub(super) fn set(&mut self, signals: VecDeque<Signal<M>>) {
        self.0 = Some(Box::new(signals));
    }

    /// To be filled.
    pub(super) fn list(&mut self) -> &mut VecDeque<Signal<M>> {
        self.0.get_or_insert_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn pop_front(&mut self) -> Option<Signal<M>> {
        self.0.as_mut()?.pop_front()
    }

    /// Gives its memory back when nothing is in it.
    pub(super) fn give_back(&mut self) {
        if self.is_empty() {
            self.0 = None;
        }
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |signals| signals.len())
    }

    fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |signals| signals.capacity())
    }

    fn iter(&self) -> impl Iterator<Item = &Signal<M>> {
        self.0.iter().flat_map(|signals| signals.iter())
    }
}

/// What a behaviour found in the queue.
pub(super) enum Taken<M> {
    /// One message, which was never counted as taken.
    One(Signal<M>),
    /// Something, which is to be read now.
    Some,
    Nothing,
    /// What it must not read, or not yet.
    Left,
}

/// What a selective receive found.
pub(crate) enum Next<T> {
    Match(T, Info),
    /// Nothing that matches is here: wait.
    Nothing,
    /// More is here, to be looked at in the next poll, for which the task was woken.
    More,
}

impl<M> Mail<M> {
    pub(super) const fn new() -> Self {
        Self {
            list: VecDeque::new(),
            arrived: Arrived(None),
            passed: 0,
            more: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len() + self.arrived.len() + self.more as usize
    }

    /// How many of them the behaviour can read now.
    pub(super) fn listed(&self) -> usize {
        match self.more {
            0 => self.list.len(),
            _ => self.list.iter().map(Signal::weight).sum(),
        }
    }

    /// So many more messages than signals came.
    pub(super) fn add_more(&mut self, more: usize) {
        self.more = self.more.saturating_add(more as u32);
    }

    /// Lists each message by itself, as for those who may take single ones out.
    pub(super) fn unfold(&mut self) {
        if self.more > 0 {
            unfold(&mut self.list, 0);
            if let Some(arrived) = &mut self.arrived.0 {
                unfold(arrived, 0);
            }
            self.more = 0;
        }
    }

    /// What was taken over and the buffers for it. Looks at each of them.
    pub(super) fn held_bytes(&self) -> usize {
        let buffers = self.list.capacity() + self.arrived.capacity();
        let arrived = self.arrived.0.iter().flat_map(|arrived| arrived.iter());
        let held = self.list.iter().chain(arrived).map(Signal::held_bytes);
        buffers * size_of::<Signal<M>>() + held.sum::<usize>()
    }

    /// Everything that was taken over, in its order.
    pub(super) fn take_all(&mut self) -> VecDeque<Signal<M>> {
        let mut all = std::mem::take(&mut self.list);
        all.extend(
            self.arrived
                .0
                .take()
                .into_iter()
                .flat_map(|arrived| *arrived),
        );
        all
    }

    /// Takes the oldest message out.
    pub(super) fn evict(&mut self) -> Option<Signal<M>> {
        if let Some(at) = self.list.iter().position(Signal::is_message) {
            self.passed -= u32::from(at < self.passed as usize);
            return self.list.remove(at);
        }
        let arrived = self.arrived.0.as_mut()?;
        let at = arrived.iter().position(Signal::is_message)?;
        arrived.remove(at)
    }

    pub(super) fn messages(&self) -> usize {
        let all = self.list.iter().chain(self.arrived.iter());
        all.filter(|signal| signal.is_message()).count()
    }
}

impl<M: Send + 'static> Process<M> {
    /// The next message for the behaviour, which takes them over in batches into a list of its own: `taken`. Only the
    /// process's own task polls this.
    // Each message would be copied once more on its way out of it.
    #[inline(always)]
    pub(crate) fn poll_next(
        &self,
        taken: &mut VecDeque<Signal<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<Signal<M>> {
        loop {
            if !self.turn.may_read() {
                return self.yield_turn(cx);
            }
            let Some(mut signal) = taken.pop_front() else {
                if self.turn.is_listed() && self.take_batch(taken) {
                    continue;
                }
                match self.take_queue(taken) {
                    Taken::One(signal) => {
                        self.turn.read(&signal);
                        self.set_waiting(false);
                        return Poll::Ready(signal);
                    }
                    Taken::Some => continue,
                    // The shell polls again when its queue is pushed to.
                    Taken::Nothing => self.turn.set_read(EMPTIED),
                    // The shell does the rest.
                    Taken::Left => {}
                }
                give_back_buffer(taken);
                self.set_waiting(true);
                return Poll::Pending;
            };
            self.turn.read(&signal);
            self.count_taken(-1);
            if self.is_bounded() && signal.is_message() {
                self.done(1);
            }
            if let Signal::Notice(info) = &mut signal
                && !self.is_wanted(info)
            {
                continue;
            }
            self.set_waiting(false);
            return Poll::Ready(signal);
        }
    }

    /// Puts the next message into `out`, and gives its caller, if somebody waits for an answer: when it is of the process's own type,
    /// was taken over or is alone in the queue, and nothing else is to be done for it. Nothing in `out` says nothing.
    #[inline(always)]
    pub(crate) fn next_message(
        &self,
        taken: &mut VecDeque<Signal<M>>,
        out: &mut Option<M>,
    ) -> Option<Arc<dyn PendingReply>> {
        if !self.turn.may_read() || self.is_bounded() {
            return None;
        }
        let caller = match taken.front() {
            Some(signal) if signal.is_typed() => {
                let caller = taken.pop_front()?.typed(out);
                self.count_taken(-1);
                caller
            }
            Some(_) => return None,
            None if self.turn.is_listed() || self.turn.has_arrived() => return None,
            None if self.turn.has_read(TOOK) => return None,
            None => {
                let caller = self.queue.pop_only(Signal::is_typed)?.typed(out);
                self.turn.set_read(TOOK);
                self.turn.receive(1, true);
                self.look_at_backlog(1);
                caller
            }
        };
        self.reads(caller)
    }

    /// A message of its own type is read.
    #[inline(always)]
    pub(super) fn reads(
        &self,
        caller: Option<Arc<dyn PendingReply>>,
    ) -> Option<Arc<dyn PendingReply>> {
        self.turn.set_read(match caller {
            Some(_) => CALLED,
            None => OTHER,
        });
        self.turn.count_read();
        self.set_waiting(false);
        caller
    }

    /// As much was read as one poll may: the others of this thread come first.
    #[cold]
    fn yield_turn(&self, cx: &mut Context<'_>) -> Poll<Signal<M>> {
        self.look_at_alarm();
        if !self.is_bounded() && !self.turn.has_arrived() {
            self.turn.set_read(YIELDED);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// While it is alarmed: behind a turn whose budget is used up.
    pub(super) fn look_at_alarm(&self) {
        if self.is_alarmed() {
            self.look_at_backlog(self.mail.lock().len() + self.taken());
        }
    }

    /// False when there was nothing to take.
    fn take_batch(&self, taken: &mut VecDeque<Signal<M>>) -> bool {
        let mut mail = self.mail.lock();
        if self.is_bounded() {
            // The oldest message may be taken out by others, and stays where they find it.
            taken.extend(mail.list.pop_front());
        } else {
            std::mem::swap(taken, &mut mail.list);
        }
        self.turn.set_listed(!mail.list.is_empty());
        let all = match mail.more {
            0 => taken.len(),
            _ => taken.iter().map(Signal::weight).sum(),
        };
        mail.more = mail.more.saturating_sub((all - taken.len()) as u32);
        self.count_taken(all as isize);
        if self.is_alarmed() {
            self.look_at_backlog(mail.len() + all);
        }
        !taken.is_empty()
    }

    /// Takes the queue over, past the shell: there is nothing that it could not see. What is no message acts first.
    pub(super) fn take_queue(&self, taken: &mut VecDeque<Signal<M>>) -> Taken<M> {
        // Of a bounded one others may take the oldest message out, and look for it in the mail.
        if self.is_bounded() || self.turn.has_arrived() {
            return Taken::Left;
        }
        // Mostly nothing came since: the shell will see when it parks.
        if self.turn.has_read(TOOK) {
            return Taken::Nothing;
        }
        let batch = match self.queue.try_next(taken) {
            Found::Nothing => return Taken::Nothing,
            Found::One(signal) => {
                let called = matches!(signal, Signal::Call(..));
                self.turn
                    .set_read(if called { TOOK | CALLED } else { TOOK });
                self.turn.receive(1, true);
                self.look_at_backlog(1);
                return Taken::One(signal);
            }
            Found::Batch(batch) => batch,
        };
        self.turn.set_read(TOOK);
        self.turn.receive(batch.messages, true);
        let all = batch.items + batch.more;
        self.look_at_backlog(all);
        // The bound may have been lifted just now, by which others put something there.
        if batch.signals == 0 && !self.turn.has_arrived() {
            self.count_taken(all as isize);
            return Taken::Some;
        }
        let mut mail = self.mail.lock();
        mail.add_more(batch.more);
        mail.arrived.list().append(taken);
        match self.act_on_arrived(&mut mail) {
            None if mail.arrived.is_empty() => Taken::Some,
            None => Taken::Left,
            Some(fatal) => {
                // The shell looks whenever the behaviour waits.
                let _ = self.ended.set(fatal);
                Taken::Left
            }
        }
    }

    /// To be called where nothing was found to read, by a behaviour that asks for that first of all when it is polled again. `alone`:
    /// it waits for nothing else.
    #[inline]
    pub(crate) fn reads_next(&self, alone: bool) {
        if self.turn.has_read(EMPTIED) {
            self.turn
                .set_read(if alone { READING | RESTS } else { READING });
        }
    }

    /// Whether the behaviour may read one more of the run that it has in hand: it is counted as read then. It keeps what is left of
    /// the run.
    #[inline]
    pub(crate) fn goes_on(&self) -> bool {
        if !self.turn.may_read() || self.is_bounded() {
            return false;
        }
        self.turn.count_read();
        self.count_taken(-1);
        true
    }

    /// How many messages (and signals) have arrived and are not handled yet.
    pub(crate) fn unread(&self) -> usize {
        self.arrived() + self.taken()
    }

    /// The process waits for what is sent to it, and runs again then.
    ///
    /// # Errors
    /// The shell, when something was sent already, or it was woken.
    pub(crate) fn park(&self, shell: Parked<M>) -> Result<(), Parked<M>> {
        self.queue.park(shell)?;
        if self.node().has_lost_runtime() {
            self.queue.wake();
        }
        Ok(())
    }

    /// As [`park`](Self::park), of a process that was just made, whose code begins by asking for its first message; it is ready at
    /// once, when something was sent to it already.
    pub(crate) fn rest(&self, shell: Parked<M>) {
        self.set_waiting(true);
        self.turn.set_read(READING | RESTS);
        if let Err(shell) = self.park(shell) {
            schedule(shell);
        }
    }

    /// The process itself, if it is parked and a call may be handed to it.
    #[inline]
    pub(crate) fn take_for_call(&self) -> Option<Parked<M>> {
        self.queue.take_parked(|parked| parked.takes_calls())
    }

    /// How many messages its code has read since it was polled last.
    pub(crate) fn read_in_turn(&self) -> u32 {
        self.turn.messages_read()
    }

    /// To be called when its code is pending: whether that waits for nothing but what is sent to it, at the place where it asks for its
    /// next message, behind a turn in which it read calls of this node and nothing else.
    pub(crate) fn rests_after_calls(&self) -> bool {
        self.turn.rests_after_calls() && self.end_reason().is_none()
    }

    /// It runs again, though nothing was sent to it.
    pub(crate) fn wake_up(&self) {
        self.queue.wake();
    }

    /// Whether nothing was sent to it yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.queue.is_idle()
    }

    /// Whether nothing can be pushed any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.queue.is_closed()
    }

    /// How many signals have arrived that the behaviour did not take over yet.
    pub(crate) fn arrived(&self) -> usize {
        self.mail.lock().len() + self.queue.len()
    }

    /// A message that was taken is not handled yet after all, or the process gave itself one: it counts as unread.
    pub(crate) fn hold(&self, messages: u32) {
        if self.is_bounded() {
            self.queue.hold(messages);
        }
    }

    /// Gives back the memory of lists that are empty now. Only the process's own task calls this.
    pub(crate) fn shrink(&self) {
        let mut mail = self.mail.lock();
        mail.list.shrink_to_fit();
        mail.arrived.give_back();
    }

    /// What the behaviour took over and did not handle goes back in front: the end of the process answers for it.
    pub(crate) fn give_back(&self, taken: &mut VecDeque<Signal<M>>) {
        if !taken.is_empty() {
            let mut mail = self.mail.lock();
            taken.append(&mut mail.list);
            std::mem::swap(taken, &mut mail.list);
            self.turn.set_listed(true);
        }
    }

    /// Begins a selective receive: everything is looked at again, from the oldest on.
    pub(crate) fn begin_match(&self) {
        self.mail.lock().passed = 0;
    }

    /// A notice is handled now: whoever takes one out, and does not keep it for later, says so. Until then a DOWN can be flushed.
    pub(crate) fn read_notice(&self, info: &Info) {
        if let Info::Down { reference, .. } = info {
            self.state.lock().read_down(reference);
        }
    }

    /// Rule 3.
    fn is_wanted(&self, info: &mut Info) -> bool {
        match info {
            Info::Down { reference, .. } => self.state.lock().wants_down(reference),
            Info::MessagesLost { count } => {
                *count = count.saturating_add(self.unreported());
                *count > 0
            }
            _ => true,
        }
    }
}

impl Process<Never> {
    /// Goes on with a selective receive: `look` says what it wants of a message, or that it does not want it.
    pub(crate) fn poll_match<T>(
        &self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&Info) -> Option<T>,
    ) -> Next<T> {
        let mut mail = self.mail.lock();
        debug_assert_eq!(mail.more, 0, "see `Process::reads_singly`");
        let mut looks = if self.turn.may_read() { PASSED } else { 0 };
        let mut next = Next::Nothing;
        let mut done = 0;
        while (mail.passed as usize) < mail.list.len() && looks > 0 {
            looks -= 1;
            let at = mail.passed as usize;
            let (found, decoded) = match self.look_at(&mut mail.list[at], &mut look) {
                Looked::Left => {
                    mail.passed += 1;
                    continue;
                }
                Looked::Gone => (None, None),
                Looked::Found(found, decoded) => (Some(found), decoded),
            };
            let signal = mail.list.remove(at);
            done += u32::from(signal.as_ref().is_some_and(Signal::is_message));
            if let Some(found) = found
                && let Some(info) = decoded.or_else(|| signal.and_then(Signal::into_info))
            {
                self.turn.count_read();
                next = Next::Match(found, info);
                break;
            }
        }
        if let Next::Match(_, info) = &next {
            self.read_notice(info);
        }
        // Behind more control signals than one poll has time for there may be messages.
        if matches!(next, Next::Nothing) && (looks == 0 || !mail.arrived.is_empty()) {
            self.turn.end();
            cx.waker().wake_by_ref();
            next = Next::More;
        }
        give_back_buffer(&mut mail.list);
        let waiting = mail.len();
        drop(mail);
        if done > 0 && self.is_bounded() {
            self.done(done);
        }
        if self.is_alarmed() {
            self.look_at_backlog(waiting);
        }
        self.set_waiting(matches!(next, Next::Nothing));
        next
    }

    fn look_at<T>(
        &self,
        entry: &mut Signal<Never>,
        look: &mut impl FnMut(&Info) -> Option<T>,
    ) -> Looked<T> {
        match entry {
            Signal::Wire(wire) => {
                let Some(info) = wire.term().map(Info::Term) else {
                    return Looked::Gone;
                };
                if let Some(found) = look(&info) {
                    return Looked::Found(found, Some(info));
                }
                *entry = Signal::Passed(Box::new(info));
                Looked::Left
            }
            Signal::Notice(info) | Signal::Passed(info) => {
                if !self.is_wanted(info) {
                    return Looked::Gone;
                }
                match look(info) {
                    Some(found) => Looked::Found(found, None),
                    None => Looked::Left,
                }
            }
            Signal::Message(never) | Signal::Call(never, _) => match *never {},
            // The shell keeps control signals to itself, and plain processes are asked to stop by one.
            Signal::Control(_) | Signal::Stop(..) | Signal::Replace(_) => Looked::Gone,
        }
    }
}

/// One look of a selective receive.
enum Looked<T> {
    Left,
    /// Nobody wants it any more.
    Gone,
    /// With what was decoded for it.
    Found(T, Option<Info>),
}

/// A burst's buffer is not kept.
#[inline]
pub(super) fn give_back_buffer<T>(list: &mut VecDeque<T>) {
    const KEPT: usize = 32;
    if list.capacity() > KEPT && list.len() < list.capacity() / 8 {
        list.shrink_to(list.len().saturating_mul(2));
    }
}

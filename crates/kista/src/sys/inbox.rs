//! The seam between a process and its behaviour: where every behaviour reads what it is to do next.
//!
//! A behaviour (gen_server, and each other one) does not read its process's queue itself. It asks its [`Inbox`] for the next
//! [`Event`], each time with a [`Behaviour`] made from a borrow of its state:
//!
//! ```text
//! let mut inbox = Inbox::new(process);
//! loop {
//!     match poll_fn(|cx| inbox.poll_next(&mut Shown(&mut state), cx)).await {
//!         Event::Message(message) => state.handle(message).await,
//!         Event::Info(info) => state.handle_info(info).await,
//!         Event::System => {}
//!         Event::Stop(reason) => break reason,
//!     }
//! }
//! ```
//!
//! Rules:
//! 1. The inbox decodes what came encoded, refuses calls that do not fit, ends on the parent's trapped exit and on a stop, and
//!    serves `{system, From, Request}` in one place for all.
//! 2. An event counts as handled when the next is asked for. A call whose token is then still out is kept in
//!    `ProcessState::deferred`, so that the end of the process reaches its caller; so it is when the inbox is dropped.
//! 3. While suspended it gives nothing but `System` and `Stop`; what it keeps meanwhile comes first afterwards.
//! 4. What was taken over and not handled goes back in front when the inbox is dropped: the process's end answers for it.
//! 5. Of a run of encoded messages one is in hand, and the others are behind it, in front of all that arrived later.
//! 6. What is known of the message in hand is kept for a crash report: the encoded form if it came so and is small, else its kind.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use kista_etf::Term;

use super::behaviour::Behaviour;
use super::debug::{Debug, Tap};
use super::in_hand::InHand;
use super::read::{self, Read};
use super::serve::Served;
use crate::ExitReason;
use crate::gen_server::{Message, PendingReply};
use crate::process::{Deferred, Info, Process, Signal, WireMessage};
use crate::reports::Shown;

/// Where a behaviour reads what it is to do next. See the head of this file.
///
/// It costs an idle process a list without memory and one pointer: what `sys` was asked to keep is boxed on demand.
pub(crate) struct Inbox<M: Send + 'static> {
    pub(super) process: Arc<Process<M>>,
    /// Messages taken over and not handled yet: read without a lock.
    pub(super) taken: VecDeque<Signal<M>>,
    /// How many at the front of `taken` the process gave itself, to be handled before anything else.
    own: u32,
    /// Whence the message in hand came.
    pub(super) origin: Origin,
    /// What `sys` was asked to do beside answering.
    sys: Option<Box<Sys<M>>>,
    pub(super) in_hand: InHand,
}

/// Whence a message came, if there is more to say of it. Two variants, so that it takes no more room than its first.
pub(super) enum Origin {
    /// Its caller is of this node, and waits for a typed answer.
    Caller(Arc<dyn PendingReply>),
    /// It came encoded, and is small, or has others behind it; or neither.
    Encoded(Option<Box<WireMessage>>),
}

impl Origin {
    const NONE: Self = Self::Encoded(None);

    const fn is_some(&self) -> bool {
        !matches!(self, Self::Encoded(None))
    }

    fn take_caller(&mut self) -> Option<Arc<dyn PendingReply>> {
        match std::mem::replace(self, Self::NONE) {
            Self::Caller(caller) => Some(caller),
            encoded => {
                *self = encoded;
                None
            }
        }
    }
}

/// An encoded message above this is not kept while it is handled: what was decoded of it is memory enough.
const MOST_KEPT: usize = 16 * 1024;

struct Sys<M> {
    suspended: bool,
    /// What arrived while suspended, in its order.
    kept: VecDeque<Signal<M>>,
    debug: Debug,
}

/// What a behaviour is to do next.
pub(crate) enum Event<M> {
    /// Handle a message of the behaviour's own type.
    Message(M),
    /// Handle what is not of its own type. Boxed: an idle process keeps the room for its next event.
    Info(Box<Info>),
    /// Nothing: a request of `sys` was served. As in OTP, a timeout that ran begins anew.
    System,
    /// Run `terminate`, and end with this reason.
    Stop(ExitReason),
}

impl<M: Message> Inbox<M> {
    pub(crate) fn new(process: Arc<Process<M>>) -> Self {
        Self {
            process,
            taken: VecDeque::new(),
            own: 0,
            origin: Origin::NONE,
            sys: None,
            in_hand: InHand::NOTHING,
        }
    }

    pub(crate) fn process(&self) -> &Arc<Process<M>> {
        &self.process
    }

    /// Ready with the next event; whatever was returned before counts as handled. Pending: nothing is there, and the process is polled again when something is; a
    /// behaviour's own timers are looked at now, unless it [is suspended](Self::is_suspended).
    #[inline]
    pub(crate) fn poll_next(
        &mut self,
        behaviour: &mut dyn Behaviour,
        cx: &mut Context<'_>,
    ) -> Poll<Event<M>> {
        if let Some(wire) = self.next_of_run()
            && let Some(event) = self.came_encoded(wire, behaviour)
        {
            return Poll::Ready(event);
        }
        if self.origin.is_some() || self.sys.is_some() {
            self.handled(Some(behaviour));
        }
        self.in_hand = InHand::NOTHING;
        // The usual case by itself: nothing watches, and a message is there that nobody waits for.
        if self.sys.is_none() {
            let signal = ready!(self.process.poll_next(&mut self.taken, cx));
            let own = self.own > 0;
            self.own -= u32::from(own);
            if let Signal::Message(message) = signal {
                self.in_hand = InHand::message(&message);
                return Poll::Ready(Event::Message(message));
            }
            if let Some(event) = self.event(signal, own, behaviour) {
                return Poll::Ready(event);
            }
        }
        self.poll_watched(behaviour, cx)
    }

    /// Puts the next message into `out`, when it is of the behaviour's own type and nothing watches; what was returned before counts as
    /// handled. Nothing in `out` says nothing: [`poll_next`](Self::poll_next) is to be asked.
    ///
    /// By itself and without a step between, so that the message is moved once, from where it lies to where it is handled. From one
    /// nest of variants into the next, each of which begins elsewhere, it would be read while it is still being written, for which the
    /// processor waits (see `poll_as`).
    #[inline(always)]
    pub(crate) fn next_message(&mut self, out: &mut Option<M>) {
        if self.sys.is_some() || self.own > 0 {
            return;
        }
        match self.origin {
            Origin::Encoded(None) => {}
            Origin::Encoded(Some(_)) => return,
            Origin::Caller(_) => self.handled(None),
        }
        if let Some(caller) = self.process.next_message(&mut self.taken, out) {
            self.origin = Origin::Caller(caller);
        }
        self.in_hand = out.as_ref().map_or(InHand::NOTHING, InHand::message);
    }

    /// Whether nothing watches, and nothing is in hand or of its own.
    pub(crate) fn is_plain(&self) -> bool {
        self.sys.is_none() && self.own == 0 && !self.origin.is_some()
    }

    /// The run in hand, with its next message in front, when that is what comes next and nothing watches. It counts as read.
    #[inline]
    fn next_of_run(&mut self) -> Option<Box<WireMessage>> {
        let Origin::Encoded(Some(wire)) = &mut self.origin else {
            return None;
        };
        if wire.left() == 0 || self.own > 0 || self.sys.is_some() || !self.process.goes_on() {
            return None;
        }
        wire.advance();
        match &mut self.origin {
            Origin::Encoded(wire) => wire.take(),
            Origin::Caller(_) => None,
        }
    }

    /// What is left of a run comes next, behind what the process gave itself.
    fn put_back_rest(&mut self, mut run: Box<WireMessage>) {
        if run.advance() {
            self.taken.insert(self.own as usize, Signal::Wire(run));
        }
    }

    /// The first of a run by itself: what is left comes next.
    fn one(&mut self, signal: Signal<M>) -> Signal<M> {
        match signal {
            Signal::Wire(run) if run.is_run() => {
                let first = Box::new(run.single());
                self.put_back_rest(run);
                Signal::Wire(first)
            }
            other => other,
        }
    }

    /// As [`poll_next`](Self::poll_next), when `sys` may have been asked to do something.
    fn poll_watched(
        &mut self,
        behaviour: &mut dyn Behaviour,
        cx: &mut Context<'_>,
    ) -> Poll<Event<M>> {
        loop {
            let signal = ready!(self.process.poll_next(&mut self.taken, cx));
            let own = self.own > 0;
            self.own -= u32::from(own);
            let signal = self.one(signal);
            if let Some(sys) = &mut self.sys
                && sys.suspended
            {
                let waits = !acts_while_suspended(&signal, &self.process);
                if waits {
                    self.process.count_taken(1);
                    self.process.hold(u32::from(signal.is_message()));
                    sys.kept.push_back(signal);
                    continue;
                }
            }
            if let Some(event) = self.event(signal, own, behaviour) {
                return Poll::Ready(event);
            }
        }
    }

    /// Puts a message in front of all that arrived, behind those that were put there before: OTP's `{continue, _}`.
    pub(crate) fn continue_with(&mut self, message: M) {
        self.taken
            .insert(self.own as usize, Signal::Message(message));
        self.own += 1;
        self.process.count_taken(1);
        self.process.hold(1);
    }

    /// Whether it has messages that the process gave itself.
    pub(crate) fn has_own(&self) -> bool {
        self.own > 0
    }

    /// Whether only `sys` is listened to: no timer of the behaviour may act.
    pub(crate) fn is_suspended(&self) -> bool {
        self.sys.as_ref().is_some_and(|sys| sys.suspended)
    }

    /// The caller of the message that was returned last, when it is of this node: whoever takes it answers for it.
    pub(crate) fn take_caller(&mut self) -> Option<Arc<dyn PendingReply>> {
        self.origin.take_caller()
    }

    /// Unless the message in hand has one already.
    pub(super) fn set_caller(&mut self, caller: Arc<dyn PendingReply>) {
        if !self.origin.is_some() {
            self.origin = Origin::Caller(caller);
        }
    }

    /// The behaviour's own timeout is what is handled next.
    pub(crate) fn timed_out(&mut self) {
        self.in_hand = InHand::TIMEOUT;
    }

    /// What is being handled, as far as it can be shown: a message that was moved only by its name, unless `sys` watches.
    pub(crate) fn last_message(&self) -> Shown {
        let watched = self.sys.as_ref().and_then(|sys| sys.debug.in_hand());
        let encoded = || match &self.origin {
            Origin::Encoded(Some(message)) => message.term(),
            Origin::Encoded(None) | Origin::Caller(_) => None,
        };
        if let Some(message) = watched.or_else(encoded) {
            return Shown::term(message);
        }
        self.in_hand.shown::<M>()
    }

    /// How many signals have arrived and are not handled yet.
    pub(crate) fn waiting(&self) -> usize {
        self.process.unread()
    }

    /// The next signal as it is, for [`Held`](super::Held): it counts as unread still.
    pub(super) fn poll_signal(&mut self, cx: &mut Context<'_>) -> Poll<Signal<M>> {
        let signal = ready!(self.process.poll_next(&mut self.taken, cx));
        let signal = self.one(signal);
        self.process.hold(u32::from(signal.is_message()));
        self.process.count_taken(1);
        Poll::Ready(signal)
    }

    pub(super) fn read_notice(&self, info: Info) -> Info {
        self.process.read_notice(&info);
        self.hand_out(info)
    }

    /// What was aside is read now.
    pub(super) fn hand_out(&self, info: Info) -> Info {
        self.process.count_taken(-1);
        info
    }

    /// What was taken over before goes back in front, in its order.
    pub(super) fn put_back(&mut self, mut signals: VecDeque<Signal<M>>) {
        signals.append(&mut self.taken);
        self.taken = signals;
    }

    /// Gives back the memory that a burst of messages needed: OTP's `hibernate`.
    pub(crate) fn shrink(&mut self) {
        self.taken.shrink_to_fit();
        self.process.shrink();
    }

    fn event(
        &mut self,
        signal: Signal<M>,
        own: bool,
        behaviour: &mut dyn Behaviour,
    ) -> Option<Event<M>> {
        Some(match signal {
            Signal::Message(message) => {
                self.in_hand = InHand::message(&message);
                if !own && let Some(debug) = self.debug() {
                    debug.moved(&message);
                }
                Event::Message(message)
            }
            Signal::Call(message, caller) => {
                self.in_hand = InHand::message(&message);
                if let Some(debug) = self.debug() {
                    debug.moved(&message);
                }
                self.origin = Origin::Caller(caller);
                Event::Message(message)
            }
            Signal::Wire(wire) => return self.came_encoded(wire, behaviour),
            Signal::Notice(info) => {
                self.process.read_notice(&info);
                self.in_hand = InHand::notice(&info);
                if let Info::Exit { from, reason } = &*info
                    && Some(*from) == self.parent()
                {
                    return Some(Event::Stop(reason.clone()));
                }
                if let Some(debug) = self.debug() {
                    debug.noticed(&info);
                }
                Event::Info(info)
            }
            Signal::Stop(reason, pending) => {
                self.in_hand = InHand::STOP;
                if pending.is_some() {
                    // Left over for the end of the process, which answers.
                    let answered = Signal::Stop(reason.clone(), pending);
                    self.taken.push_front(answered);
                }
                Event::Stop(reason)
            }
            Signal::Replace(replace) => {
                replace.run(behaviour.replaceable());
                Event::System
            }
            Signal::Control(_) | Signal::Passed(_) => {
                unreachable!(
                    "control signals are the shell's, and only plain processes pass messages over"
                )
            }
        })
    }

    /// A message that came encoded, with those behind it.
    #[inline]
    fn came_encoded(
        &mut self,
        wire: Box<WireMessage>,
        behaviour: &mut dyn Behaviour,
    ) -> Option<Event<M>> {
        let tap = self.debug().map(|_| Tap::new());
        let read = read::read(&self.process, &wire, tap.clone());
        if !matches!(read, Read::System(_) | Read::Nothing)
            && let Some(debug) = self.debug()
            && let Ok(term) = wire.decoder().term()
        {
            debug.came_in(term, tap);
        }
        let kept = wire.len() <= MOST_KEPT;
        Some(match read {
            Read::Message(message) => {
                self.in_hand = InHand::message(&message);
                self.origin = Origin::Encoded(kept.then_some(wire));
                Event::Message(message)
            }
            Read::Info(term) => {
                self.in_hand = InHand::INFO;
                self.origin = Origin::Encoded(kept.then_some(wire));
                Event::Info(Box::new(Info::Term(term)))
            }
            Read::System(asked) => {
                self.put_back_rest(wire);
                let (request, caller) = *asked;
                let (answer, served) = self.serve(&request, behaviour);
                // Answered before it is obeyed, as OTP does.
                caller.send_term(&answer);
                match served {
                    Served::Stop(reason) => {
                        self.in_hand = InHand::STOP;
                        Event::Stop(reason)
                    }
                    Served::Answered => Event::System,
                }
            }
            Read::Nothing => {
                self.put_back_rest(wire);
                return None;
            }
        })
    }

    /// The message that was returned last is handled.
    fn handled(&mut self, behaviour: Option<&mut dyn Behaviour>) {
        self.in_hand = InHand::NOTHING;
        let caller = match std::mem::replace(&mut self.origin, Origin::NONE) {
            Origin::Caller(caller) => Some(caller),
            Origin::Encoded(Some(wire)) => {
                self.put_back_rest(wire);
                None
            }
            Origin::Encoded(None) => None,
        };
        let pending = caller.filter(|caller| caller.is_pending());
        let answered = pending.is_none();
        if let Some(pending) = pending {
            // Its token lives on somewhere: the process's end is to reach the caller from here.
            defer(self.process.state.lock().deferred(), pending);
        }
        if let Some(sys) = &mut self.sys
            && let Some(behaviour) = behaviour
        {
            sys.debug.handled(answered, || behaviour.state());
        }
    }

    fn parent(&self) -> Option<crate::Pid> {
        self.process.state.lock().parent()
    }

    /// What messages are shown to, when anything watches.
    fn debug(&mut self) -> Option<&mut Debug> {
        let sys = self.sys.as_mut()?;
        sys.debug.is_on().then_some(&mut sys.debug)
    }

    fn serve(&mut self, request: &Term, behaviour: &mut dyn Behaviour) -> (Term, Served) {
        let mut asked = self.sys.take().unwrap_or_else(|| {
            Box::new(Sys {
                suspended: false,
                kept: VecDeque::new(),
                debug: Debug::default(),
            })
        });
        let was_suspended = asked.suspended;
        let subject = super::serve::Subject {
            process: &*self.process,
            behaviour,
            suspended: &mut asked.suspended,
            debug: &mut asked.debug,
        };
        let answered = super::serve::serve(request, subject);
        self.process.set_suspended(asked.suspended);
        if was_suspended && !asked.suspended {
            // What waited comes first.
            asked.kept.append(&mut self.taken);
            std::mem::swap(&mut self.taken, &mut asked.kept);
        }
        if asked.suspended || asked.debug.is_on() {
            self.sys = Some(asked);
        }
        answered
    }
}

/// While suspended a process hears `sys`, the request to end, and its parent's end.
fn acts_while_suspended<M: Send + 'static>(signal: &Signal<M>, process: &Process<M>) -> bool {
    match signal {
        Signal::Wire(wire) => read::is_system(wire),
        Signal::Stop(..) | Signal::Replace(_) | Signal::Control(_) => true,
        Signal::Notice(info) => {
            matches!(**info, Info::Exit { from, .. } if process.state.lock().parent() == Some(from))
        }
        Signal::Message(_) | Signal::Call(..) | Signal::Passed(_) => false,
    }
}

/// Answered ones go when the list would grow. It then has room for as many again as are open, so that looking through it is
/// paid for by what was added since.
fn defer(deferred: &mut Deferred, pending: Arc<dyn PendingReply>) {
    if deferred.len() == deferred.capacity() {
        deferred.retain(|kept| kept.is_pending());
        let open = deferred.len();
        deferred.reserve(open.max(4));
    }
    deferred.push(pending);
}

/// What the behaviour took over and did not handle goes back in front: the end of the process answers for it.
impl<M: Send + 'static> Drop for Inbox<M> {
    fn drop(&mut self) {
        if let Some(caller) = self.origin.take_caller()
            && caller.is_pending()
        {
            defer(self.process.state.lock().deferred(), caller);
        }
        if let Origin::Encoded(Some(mut run)) = std::mem::replace(&mut self.origin, Origin::NONE)
            && run.advance()
        {
            self.taken.insert(self.own as usize, Signal::Wire(run));
        }
        if let Some(mut sys) = self.sys.take() {
            sys.kept.append(&mut self.taken);
            self.taken = sys.kept;
        }
        self.process.give_back(&mut self.taken);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    use super::*;

    static LOOKS: AtomicUsize = AtomicUsize::new(0);

    struct Kept(AtomicBool);

    impl PendingReply for Kept {
        fn is_pending(&self) -> bool {
            LOOKS.fetch_add(1, Relaxed);
            self.0.load(Relaxed)
        }

        fn fail(&self, _reason: &ExitReason) {}
    }

    #[test]
    fn many_open_calls_do_not_make_each_further_one_dear() {
        let mut deferred = Deferred::new();
        let kept = |open| Arc::new(Kept(AtomicBool::new(open))) as Arc<dyn PendingReply>;
        for _ in 0..4_095 {
            defer(&mut deferred, kept(true));
        }
        LOOKS.store(0, Relaxed);
        for _ in 0..10_000 {
            defer(&mut deferred, kept(false));
        }
        assert!(LOOKS.load(Relaxed) < 50_000, "{LOOKS:?}");
        assert!(deferred.capacity() <= 2 * 8_192);
    }
}

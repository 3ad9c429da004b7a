use std::time::{Duration, Instant};

use super::{Event, GenStatem, Timeout};
use crate::{ExitReason, ReplyTo};

/// What a callback returns: how the machine goes on, and the actions on the way. Built in the order in which OTP lists
/// actions, e.g. `Transition::next_state(State::Open).state_timeout(Duration::from_secs(10), ())`.
///
/// The three kinds differ in what they allow: [`Transition`] everything, [`Entered`] neither another state, nor
/// `postpone`, nor `next_event`, [`Init`] neither `postpone` nor a stop (that is the `Err` of `init`). What OTP
/// finds out when it runs (`bad_state_enter_action`) does not compile here.
#[must_use = "a machine goes on by what its callback returns"]
pub struct Outcome<S: GenStatem, K> {
    pub(super) kind: K,
    pub(super) actions: Actions<S>,
}

/// What [`GenStatem::handle`] returns.
pub type Transition<S> = Outcome<S, Step<S>>;
/// What [`GenStatem::enter`] returns.
pub type Entered<S> = Outcome<S, EnterStep>;
/// What [`GenStatem::init`] returns: the data, and the first state.
pub type Init<S> = Outcome<S, First<S>>;

/// How a machine goes on after an event; made by the constructors of [`Transition`].
pub struct Step<S: GenStatem> {
    pub(super) to: To<S::State>,
    pub(super) postponed: Option<Event<S>>,
}

pub(super) enum To<T> {
    Next(T),
    Keep,
    Repeat,
    Stop(ExitReason),
}

/// How a machine goes on after a state enter call; made by the constructors of [`Entered`].
pub struct EnterStep(pub(super) EnterTo);

pub(super) enum EnterTo {
    Keep,
    Repeat,
    Stop(ExitReason),
}

/// What a machine begins with; made by [`Init::new`](Outcome::new).
pub struct First<S: GenStatem> {
    pub(super) data: S,
    pub(super) state: S::State,
}

/// When a timeout rings: after a [`Duration`], or at an [`Instant`].
///
/// After no time at all (`Duration::ZERO`) no timer is started: the timeout is handled before anything that was not yet
/// received, after what is queued in the machine already. An event timeout among it is lost to any event before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum When {
    /// From the end of the transition on.
    After(Duration),
    /// Absolute; at once when it has passed.
    At(Instant),
}

impl From<Duration> for When {
    fn from(after: Duration) -> Self {
        Self::After(after)
    }
}

impl From<Instant> for When {
    fn from(at: Instant) -> Self {
        Self::At(at)
    }
}

pub(super) struct Actions<S: GenStatem> {
    pub(super) next_events: Vec<Event<S>>,
    pub(super) timeouts: Settings<S>,
    pub(super) hibernate: bool,
}

/// What is done to which timeout, in order.
pub(super) type Settings<S> = Vec<(
    Timeout<<S as GenStatem>::Timer>,
    Set<<S as GenStatem>::Content>,
)>;

/// What is done to a timeout.
pub(super) enum Set<C> {
    Start(When, C),
    Cancel,
    Update(C),
}

impl<S: GenStatem> Actions<S> {
    pub(super) const fn none() -> Self {
        Self {
            next_events: Vec::new(),
            timeouts: Vec::new(),
            hibernate: false,
        }
    }

    /// Those of a state enter call, as if they stood at the end of the list that led there.
    pub(super) fn append(&mut self, mut later: Self) {
        self.next_events.append(&mut later.next_events);
        self.timeouts.append(&mut later.timeouts);
        self.hibernate |= later.hibernate;
    }
}

impl<S: GenStatem, K> Outcome<S, K> {
    const fn of(kind: K) -> Self {
        Self {
            kind,
            actions: Actions::none(),
        }
    }

    /// Answers a call. It is sent at once, so that answers are ahead of everything else that the transition does.
    pub fn reply<T>(self, to: ReplyTo<T>, value: T) -> Self {
        to.reply(value);
        self
    }

    /// Starts, or starts again, the timeout of this state.
    pub fn state_timeout(self, when: impl Into<When>, content: S::Content) -> Self {
        self.timeout(Timeout::State, when, content)
    }

    /// Starts the timeout that any event cancels.
    pub fn event_timeout(self, when: impl Into<When>, content: S::Content) -> Self {
        self.timeout(Timeout::Event, when, content)
    }

    /// Starts, or starts again, a timeout. Of several actions on one timeout the last counts.
    pub fn timeout(
        self,
        which: Timeout<S::Timer>,
        when: impl Into<When>,
        content: S::Content,
    ) -> Self {
        self.set(which, Set::Start(when.into(), content))
    }

    /// Cancels a timeout; nothing when it does not run. It does not ring afterwards.
    pub fn cancel(self, which: Timeout<S::Timer>) -> Self {
        self.set(which, Set::Cancel)
    }

    /// Changes what a running timeout carries, and not its time. One that does not run rings at once, as if it had been
    /// started with no time.
    pub fn update(self, which: Timeout<S::Timer>, content: S::Content) -> Self {
        self.set(which, Set::Update(content))
    }

    /// Gives memory back before the machine waits for its next message, if it comes to wait at once.
    pub const fn hibernate(mut self) -> Self {
        self.actions.hibernate = true;
        self
    }

    fn set(mut self, which: Timeout<S::Timer>, set: Set<S::Content>) -> Self {
        self.actions.timeouts.push((which, set));
        self
    }
}

impl<S: GenStatem> Transition<S> {
    /// Goes to this state: `{next_state, State, Data, Actions}`. To the present one is as [`keep_state`](Self::keep_state).
    pub const fn next_state(state: S::State) -> Self {
        Self::to(To::Next(state))
    }

    /// Stays: `{keep_state, Data, Actions}`.
    pub const fn keep_state() -> Self {
        Self::to(To::Keep)
    }

    /// Stays, and enters the state again: the enter call runs, postponed events stay postponed and the state timeout runs on.
    pub const fn repeat_state() -> Self {
        Self::to(To::Repeat)
    }

    /// Ends the machine with this reason, through `terminate`; with [`reply`](Self::reply) it is OTP's `stop_and_reply`.
    /// Other actions have no effect.
    pub fn stop(reason: impl Into<ExitReason>) -> Self {
        Self::to(To::Stop(reason.into()))
    }

    /// Sets the event aside, to be handled again after the next change of state, before newer ones. To be given back is
    /// the event that is being handled:
    ///
    /// ```text
    /// (State::Locked, event @ Event::Message(Msg::Open(_))) => Transition::keep_state().postpone(event)
    /// ```
    pub fn postpone(mut self, event: Event<S>) -> Self {
        self.kind.postponed = Some(event);
        self
    }

    /// Inserts an event, to be handled before anything that is queued; several of them in the order given.
    pub fn next_event(self, event: Event<S>) -> Self {
        self.insert(event)
    }

    const fn to(to: To<S::State>) -> Self {
        Self::of(Step {
            to,
            postponed: None,
        })
    }
}

impl<S: GenStatem> Entered<S> {
    /// Stays in the state just entered.
    pub const fn keep_state() -> Self {
        Self::of(EnterStep(EnterTo::Keep))
    }

    /// Enters the state once more.
    pub const fn repeat_state() -> Self {
        Self::of(EnterStep(EnterTo::Repeat))
    }

    /// Ends the machine with this reason, through `terminate`.
    pub fn stop(reason: impl Into<ExitReason>) -> Self {
        Self::of(EnterStep(EnterTo::Stop(reason.into())))
    }
}

impl<S: GenStatem> Init<S> {
    /// The data and the first state, which is entered at once.
    pub const fn new(data: S, state: S::State) -> Self {
        Self::of(First { data, state })
    }

    /// Inserts an event, to be handled before anything that was sent to the machine.
    pub fn next_event(self, event: Event<S>) -> Self {
        self.insert(event)
    }
}

impl<S: GenStatem, K> Outcome<S, K> {
    fn insert(mut self, event: Event<S>) -> Self {
        self.actions.next_events.push(event);
        self
    }
}

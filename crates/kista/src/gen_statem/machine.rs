//! The pure core of a state machine: what a callback returned goes in, the next thing to do comes out.
//!
//! Rules, in the order of OTP's list of steps of a transition (the names in brackets are the tests that hold them):
//! 1. The new state is entered first: at the start, after a change of state, and after `repeat_state`. What the enter
//!    call returns counts as if it stood at the end of the actions that led there [`the_state_is_entered_before_anything_else`].
//! 2. The event is postponed, if it was given back.
//! 3. A change of state puts what was postponed in front of what is queued, the oldest first, and cancels the state
//!    timeout [`postponed_events_come_back_in_order_when_the_state_changes`]. Equal states are no change
//!    [`the_same_state_is_no_change`].
//! 4. The event timeout is cancelled by any event [`any_event_cancels_the_event_timeout`].
//! 5. Inserted events come in front of all that, in the order given [`inserted_events_come_first_and_in_order`].
//! 6. Timeouts are set; of several settings of one timeout the last counts. One with no time is handled when nothing is
//!    queued any more, before anything is received [`a_timeout_without_time_comes_before_what_was_not_received`].
//! 7. A timeout that was cancelled, replaced or has rung does not ring [`a_replaced_timeout_does_not_ring`].

use std::collections::VecDeque;

use super::outcome::{Actions, EnterTo, First, Set, Settings, To};
use super::{Entered, Event, GenStatem, Init, Timeout, Transition, When};
use crate::ExitReason;

/// The state, what is queued in the machine itself, and which timeouts run.
pub(super) struct Machine<S: GenStatem> {
    state: S::State,
    /// The state before, while the present one is being entered after a change.
    left: Option<S::State>,
    /// To be handled before anything is received.
    queue: VecDeque<Event<S>>,
    /// The oldest first.
    postponed: VecDeque<Event<S>>,
    running: Vec<Running<S>>,
    /// Timeouts without time, in the order in which they were started. An event timeout among them is cancelled by whatever is
    /// handled before its turn, as any other.
    due: VecDeque<(Timeout<S::Timer>, S::Content)>,
    timers: u64,
    hibernate: bool,
    under_way: UnderWay<S>,
}

/// A transition while its state is being entered.
struct UnderWay<S: GenStatem> {
    actions: Actions<S>,
    postponed: Option<Event<S>>,
    changed: bool,
}

struct Running<S: GenStatem> {
    which: Timeout<S::Timer>,
    timer: TimerId,
    content: S::Content,
}

/// Names one start of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimerId(u64);

/// What the shell is to do with its timers.
#[derive(Debug, PartialEq)]
pub(super) enum TimerEffect {
    Start(TimerId, When),
    Cancel(TimerId),
}

/// What comes after a callback.
#[derive(Debug)]
pub(super) enum After {
    /// The enter call, with [`Machine::entering`]; then [`Machine::entered`].
    Enter,
    /// The transition is done: [`Machine::next`].
    Done,
    Stop(ExitReason),
}

impl<S: GenStatem> Machine<S> {
    /// A machine and its data. Its first state is to be entered.
    pub(super) fn new(init: Init<S>) -> (Self, S) {
        let First { data, state } = init.kind;
        let machine = Self {
            state,
            left: None,
            queue: VecDeque::new(),
            postponed: VecDeque::new(),
            running: Vec::new(),
            due: VecDeque::new(),
            timers: 0,
            hibernate: false,
            under_way: UnderWay {
                actions: init.actions,
                postponed: None,
                changed: false,
            },
        };
        (machine, data)
    }

    pub(super) fn state(&self) -> &S::State {
        &self.state
    }

    /// Sets the state from outside: not a transition, and not entered.
    pub(super) fn replace_state(&mut self, state: S::State) {
        self.state = state;
    }

    /// The old state and the new one, which are the same at the start and when a state is repeated.
    pub(super) fn entering(&self) -> (&S::State, &S::State) {
        (self.left.as_ref().unwrap_or(&self.state), &self.state)
    }

    /// The next event that is queued in the machine; none: something is to be received.
    pub(super) fn next(&mut self) -> Option<Event<S>> {
        if let Some(event) = self.queue.pop_front() {
            return Some(event);
        }
        let (which, content) = self.due.pop_front()?;
        Some(Event::Timeout(which, content))
    }

    /// Whether the last transition asked for hibernation.
    pub(super) fn wants_hibernation(&mut self) -> bool {
        std::mem::take(&mut self.hibernate)
    }

    /// A timer rang. None: it was cancelled meanwhile.
    pub(super) fn rang(&mut self, timer: TimerId) -> Option<Event<S>> {
        let at = self.running.iter().position(|r| r.timer == timer)?;
        let Running { which, content, .. } = self.running.swap_remove(at);
        Some(Event::Timeout(which, content))
    }

    /// The handler of an event has returned.
    pub(super) fn transition(
        &mut self,
        transition: Transition<S>,
        effects: &mut Vec<TimerEffect>,
    ) -> After {
        let enter = match transition.kind.to {
            To::Stop(reason) => return After::Stop(reason),
            To::Keep => false,
            To::Repeat => true,
            To::Next(state) if state == self.state => false,
            To::Next(state) => {
                self.left = Some(std::mem::replace(&mut self.state, state));
                true
            }
        };
        self.under_way = UnderWay {
            actions: transition.actions,
            postponed: transition.kind.postponed,
            changed: self.left.is_some(),
        };
        if enter {
            return After::Enter;
        }
        self.finish(effects);
        After::Done
    }

    /// The enter call has returned.
    pub(super) fn entered(&mut self, entered: Entered<S>, effects: &mut Vec<TimerEffect>) -> After {
        self.left = None;
        self.under_way.actions.append(entered.actions);
        match entered.kind.0 {
            EnterTo::Stop(reason) => After::Stop(reason),
            EnterTo::Repeat => After::Enter,
            EnterTo::Keep => {
                self.finish(effects);
                After::Done
            }
        }
    }

    /// Steps 2 to 6 of the module's head.
    fn finish(&mut self, effects: &mut Vec<TimerEffect>) {
        let UnderWay {
            actions,
            postponed,
            changed,
        } = std::mem::replace(
            &mut self.under_way,
            UnderWay {
                actions: Actions::none(),
                postponed: None,
                changed: false,
            },
        );
        self.postponed.extend(postponed);
        if changed {
            self.postponed.append(&mut self.queue);
            std::mem::swap(&mut self.postponed, &mut self.queue);
            self.stop_timeout(&Timeout::State, effects);
        }
        self.stop_timeout(&Timeout::Event, effects);
        for event in actions.next_events.into_iter().rev() {
            self.queue.push_front(event);
        }
        self.set_timeouts(actions.timeouts, effects);
        self.hibernate = actions.hibernate;
    }

    fn set_timeouts(&mut self, mut settings: Settings<S>, effects: &mut Vec<TimerEffect>) {
        keep_last_of_each(&mut settings);
        for (which, set) in settings {
            match set {
                Set::Cancel => self.stop_timeout(&which, effects),
                Set::Update(content) => match self.content_of(&which) {
                    Some(old) => *old = content,
                    None => self.due.push_back((which, content)),
                },
                Set::Start(When::After(time), content) if time.is_zero() => {
                    self.stop_timeout(&which, effects);
                    self.due.push_back((which, content));
                }
                Set::Start(when, content) => {
                    self.stop_timeout(&which, effects);
                    self.timers += 1;
                    let timer = TimerId(self.timers);
                    self.running.push(Running {
                        which,
                        timer,
                        content,
                    });
                    effects.push(TimerEffect::Start(timer, when));
                }
            }
        }
    }

    fn content_of(&mut self, which: &Timeout<S::Timer>) -> Option<&mut S::Content> {
        let running = self.running.iter_mut().find(|r| r.which == *which);
        match running {
            Some(running) => Some(&mut running.content),
            None => self
                .due
                .iter_mut()
                .find(|(due, _)| due == which)
                .map(|(_, content)| content),
        }
    }

    fn stop_timeout(&mut self, which: &Timeout<S::Timer>, effects: &mut Vec<TimerEffect>) {
        if let Some(at) = self.running.iter().position(|r| r.which == *which) {
            let Running { timer, .. } = self.running.swap_remove(at);
            effects.push(TimerEffect::Cancel(timer));
        }
        self.due.retain(|(due, _)| due != which);
    }
}

/// The settings that others of the same timeout follow are too late to have any effect.
fn keep_last_of_each<N: PartialEq, C>(settings: &mut Vec<(Timeout<N>, Set<C>)>) {
    let mut at = 0;
    while at < settings.len() {
        let which = &settings[at].0;
        if settings[at + 1..].iter().any(|(later, _)| later == which) {
            settings.remove(at);
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests;

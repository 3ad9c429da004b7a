//! The application controller as a pure core: an event in, effects out.
//!
//! The rules are OTP's, of `application_controller`:
//! 1. *Loaded* is what can be started. *Started* is what somebody started and nobody stopped; *running* is what has not ended
//!    since. One that ended by itself stays started, and can be started again.
//! 2. A start needs all that it depends on to be started, else it is refused ([`ApplicationError::NotStarted`]), whatever the start
//!    type; and to be running, else it fails ([`ApplicationError::NotRunning`]).
//! 3. Who asks for an application that is starting gets the same answer as who asked first; the first one's start type counts.
//! 4. A start that fails, and an end, go by the start type: *temporary* ones concern nobody; a *transient* one takes the node
//!    with it unless its reason is `normal`; a *permanent* one always. Who asked for the start is answered first.
//! 5. An application that is stopped concerns nobody. It ends before the answer.
//! 6. When the node ends, what runs is ended, the last started first.
//!
//! Source: the `application` module of Kernel; *Applications* in OTP Design Principles.

use std::collections::BTreeMap;

use kista_etf::Atom;

use super::{ApplicationError, StartType};
use crate::ExitReason;
use crate::node::StopCause;

/// `T` is whom an answer is for, `M` a master.
pub(super) enum Event<T, M> {
    Load {
        name: Atom,
        depends_on: Vec<Atom>,
        /// Whether there is anything to start.
        has_code: bool,
        to: T,
    },
    Unload(Atom, T),
    Start(Atom, StartType, T),
    Stop(Atom, T),
    /// What came of an [`Effect::Start`].
    Started(Atom, Result<M, ExitReason>),
    /// A master ended.
    Ended(M, ExitReason),
    /// The node ends.
    End(T),
}

#[derive(Debug, PartialEq)]
pub(super) enum Effect<T, M> {
    /// It is loaded from here on.
    Load(Atom),
    /// It is not, and its environment is gone.
    Unload(Atom),
    /// To be answered by [`Event::Started`].
    Start(Atom),
    /// It runs from here on.
    Running(Atom, StartType, Option<M>),
    /// Ends it, and waits for that: it was told to stop.
    Stop(M),
    /// Ends it, and waits for that: the node ends.
    Shutdown(M),
    /// A start that is under way is given up.
    Abandon(Atom),
    /// It does not run any more; `None`: it was told to stop.
    Exited(Atom, StartType, Option<ExitReason>),
    /// It did not start.
    Failed(Atom, StartType, ExitReason),
    Reply(T, Result<(), ApplicationError>),
    StopNode(StopCause),
}

struct Loaded {
    depends_on: Vec<Atom>,
    has_code: bool,
}

pub(super) struct Core<T, M> {
    loaded: BTreeMap<Atom, Loaded>,
    /// Starts under way, with those who wait for them.
    starting: Vec<(Atom, StartType, Vec<T>)>,
    /// The last started first; without a master when there is nothing to run.
    running: Vec<(Atom, Option<M>)>,
    started: Vec<(Atom, StartType)>,
    /// The node ends, or is about to.
    ending: bool,
}

impl<T, M: Copy + PartialEq> Core<T, M> {
    pub(super) const fn new() -> Self {
        Self {
            loaded: BTreeMap::new(),
            starting: Vec::new(),
            running: Vec::new(),
            started: Vec::new(),
            ending: false,
        }
    }

    pub(super) fn handle(&mut self, event: Event<T, M>, out: &mut Vec<Effect<T, M>>) {
        match event {
            Event::Load {
                name,
                depends_on,
                has_code,
                to,
            } => {
                let loaded = self.load(name, depends_on, has_code);
                if loaded.is_ok() {
                    out.push(Effect::Load(name));
                }
                out.push(Effect::Reply(to, loaded));
            }
            Event::Unload(name, to) => {
                let unloaded = self.unload(name);
                if unloaded.is_ok() {
                    out.push(Effect::Unload(name));
                }
                out.push(Effect::Reply(to, unloaded));
            }
            Event::Start(name, start_type, to) => self.start(name, start_type, to, out),
            Event::Stop(name, to) => self.stop(name, to, out),
            Event::Started(name, result) => self.came_of_start(name, result.map(Some), out),
            Event::Ended(master, reason) => self.ended(master, reason, out),
            Event::End(to) => self.end(to, out),
        }
    }

    fn load(
        &mut self,
        name: Atom,
        depends_on: Vec<Atom>,
        has_code: bool,
    ) -> Result<(), ApplicationError> {
        if self.ending {
            return Err(ApplicationError::NodeStopping);
        }
        if self.loaded.contains_key(&name) {
            return Err(ApplicationError::AlreadyLoaded(name));
        }
        let loaded = Loaded {
            depends_on,
            has_code,
        };
        self.loaded.insert(name, loaded);
        Ok(())
    }

    fn unload(&mut self, name: Atom) -> Result<(), ApplicationError> {
        if self.ending {
            return Err(ApplicationError::NodeStopping);
        }
        if self.is_running(name) || self.is_starting(name) {
            return Err(ApplicationError::Running(name));
        }
        match self.loaded.remove(&name) {
            Some(_) => Ok(()),
            None => Err(ApplicationError::NotLoaded(name)),
        }
    }

    fn start(&mut self, name: Atom, start_type: StartType, to: T, out: &mut Vec<Effect<T, M>>) {
        if let Some((_, _, waiting)) = self.starting.iter_mut().find(|(is, ..)| *is == name) {
            waiting.push(to);
            return;
        }
        let loaded = match self.check_start(name) {
            Ok(loaded) => loaded,
            Err(error) => return out.push(Effect::Reply(to, Err(error))),
        };
        let (has_code, dependencies) = (loaded.has_code, loaded.depends_on.iter());
        let ended = dependencies.copied().find(|name| !self.is_running(*name));
        match ended {
            Some(ended) if has_code => {
                self.fail(name, start_type, vec![to], Failure::NotRunning(ended), out);
            }
            _ => {
                self.starting.push((name, start_type, vec![to]));
                match has_code {
                    true => out.push(Effect::Start(name)),
                    false => self.came_of_start(name, Ok(None), out),
                }
            }
        }
    }

    fn check_start(&self, name: Atom) -> Result<&Loaded, ApplicationError> {
        if self.ending {
            return Err(ApplicationError::NodeStopping);
        }
        let loaded = self.loaded.get(&name);
        let loaded = loaded.ok_or(ApplicationError::NotLoaded(name))?;
        // Running, not started: one that ended can be started again.
        if self.is_running(name) {
            return Err(ApplicationError::AlreadyStarted(name));
        }
        let mut dependencies = loaded.depends_on.iter();
        match dependencies.find(|name| self.start_type(**name).is_none()) {
            Some(missing) => Err(ApplicationError::NotStarted(*missing)),
            None => Ok(loaded),
        }
    }

    fn came_of_start(
        &mut self,
        name: Atom,
        result: Result<Option<M>, ExitReason>,
        out: &mut Vec<Effect<T, M>>,
    ) {
        let Some(at) = self.starting.iter().position(|(is, ..)| *is == name) else {
            return;
        };
        let (_, start_type, waiting) = self.starting.swap_remove(at);
        match result {
            Ok(master) => {
                put(&mut self.running, name, master);
                put(&mut self.started, name, start_type);
                out.push(Effect::Running(name, start_type, master));
                out.extend(waiting.into_iter().map(|to| Effect::Reply(to, Ok(()))));
            }
            Err(reason) => self.fail(name, start_type, waiting, Failure::Start(reason), out),
        }
    }

    fn fail(
        &mut self,
        name: Atom,
        start_type: StartType,
        waiting: Vec<T>,
        failure: Failure,
        out: &mut Vec<Effect<T, M>>,
    ) {
        let error = failure.error(name);
        for to in waiting {
            out.push(Effect::Reply(to, Err(error.clone())));
        }
        let reason = failure.reason();
        if let Failure::Start(reason) = &failure {
            out.push(Effect::Failed(name, start_type, reason.clone()));
        }
        let concerns_the_node = match start_type {
            StartType::Temporary => false,
            StartType::Transient => failure != Failure::Start(ExitReason::Normal),
            StartType::Permanent => true,
        };
        if concerns_the_node && !std::mem::replace(&mut self.ending, true) {
            out.push(Effect::StopNode(StopCause::ApplicationStartFailure {
                application: name,
                start_type,
                reason,
            }));
        }
    }

    fn stop(&mut self, name: Atom, to: T, out: &mut Vec<Effect<T, M>>) {
        if self.ending {
            return out.push(Effect::Reply(to, Err(ApplicationError::NodeStopping)));
        }
        let running = take(&mut self.running, name);
        let Some(start_type) = take(&mut self.started, name) else {
            return out.push(Effect::Reply(to, Err(ApplicationError::NotStarted(name))));
        };
        if let Some(master) = running {
            out.extend(master.map(Effect::Stop));
            out.push(Effect::Exited(name, start_type, None));
        }
        out.push(Effect::Reply(to, Ok(())));
    }

    fn ended(&mut self, master: M, reason: ExitReason, out: &mut Vec<Effect<T, M>>) {
        let is_it = |(_, running): &(Atom, Option<M>)| *running == Some(master);
        let Some(at) = self.running.iter().position(is_it) else {
            return;
        };
        let (name, _) = self.running.remove(at);
        let Some(start_type) = self.start_type(name) else {
            return;
        };
        out.push(Effect::Exited(name, start_type, Some(reason.clone())));
        let concerns_the_node = match start_type {
            StartType::Temporary => false,
            StartType::Transient => reason != ExitReason::Normal,
            StartType::Permanent => true,
        };
        if concerns_the_node && !std::mem::replace(&mut self.ending, true) {
            out.push(Effect::StopNode(StopCause::ApplicationTerminated {
                application: name,
                start_type,
                reason,
            }));
        }
    }

    fn end(&mut self, to: T, out: &mut Vec<Effect<T, M>>) {
        self.ending = true;
        for (name, _, waiting) in self.starting.drain(..) {
            out.push(Effect::Abandon(name));
            let refusal = |to| Effect::Reply(to, Err(ApplicationError::NodeStopping));
            out.extend(waiting.into_iter().map(refusal));
        }
        for (name, master) in self.running.drain(..) {
            out.extend(master.map(Effect::Shutdown));
            if let Some(start_type) = take(&mut self.started, name) {
                out.push(Effect::Exited(name, start_type, None));
            }
        }
        out.push(Effect::Reply(to, Ok(())));
    }

    fn is_running(&self, name: Atom) -> bool {
        self.running.iter().any(|(is, _)| *is == name)
    }

    fn is_starting(&self, name: Atom) -> bool {
        self.starting.iter().any(|(is, ..)| *is == name)
    }

    fn start_type(&self, name: Atom) -> Option<StartType> {
        let mut started = self.started.iter();
        started.find(|(is, _)| *is == name).map(|(_, t)| *t)
    }
}

#[derive(PartialEq)]
enum Failure {
    Start(ExitReason),
    NotRunning(Atom),
}

impl Failure {
    fn error(&self, application: Atom) -> ApplicationError {
        match self {
            Self::Start(reason) => ApplicationError::Start {
                application,
                reason: reason.clone(),
            },
            Self::NotRunning(dependency) => ApplicationError::NotRunning(*dependency),
        }
    }

    fn reason(&self) -> ExitReason {
        match self {
            Self::Start(reason) => reason.clone(),
            Self::NotRunning(dependency) => {
                ExitReason::from(ApplicationError::NotRunning(*dependency).to_term())
            }
        }
    }
}

/// In its old place when it has one, else in front.
fn put<V>(list: &mut Vec<(Atom, V)>, name: Atom, value: V) {
    match list.iter_mut().find(|(is, _)| *is == name) {
        Some((_, old)) => *old = value,
        None => list.insert(0, (name, value)),
    }
}

fn take<V>(list: &mut Vec<(Atom, V)>, name: Atom) -> Option<V> {
    let at = list.iter().position(|(is, _)| *is == name)?;
    Some(list.remove(at).1)
}

#[cfg(test)]
mod tests;

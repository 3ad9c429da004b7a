//! How a process comes to be in the table, with all that it inherits and is given before its code runs.
//!
//! Rules:
//! 1. Group leader, environment and ancestry come from the process that starts it; outside any process, from the node.
//! 2. It has its name, its bound, its link and its monitor before its first step; so nothing can be lost in between.
//! 3. One that could not be started leaves nothing: whoever found it meanwhile gets an answer.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use kista_etf::{Atom, Pid, Reference};
use parking_lot::Mutex;

use super::{Node, key_of};
use crate::gen_server::StartError;
use crate::process::{
    Ancestry, AnyProcess, ControlSignal, Dest, Env, Guest, Me, Process, SpawnOptions, Via, current,
};
use crate::{ExitReason, Term};

/// A process that is about to run.
pub(crate) struct Born<M> {
    pub(crate) process: Arc<Process<M>>,
    /// The monitor that the starter asked for.
    pub(crate) monitor: Option<Reference>,
}

impl Node {
    /// `starter`: as whom it is started; else as the process that runs here, if any.
    pub(crate) fn birth<M: Send + 'static>(
        &self,
        behaviour: &'static str,
        options: SpawnOptions,
        starter: Option<Arc<dyn AnyProcess>>,
    ) -> Result<Born<M>, StartError> {
        let name = options.name.transpose().map_err(StartError::BadName)?;
        if let Some(name) = name.filter(|name| name.as_str() == "undefined") {
            return Err(StartError::BadName(name.as_str().to_owned()));
        }
        let starter = starter.or_else(|| current::process_on(self));
        let starter = starter.as_deref().map(AnyProcess::me);
        let process = self.insert_process::<M>(behaviour)?;
        self.bequeath(&process, starter);
        if options.group_leader.is_some() || !options.env.is_empty() {
            let mut state = process.state.lock();
            let origin = state.origin_mut();
            origin.group_leader = options.group_leader.or(origin.group_leader);
            for (key, value) in options.env {
                origin.env.put(&key, value);
            }
        }
        if options.bound.is_some() {
            process.set_bound(options.bound);
        }
        if let Some(name) = name {
            self.give_name(&process, name)?;
        }
        // Again: a stop that began meanwhile may not have seen it.
        if self.0.stopping.load(Relaxed) {
            process.end(&ExitReason::Shutdown);
            return Err(StartError::NodeStopped);
        }
        let monitor = starter
            .filter(|_| options.monitor)
            .map(|starter| self.watch_child(starter, &process));
        if let Some(starter) = starter.filter(|_| options.link) {
            self.link_child(starter, &process);
        }
        if let Some(time) = options.deadline {
            self.kill_after(time, process.pid());
        }
        Ok(Born { process, monitor })
    }

    fn insert_process<M: Send + 'static>(
        &self,
        behaviour: &'static str,
    ) -> Result<Arc<Process<M>>, StartError> {
        if self.0.stopping.load(Relaxed) {
            return Err(StartError::NodeStopped);
        }
        let mut made = None;
        self.0
            .processes
            .insert_with(|key| {
                let process = Arc::new(Process::new(self.clone(), self.pid_of(key), behaviour));
                made = Some(Arc::clone(&process));
                process
            })
            .map_err(|_| StartError::TooManyProcesses)?;
        let Some(process) = made else {
            unreachable!("insert_with succeeded")
        };
        Ok(process)
    }

    fn bequeath(&self, child: &Me, starter: Option<&Me>) {
        let (leader, env, ancestry) = match starter {
            Some(starter) => starter.inheritance(),
            None => {
                let env = self.0.env.get().map(|env| env.lock().clone());
                (None, env.unwrap_or_default(), Ancestry::default())
            }
        };
        if leader.is_none() && env.is_empty() && ancestry.is_empty() {
            return;
        }
        let mut state = child.state.lock();
        let origin = state.origin_mut();
        origin.group_leader = leader;
        origin.env = env;
        origin.ancestry = ancestry;
    }

    fn give_name<M: Send + 'static>(
        &self,
        process: &Arc<Process<M>>,
        name: Atom,
    ) -> Result<(), StartError> {
        match self.0.names.register(name, process.pid()) {
            Ok(()) => {
                process.state.lock().name = Some(name);
                Ok(())
            }
            Err(holder) => {
                // Not just taken out of the table: somebody may have found it there, and asked it something.
                process.end(&ExitReason::NoProc);
                Err(StartError::AlreadyStarted(holder))
            }
        }
    }

    fn link_child(&self, starter: &Me, child: &Me) {
        child.state.lock().origin_mut().parent = Some(starter.pid());
        child.adopt(starter.pid());
        if !starter.adopt(child.pid()) {
            // As a link to a process that is no more.
            let unlinked = ControlSignal::LinkExit {
                from: starter.pid(),
                reason: ExitReason::NoProc,
            };
            self.signal(child.pid(), unlinked);
        }
    }

    fn watch_child(&self, starter: &Me, child: &Me) -> Reference {
        let reference = self.make_ref();
        let mut state = starter.state.lock();
        if state.ended {
            return reference;
        }
        state.monitor(reference, Dest::Pid(child.pid()), None, Via::Here);
        drop(state);
        let monitor = ControlSignal::Monitor {
            watcher: starter.pid(),
            reference,
            name: None,
        };
        // It does not run yet, and a monitor has no other effect than to be there.
        child
            .state
            .lock()
            .apply(monitor, Via::Here, &mut Vec::new());
        reference
    }

    pub(crate) fn insert_guest(&self) -> Option<Arc<Guest>> {
        let mut made = None;
        self.0
            .processes
            .insert_with(|key| {
                let guest = Arc::new(Guest::new(self.clone(), self.pid_of(key)));
                made = Some(Arc::clone(&guest));
                guest
            })
            .ok()?;
        self.0.guests.fetch_add(1, Relaxed);
        self.notify_if_stopping();
        made
    }

    pub(crate) fn forget_guest(&self, pid: Pid) {
        self.0.guests.fetch_sub(1, Relaxed);
        self.forget(pid);
    }

    /// Takes an ended process out of the table.
    pub(crate) fn forget(&self, pid: Pid) {
        drop(self.0.processes.remove(key_of(pid)));
        self.notify_if_stopping();
    }

    /// A value of the node's environment, which processes inherit that are started outside any other.
    pub fn env(&self, key: &str) -> Option<Term> {
        self.0.env.get()?.lock().find(key)
    }

    /// Sets a value of the node's environment; gives the former one. Processes that run already keep
    /// theirs, but for those of applications, which look here.
    pub fn put_env(&self, key: &str, value: impl Into<Term>) -> Option<Term> {
        let env = self.0.env.get_or_init(Mutex::default);
        env.lock().put(key, value.into())
    }
}

impl Me {
    /// What a child gets from this process.
    fn inheritance(&self) -> (Option<Pid>, Env, Ancestry) {
        let mut state = self.state.lock();
        let who = state.name.map_or_else(|| Dest::Pid(self.pid()), Dest::Name);
        let origin = state.origin_mut();
        if origin.as_ancestor.nearest() != Some(who) {
            origin.as_ancestor = Ancestry::below(who, &origin.ancestry);
        }
        (
            origin.group_leader,
            origin.env.clone(),
            origin.as_ancestor.clone(),
        )
    }
}

//! What a process decides about itself: `process_flag/2`, `group_leader/0,2`, and its environment.

use kista_etf::{Pid, Term};

use super::Me;
use crate::Dest;
use crate::process::{ControlSignal, Priority, QueueBound};

impl Me {
    /// Whether exit signals become [`Info::Exit`](crate::Info::Exit) messages instead of ending the process. Gives the former setting.
    pub fn trap_exit(&self, trap: bool) -> bool {
        std::mem::replace(&mut self.state.lock().trap_exit, trap)
    }

    /// Limits its unread messages from now on, or lifts the limit. What is there already stays, however much it is.
    ///
    /// Counterpart of `process_flag(max_heap_size, _)` in what it is for: a process does not take the node with it.
    pub fn queue_bound(&self, bound: Option<QueueBound>) {
        // A process that runs its own code is in the table.
        if let Some(process) = self.node.find(self.pid) {
            process.set_bound(bound);
        }
    }

    /// `process_flag(priority, _)`: recorded and shown, without effect. Gives the former setting.
    ///
    /// The other flags of Erlang (`min_heap_size`, `min_bin_vheap_size`, `fullsweep_after`, `message_queue_data`, `save_calls`,
    /// `sensitive`, `error_handler`) are about a heap or a code loader that is not there; they have no counterpart.
    pub fn priority(&self, priority: Priority) -> Priority {
        std::mem::replace(&mut self.state.lock().priority, priority)
    }

    /// The process that this one and its children belong to by descent: `group_leader/0`. `None` until one is set somewhere above:
    /// a node has no I/O server of its own.
    pub fn group_leader(&self) -> Option<Pid> {
        self.state.lock().group_leader()
    }

    /// Sets the group leader of a process, here or on another node: `group_leader/2`. Children started later inherit it.
    pub fn set_group_leader(&self, leader: Pid, of: Pid) {
        if of == self.pid {
            self.state.lock().origin_mut().group_leader = Some(leader);
        } else {
            self.node.signal(of, ControlSignal::GroupLeader { leader });
        }
    }

    /// The process that started this one with a link ([`spawn_link`](Self::spawn_link)), if any.
    pub fn parent(&self) -> Option<Pid> {
        self.state.lock().parent()
    }

    /// Who started this process, and who started that one, nearest first, by name where there was one: `$ancestors` of `proc_lib`.
    /// At most the nearest 32.
    pub fn ancestors(&self) -> Vec<Dest> {
        let state = self.state.lock();
        state
            .origin()
            .map_or_else(Vec::new, |origin| origin.ancestry.list())
    }

    /// A value of the environment: its own, or inherited from the process that started this one; in an application else the
    /// application's (`application:get_env/1`), else the node's. Outside applications it inherited what the node had then.
    pub fn env(&self, key: &str) -> Option<Term> {
        self.own_env(key).or_else(|| {
            let value = self
                .node
                .application_registry()
                .env(self.application()?, key);
            value.or_else(|| self.node.env(key))
        })
    }

    fn own_env(&self, key: &str) -> Option<Term> {
        self.state.lock().origin()?.env.find(key)
    }

    /// Sets a value of the environment; gives the former one. Children started later inherit it.
    pub fn put_env(&self, key: &str, value: impl Into<Term>) -> Option<Term> {
        self.state.lock().origin_mut().env.put(key, value.into())
    }

    /// Takes a value out of the environment, and gives it.
    pub fn erase_env(&self, key: &str) -> Option<Term> {
        self.state.lock().origin_mut().env.erase(key)
    }
}

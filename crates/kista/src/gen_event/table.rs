//! The pure core of an event manager: which handlers there are, in which order, and who is told when one goes.
//!
//! Rules (the names in brackets are the tests below that hold them):
//! 1. The newest handler is in front and gets each event first; two may have one name, and then the newer one is meant
//!    [`the_newest_comes_first_and_is_the_one_meant`].
//! 2. When a supervised handler goes, for whatever reason, its supervisor gets `{gen_event_EXIT, Handler, Reason}`, once
//!    [`a_supervisor_hears_why_its_handler_went`].
//! 3. `Reason` is `normal` when it was deleted or removed itself, `shutdown` when the manager or the supervisor ends,
//!    `{swapped, NewHandler, Supervisor}` when it was replaced, else what went wrong.

use kista_etf::{Atom, Pid, Term};

use super::{HandlerId, Removed};
use crate::ExitReason;

pub(super) struct Table<H>(Vec<Entry<H>>);

pub(super) struct Entry<H> {
    pub(super) id: HandlerId,
    pub(super) supervisor: Option<Pid>,
    pub(super) handler: H,
}

/// `{gen_event_EXIT, Handler, Reason}`, for a supervisor.
#[derive(Debug, PartialEq)]
pub(super) struct Notice {
    pub(super) to: Pid,
    pub(super) message: Term,
}

impl<H> Table<H> {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn add(&mut self, entry: Entry<H>) {
        self.0.insert(0, entry);
    }

    /// At the place of one that was taken out.
    pub(super) fn put(&mut self, at: usize, entry: Entry<H>) {
        self.0.insert(at, entry);
    }

    pub(super) fn take(&mut self, at: usize) -> Entry<H> {
        self.0.remove(at)
    }

    pub(super) fn position(&self, id: &HandlerId) -> Option<usize> {
        self.0.iter().position(|entry| entry.id == *id)
    }

    pub(super) fn handler(&mut self, at: usize) -> Option<&mut H> {
        self.0.get_mut(at).map(|entry| &mut entry.handler)
    }

    /// The first handler that this process supervises.
    pub(super) fn supervised_by(&self, supervisor: Pid) -> Option<usize> {
        self.0
            .iter()
            .position(|entry| entry.supervisor == Some(supervisor))
    }

    pub(super) fn entries(&self) -> &[Entry<H>] {
        &self.0
    }
}

impl<H> Entry<H> {
    /// What the supervisor is told, if there is one.
    pub(super) fn notice(&self, reason: Term) -> Option<Notice> {
        let message = Term::tuple([
            Term::from(Atom::from_static("gen_event_EXIT")),
            Term::from(&self.id),
            reason,
        ]);
        self.supervisor.map(|to| Notice { to, message })
    }
}

/// The reason that a supervisor hears. A swap has one of its own: [`swapped`].
pub(super) fn reason(why: &Removed) -> Term {
    match why {
        Removed::Failed(reason) => reason.to_term(),
        Removed::Stop | Removed::SupervisorEnded(_) => ExitReason::Shutdown.to_term(),
        Removed::Deleted(_) | Removed::Removed | Removed::Swapped(_) => {
            ExitReason::Normal.to_term()
        }
    }
}

/// `{swapped, NewHandler, Supervisor | false}`.
pub(super) fn swapped(new: &HandlerId, supervisor: Option<Pid>) -> Term {
    Term::tuple([
        Term::from(Atom::from_static("swapped")),
        Term::from(new),
        supervisor.map_or_else(|| Term::from(false), Term::from),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: impl Into<HandlerId>, supervisor: Option<Pid>, handler: u32) -> Entry<u32> {
        Entry {
            id: id.into(),
            supervisor,
            handler,
        }
    }

    fn pid(id: u32) -> Pid {
        Pid {
            node: Atom::from_static("n@h"),
            id,
            serial: 0,
            creation: 4,
        }
    }

    #[test]
    fn the_newest_comes_first_and_is_the_one_meant() {
        let mut table = Table::new();
        for n in 1..=3 {
            table.add(entry("same", None, n));
        }
        table.add(entry(("same", 1), None, 4));
        let order: Vec<_> = table.entries().iter().map(|e| e.handler).collect();
        assert_eq!(order, [4, 3, 2, 1]);
        let at = table.position(&"same".into()).expect("there are three");
        assert_eq!(table.take(at).handler, 3);
        assert_eq!(table.position(&("same", 1).into()), Some(0));
        assert_eq!(table.position(&("same", 2).into()), None);
    }

    #[test]
    fn a_supervisor_hears_why_its_handler_went() {
        let supervised = entry("h", Some(pid(1)), 0);
        let told = |why: &Removed| {
            let notice = supervised.notice(reason(why)).expect("it has a supervisor");
            assert_eq!(notice.to, pid(1));
            notice.message.to_string()
        };
        assert_eq!(
            told(&Removed::Failed(ExitReason::NoProc)),
            "{gen_event_EXIT,h,noproc}"
        );
        assert_eq!(
            told(&Removed::Deleted(Term::NIL)),
            "{gen_event_EXIT,h,normal}"
        );
        assert_eq!(told(&Removed::Stop), "{gen_event_EXIT,h,shutdown}");
        let new = swapped(&"new".into(), None);
        assert_eq!(new.to_string(), "{swapped,new,false}");
        assert_eq!(entry("h", None, 0).notice(new), None);
    }

    #[test]
    fn the_handlers_of_one_supervisor_are_found_and_no_others() {
        let mut table = Table::new();
        table.add(entry("a", Some(pid(1)), 1));
        table.add(entry("b", Some(pid(2)), 2));
        table.add(entry("c", None, 3));
        let at = table.supervised_by(pid(1)).expect("one");
        assert_eq!(table.take(at).handler, 1);
        assert_eq!(table.supervised_by(pid(1)), None);
    }
}

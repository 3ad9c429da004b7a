//! What is answered to each request of `sys`.

use kista_etf::{Atom, Term, atoms};

use super::behaviour::Behaviour;
use super::debug::{Debug, Log, Statistics, name_term, print};
use super::status::status;
use crate::process::Process;
use crate::{ExitReason, kernel};

/// How many events a log keeps unless told otherwise: OTP's 10.
const EVENTS: usize = 10;

pub(super) enum Served {
    Answered,
    /// Answered, and now to end with this reason.
    Stop(ExitReason),
}

/// Whom a request is about.
pub(super) struct Subject<'a, M: Send + 'static> {
    pub(super) process: &'a Process<M>,
    pub(super) behaviour: &'a mut dyn Behaviour,
    pub(super) suspended: &'a mut bool,
    pub(super) debug: &'a mut Debug,
}

/// The answer to a request; what is not known is refused in `sys`'s own words, and so is what would end or hold a system process.
pub(super) fn serve<M: Send + 'static>(request: &Term, of: Subject<'_, M>) -> (Term, Served) {
    let ok = || Term::from(atoms::OK);
    let is_system = kernel::is_system(of.process.behaviour());
    let answer = match request.as_atom() {
        // The form of OTP 26 and later; a caller of OTP 25 gets it as OTP's own newer nodes give it.
        Some(atoms::GET_STATE) => Term::tuple([ok(), of.behaviour.state()]),
        Some(atoms::GET_STATUS) => status(of.process, of.behaviour, *of.suspended, of.debug),
        Some(atoms::SUSPEND) if !is_system => {
            *of.suspended = true;
            ok()
        }
        Some(atoms::RESUME) => {
            *of.suspended = false;
            ok()
        }
        _ => match request.as_tuple() {
            Some([what, reason]) if what.as_atom() == Some(atoms::TERMINATE) && !is_system => {
                return (ok(), Served::Stop(ExitReason::from(reason.clone())));
            }
            Some([what, option]) if what.as_atom() == Some(atoms::DEBUG) => {
                let name = of.process.state.lock().name;
                of.debug.shown = Some(name_term(name, of.process.pid()));
                debug(option, of.debug)
            }
            // A fun of another node is code that only Erlang can run.
            Some([what, _fun]) if what.as_atom() == Some(atoms::REPLACE_STATE) => {
                not_supported("replace_state")
            }
            // The code is compiled in: it changes with the program.
            Some([what, _, _, _]) if what.is_atom("change_code") && *of.suspended => {
                not_supported("change_code")
            }
            _ => {
                let unknown = Term::from(atoms::UNKNOWN_SYSTEM_MSG);
                error(Term::tuple([unknown, request.clone()]))
            }
        },
    };
    (answer, Served::Answered)
}

/// `{debug, Option}`: OTP's answers to the same options.
fn debug(option: &Term, debug: &mut Debug) -> Term {
    let ok = || Term::from(atoms::OK);
    if option.is_atom("no_debug") {
        *debug = Debug::default();
        return ok();
    }
    let Some([what, how]) = option.as_tuple() else {
        return unknown_debug();
    };
    let switch = how.as_bool();
    match (what.as_atom_str().unwrap_or_default(), switch) {
        ("trace", Some(on)) => debug.trace = on,
        ("statistics", Some(true)) => debug.statistics = Some(Statistics::new()),
        ("statistics", Some(false)) => debug.statistics = None,
        ("statistics", None) if how.as_atom() == Some(atoms::GET) => {
            let statistics = match &debug.statistics {
                Some(statistics) => statistics.to_term(),
                None => Term::from(Atom::from_static("no_statistics")),
            };
            return Term::tuple([ok(), statistics]);
        }
        ("log", Some(true)) => log_of(debug, EVENTS),
        ("log", Some(false)) => debug.log = None,
        ("log", None) if how.as_atom() == Some(atoms::GET) => {
            let events = debug.log.iter().flat_map(|log| log.events.iter().cloned());
            return Term::tuple([ok(), Term::list(events)]);
        }
        ("log", None) if how.is_atom("print") => {
            for event in debug.log.iter().flat_map(|log| &log.events) {
                print(debug.shown.as_ref(), event);
            }
        }
        ("log", None) => match how.as_tuple() {
            Some([on, most]) if on.as_bool() == Some(true) && most.as_int() > Some(0) => {
                log_of(debug, most.as_int().unwrap_or(0) as usize);
            }
            _ => return unknown_debug(),
        },
        ("log_to_file", Some(false)) => {}
        // A peer does not choose which files of this machine are written.
        ("log_to_file", None) => return error(Term::from(Atom::from_static("open_file"))),
        ("install", _) => return not_supported("install"),
        ("remove", _) => {}
        _ => return unknown_debug(),
    }
    ok()
}

fn log_of(debug: &mut Debug, most: usize) {
    match &mut debug.log {
        Some(log) => log.limit(most),
        None => debug.log = Some(Log::new(most)),
    }
}

fn unknown_debug() -> Term {
    Term::from(Atom::from_static("unknown_debug"))
}

/// `{error, {not_supported, What}}`: what takes a fun or a file of the caller's.
fn not_supported(what: &'static str) -> Term {
    error(Term::tuple([
        Term::from(Atom::from_static("not_supported")),
        Term::from(Atom::from_static(what)),
    ]))
}

fn error(reason: Term) -> Term {
    Term::tuple([Term::from(atoms::ERROR), reason])
}

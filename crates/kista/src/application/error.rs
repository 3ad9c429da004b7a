use kista_etf::{Atom, Term};

use crate::ExitReason;
use crate::gen_server::CallError;

/// Why an application was not loaded, started or stopped: the reasons of OTP's `application` module.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// Nobody made it known: OTP's missing `.app` file.
    #[error("the application {0} is not known: give it to NodeBuilder::application, or load it")]
    Unknown(Atom),
    /// `{already_loaded, Application}`.
    #[error("the application {0} is loaded already: unload it first")]
    AlreadyLoaded(Atom),
    /// `{not_loaded, Application}`.
    #[error("the application {0} is not loaded")]
    NotLoaded(Atom),
    /// `{running, Application}`: it can not be unloaded.
    #[error("the application {0} is running: stop it first")]
    Running(Atom),
    /// `{already_started, Application}`.
    #[error("the application {0} is running already")]
    AlreadyStarted(Atom),
    /// `{not_started, Application}`: it was to be stopped, or another one depends on it.
    #[error("the application {0} has not been started: start it, or use ensure_all_started")]
    NotStarted(Atom),
    /// `{not_running, Application}`: another one depends on it, and it was started and has ended.
    #[error("the application {0} has ended, and another one depends on it: start it again")]
    NotRunning(Atom),
    /// Its `start` failed.
    #[error("the application {application} did not start: {reason}")]
    Start {
        /// Which.
        application: Atom,
        /// Why.
        reason: ExitReason,
    },
    /// Each of these depends on the next, and the last on the first. (Ours: OTP refuses that when a release is made.)
    #[error("applications depend on each other in a circle: {}", circle(.0))]
    Cycle(Vec<Atom>),
    /// A name has at most 255 characters.
    #[error("not a name: {0}")]
    BadName(String),
    /// A node was given two applications of one name.
    #[error("the node was given two applications of the name {0}: give it one")]
    Twice(Atom),
    /// The node stops.
    #[error("the node is stopping")]
    NodeStopping,
    /// The application controller did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl ApplicationError {
    /// What OTP has in `{error, Reason}`.
    pub fn to_term(&self) -> Term {
        let of = |tag: &'static str, name: &Atom| Term::tuple([atom(tag), Term::from(*name)]);
        match self {
            Self::Unknown(name) => Term::tuple([
                text("no such file or directory"),
                text(&format!("{name}.app")),
            ]),
            Self::AlreadyLoaded(name) => of("already_loaded", name),
            Self::NotLoaded(name) => of("not_loaded", name),
            Self::Running(name) => of("running", name),
            Self::AlreadyStarted(name) => of("already_started", name),
            Self::NotStarted(name) => of("not_started", name),
            Self::NotRunning(name) => of("not_running", name),
            Self::Start {
                application,
                reason,
            } => Term::tuple([
                reason.to_term(),
                Term::tuple([
                    Term::from(*application),
                    atom("start"),
                    Term::list([atom("normal"), Term::NIL]),
                ]),
            ]),
            Self::Cycle(names) => Term::tuple([
                atom("circular_dependencies"),
                Term::list(names.iter().map(|name| Term::from(*name))),
            ]),
            Self::BadName(name) => Term::tuple([atom("invalid_name"), text(name)]),
            Self::Twice(name) => of("duplicate_application", name),
            Self::NodeStopping => atom("stopping"),
            Self::Call(error) => text(&error.to_string()),
        }
    }
}

fn atom(name: &'static str) -> Term {
    Term::from(Atom::from_static(name))
}

/// A string, as OTP has them: a list of code points.
pub(super) fn text(text: &str) -> Term {
    Term::list(text.chars().map(|char| Term::from(u32::from(char))))
}

fn circle(names: &[Atom]) -> String {
    let again = names.first();
    let names: Vec<_> = names
        .iter()
        .chain(again)
        .map(|name| name.as_str())
        .collect();
    names.join(" -> ")
}

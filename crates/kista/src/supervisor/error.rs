use kista_etf::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Pid, Term, atoms};

use super::core::Refusal;
use super::spec::SpecError;
use crate::ExitReason;
use crate::gen_server::CallError;

/// Why a supervisor did not do what it was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SupervisorError {
    /// `not_found`: it has no such child.
    #[error("there is no such child")]
    NotFound,
    /// `running`: terminate it first.
    #[error("the child runs: terminate it first")]
    Running,
    /// `restarting`: it is about to be started again; terminate it first.
    #[error("the child is restarting: terminate it first")]
    Restarting,
    /// `already_present`: the id is taken by a child that does not run; restart or delete that one.
    #[error("a child of this id is there and does not run: restart or delete it")]
    AlreadyPresent,
    /// `{already_started, Pid}`: the id is taken by this process, or the name that the child wants.
    #[error("already started: {0}")]
    AlreadyStarted(Pid),
    /// `simple_one_for_one`: such a supervisor has no ids; use the pid, or `start_with`.
    #[error("a simple_one_for_one has no ids: use the child's pid, or start_with")]
    SimpleOneForOne,
    /// `not_simple_one_for_one`: only that takes an argument for a new child; use `start_child`.
    #[error("only a simple_one_for_one starts children from an argument: use start_child")]
    NotSimpleOneForOne,
    /// The child did not start, for this reason.
    #[error("the child did not start: {0}")]
    Start(ExitReason),
    /// `{wrong_argument, Type}`: the children are made of this type.
    #[error("the children are made of {0}")]
    OtherArgument(&'static str),
    /// `local_only`: the children's argument has no form on the wire: `Child::dynamic_remote`.
    #[error("the children's argument can not come from another node: Child::dynamic_remote")]
    LocalOnly,
    /// `code_from_outside`: a specification names code to run; only this node's own program may add one.
    #[error("a child specification is not taken from another node")]
    CodeFromOutside,
    /// The child is not a server of this type.
    #[error("the child is a {0}")]
    OtherServer(&'static str),
    /// The specification can not be.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The supervisor did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<Refusal> for SupervisorError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Running => Self::Running,
            Refusal::Restarting => Self::Restarting,
            Refusal::AlreadyPresent => Self::AlreadyPresent,
            Refusal::AlreadyStarted(pid) => Self::AlreadyStarted(pid),
            Refusal::SimpleOneForOne => Self::SimpleOneForOne,
            Refusal::Start(reason) => match already_started(&reason.to_term()) {
                Some(pid) => Self::AlreadyStarted(pid),
                None => Self::Start(reason),
            },
        }
    }
}

/// `{already_started, Pid}`.
fn already_started(reason: &Term) -> Option<Pid> {
    match reason.as_tagged("already_started")? {
        [pid] => pid.as_pid(),
        _ => None,
    }
}

fn atom(text: &'static str) -> Term {
    Term::from(kista_etf::Atom::from_static(text))
}

fn text(text: &str) -> Term {
    Term::from(kista_etf::Binary::from(text.as_bytes()))
}

impl SupervisorError {
    /// The reason in `{error, Reason}`.
    pub(super) fn to_term(&self) -> Term {
        match self {
            Self::NotFound => atom("not_found"),
            Self::Running => Term::from(atoms::RUNNING),
            Self::Restarting => atom("restarting"),
            Self::AlreadyPresent => atom("already_present"),
            Self::AlreadyStarted(pid) => Term::tuple([atom("already_started"), Term::from(*pid)]),
            Self::SimpleOneForOne => atom("simple_one_for_one"),
            Self::NotSimpleOneForOne => atom("not_simple_one_for_one"),
            Self::Start(reason) => reason.to_term(),
            Self::OtherArgument(wanted) => Term::tuple([atom("wrong_argument"), text(wanted)]),
            Self::LocalOnly => atom("local_only"),
            Self::CodeFromOutside => atom("code_from_outside"),
            Self::OtherServer(is) => Term::tuple([atom("other_server"), text(is)]),
            Self::Spec(error) => Term::tuple([atom("start_spec"), text(&error.to_string())]),
            Self::Call(error) => text(&error.to_string()),
        }
    }

    fn from_term(term: Term) -> Self {
        match term.as_atom_str() {
            Some("not_found") => Self::NotFound,
            Some("running") => Self::Running,
            Some("restarting") => Self::Restarting,
            Some("already_present") => Self::AlreadyPresent,
            Some("simple_one_for_one") => Self::SimpleOneForOne,
            Some("not_simple_one_for_one") => Self::NotSimpleOneForOne,
            Some("local_only") => Self::LocalOnly,
            Some("code_from_outside") => Self::CodeFromOutside,
            _ => match already_started(&term) {
                Some(pid) => Self::AlreadyStarted(pid),
                None => Self::Start(ExitReason::from(term)),
            },
        }
    }
}

impl Encode for SupervisorError {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.term(&self.to_term())
    }
}

impl<'a> Decode<'a> for SupervisorError {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Ok(Self::from_term(d.term()?))
    }
}

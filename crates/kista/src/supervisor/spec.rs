use std::collections::HashSet;
use std::time::Duration;

use super::Supervisor;
use super::child::{Child, ChildId, Restart};
use super::core::Flags;
use super::start::Start;
use crate::gen_server::{IntoSpec, Spec};

/// What happens to the other children when one is to be restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// Nothing.
    #[default]
    OneForOne,
    /// All are stopped, and then all are started.
    OneForAll,
    /// Those that were started after it are stopped; then it and they are started.
    RestForOne,
    /// Nothing; all children are made from one specification, each when it is asked for.
    SimpleOneForOne,
}

/// When the end of a significant child ends its supervisor, with `shutdown`. A child ends by itself, and is not to be
/// restarted: a transient one with a proper reason, a temporary one with any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// Never.
    #[default]
    Never,
    /// When any significant child ends.
    AnySignificant,
    /// When the last significant child ends.
    AllSignificant,
}

/// How long a child waits for its restart: the first time, then twice as long each time, up to a most. It begins anew when
/// the child has lived for longer than that most. (Ours: OTP restarts at once.)
///
/// Each restart still counts for the intensity, when its child ends. While it waits the child is `restarting`, and its
/// siblings run on, also those that will be stopped with the restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
}

impl Backoff {
    /// From the first delay up to the longest.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    pub(super) const fn most(self) -> Duration {
        self.most
    }

    /// The delay after so many restarts.
    pub(super) fn delay(self, before: u32) -> Duration {
        let factor = 1u32.checked_shl(before).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.most)
    }
}

/// What a supervisor is made of. Begun by [`Supervisor::one_for_one`] and its like; [`spec`](Self::spec) makes it what
/// [`Node::spawn`](crate::Node::spawn) or a [`Child`] takes.
///
/// Unless it says otherwise one restart in 5 s is allowed, and nothing shuts down by itself, as in OTP.
#[derive(Clone, Debug)]
#[must_use]
pub struct SupervisorSpec {
    pub(super) strategy: Strategy,
    intensity: u32,
    period: Duration,
    pub(super) auto_shutdown: AutoShutdown,
    backoff: Option<Backoff>,
    pub(super) children: Vec<Child>,
}

impl Supervisor {
    /// Children that do not concern each other.
    pub fn one_for_one() -> SupervisorSpec {
        SupervisorSpec::new(Strategy::OneForOne)
    }

    /// Children that are nothing without each other.
    pub fn one_for_all() -> SupervisorSpec {
        SupervisorSpec::new(Strategy::OneForAll)
    }

    /// Children each of which needs those before it.
    pub fn rest_for_one() -> SupervisorSpec {
        SupervisorSpec::new(Strategy::RestForOne)
    }

    /// Children that are all alike, started when they are asked for: see [`Child::dynamic`].
    pub fn simple_one_for_one(child: Child) -> SupervisorSpec {
        SupervisorSpec::new(Strategy::SimpleOneForOne).child(child)
    }
}

impl IntoSpec for SupervisorSpec {
    type Server = Supervisor;

    fn into_spec(self) -> Spec<Supervisor> {
        self.spec()
    }
}

impl SupervisorSpec {
    fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            intensity: 1,
            period: Duration::from_secs(5),
            auto_shutdown: AutoShutdown::default(),
            backoff: None,
            children: Vec::new(),
        }
    }

    /// How many restarts are allowed within how long a time (whole seconds, at least one). One more ends the supervisor.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.intensity = restarts;
        self.period = period;
        self
    }

    /// When the supervisor shuts down by itself.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// Lets each restart wait. The intensity has to allow for the restarts that are to be waited for.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// One more child, started after those before it.
    pub fn child(mut self, child: Child) -> Self {
        self.children.push(child);
        self
    }

    /// More children.
    pub fn children(mut self, children: impl IntoIterator<Item = Child>) -> Self {
        self.children.extend(children);
        self
    }

    /// What it takes to start it. [`Node::spawn`](crate::Node::spawn) and [`Child::new`] take it without, too.
    pub fn spec(self) -> Spec<Supervisor> {
        crate::gen_server::spec(self)
    }

    /// Whether a supervisor can be made of it; that is looked at again when it starts.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.period.is_zero() || self.period.subsec_nanos() != 0 {
            return Err(SpecError::Period(self.period));
        }
        if self.strategy == Strategy::SimpleOneForOne {
            let [child] = &*self.children else {
                return Err(SpecError::NotOneChild(self.children.len()));
            };
            if let Some(name) = child.registered_name() {
                return Err(SpecError::SharedName(child.id().clone(), name.to_owned()));
            }
            if self.auto_shutdown != AutoShutdown::Never {
                return Err(SpecError::SimpleShutdown);
            }
            return check_child(child, Some(self.auto_shutdown));
        }
        for child in &self.children {
            if let Start::Each(_) = child.start {
                return Err(SpecError::Dynamic(child.id().clone()));
            }
        }
        check_childspecs(&self.children, Some(self.auto_shutdown))
    }

    pub(super) const fn flags(&self) -> Flags {
        Flags {
            strategy: self.strategy,
            intensity: self.intensity,
            period: self.period,
            auto_shutdown: self.auto_shutdown,
            backoff: self.backoff,
        }
    }
}

/// What is wrong with a specification.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// `duplicate_child_name`: ids must differ.
    #[error("two children have the id {0}: give each its own")]
    DuplicateId(ChildId),
    /// `bad_combination`: a permanent child never ends for good.
    #[error(
        "the child {0} is significant and permanent: a significant child is transient or temporary"
    )]
    SignificantPermanent(ChildId),
    /// `bad_combination`: nothing would come of it.
    #[error(
        "the child {0} is significant, but the supervisor's auto_shutdown is never: set it, or leave `significant` out"
    )]
    SignificantNever(ChildId),
    /// `invalid_period`: OTP counts whole seconds.
    #[error("the period {0:?} is not a whole number of seconds above zero")]
    Period(Duration),
    /// `bad_start_spec`.
    #[error("simple_one_for_one takes exactly one child specification, not {0}")]
    NotOneChild(usize),
    /// `bad_combination`, since OTP 26.
    #[error("the auto_shutdown of a simple_one_for_one is never: leave it out")]
    SimpleShutdown,
    /// A name has one holder.
    #[error("all children of the simple_one_for_one {0} would have the name {1}: leave it out")]
    SharedName(ChildId, String),
    /// Only a `simple_one_for_one` gives its children arguments.
    #[error(
        "the child {0} takes an argument at each start: only a simple_one_for_one has such children"
    )]
    Dynamic(ChildId),
}

/// Whether children can be one supervisor's: `supervisor:check_childspecs/1,2`. Significant ones are judged by
/// `auto_shutdown` when it is given.
///
/// # Errors
/// The first thing that is wrong.
///
/// ```
/// use kista::supervisor::{AutoShutdown, Child, SpecError, check_childspecs};
/// # use kista::gen_server;
/// # #[derive(Clone)] struct Idle; #[gen_server] impl Idle { #[init] fn new() -> Self { Idle } #[call] fn ok(&self) -> bool { true } }
/// let twice = [Child::new("a", Idle::spec()), Child::new("a", Idle::spec())];
/// assert!(matches!(check_childspecs(&twice, None), Err(SpecError::DuplicateId(_))));
/// ```
pub fn check_childspecs(
    children: &[Child],
    auto_shutdown: Option<AutoShutdown>,
) -> Result<(), SpecError> {
    let mut ids = HashSet::new();
    for child in children {
        check_child(child, auto_shutdown)?;
        if !ids.insert(child.id()) {
            return Err(SpecError::DuplicateId(child.id().clone()));
        }
    }
    Ok(())
}

pub(super) fn check_child(
    child: &Child,
    auto_shutdown: Option<AutoShutdown>,
) -> Result<(), SpecError> {
    let policy = child.policy();
    if !policy.significant {
        return Ok(());
    }
    if auto_shutdown == Some(AutoShutdown::Never) {
        return Err(SpecError::SignificantNever(child.id().clone()));
    }
    if policy.restart == Restart::Permanent {
        return Err(SpecError::SignificantPermanent(child.id().clone()));
    }
    Ok(())
}

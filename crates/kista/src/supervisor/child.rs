use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use kista_etf::{Atom, Decode, Term, atoms};

use super::start::{Custom, Decoded, Made, Start, StartChild, Starter, Typed};
use super::{Supervisor, SupervisorError};
use crate::Pid;
use crate::gen_server::{GenServer, IntoSpec, Spec, StartError};

/// By what a supervisor's children are told apart: any term. A text is an atom, as names are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ChildId(Term);

impl ChildId {
    /// The id as Erlang sees it.
    pub const fn as_term(&self) -> &Term {
        &self.0
    }
}

impl From<Term> for ChildId {
    fn from(id: Term) -> Self {
        Self(id)
    }
}

impl From<Atom> for ChildId {
    fn from(id: Atom) -> Self {
        Self(Term::from(id))
    }
}

impl From<i64> for ChildId {
    fn from(id: i64) -> Self {
        Self(Term::from(id))
    }
}

/// An atom; a text of more than 255 characters is a binary.
impl From<&str> for ChildId {
    fn from(id: &str) -> Self {
        Self(match Atom::new(id) {
            Ok(atom) => Term::from(atom),
            Err(_) => Term::from(kista_etf::Binary::from(id.as_bytes())),
        })
    }
}

/// As of a `&str`.
impl From<String> for ChildId {
    fn from(id: String) -> Self {
        Self::from(&*id)
    }
}

impl From<&Self> for ChildId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// When a child that ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// When it ended for another reason than `normal`, `shutdown` or `{shutdown, _}`.
    Transient,
    /// Never, and it is forgotten then.
    Temporary,
}

impl Restart {
    pub(super) const fn atom(self) -> Atom {
        match self {
            Self::Permanent => atoms::PERMANENT,
            Self::Transient => atoms::TRANSIENT,
            Self::Temporary => atoms::TEMPORARY,
        }
    }
}

/// How a child is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Killed at once.
    BrutalKill,
    /// Told to by an exit signal `shutdown`; killed when it takes longer than this.
    After(Duration),
    /// Told to, and waited for as long as it takes.
    Infinity,
}

impl From<Duration> for Shutdown {
    fn from(time: Duration) -> Self {
        Self::After(time)
    }
}

impl Shutdown {
    /// `brutal_kill`, milliseconds, or `infinity`.
    pub(super) fn to_term(self) -> Term {
        match self {
            Self::BrutalKill => Term::from(atoms::BRUTAL_KILL),
            Self::After(time) => Term::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            Self::Infinity => Term::from(atoms::INFINITY),
        }
    }
}

/// Whether a child is itself a supervisor; for those who look at the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChildType {
    /// It works.
    #[default]
    Worker,
    /// It supervises others.
    Supervisor,
}

impl ChildType {
    pub(super) const fn atom(self) -> Atom {
        match self {
            Self::Worker => atoms::WORKER,
            Self::Supervisor => atoms::SUPERVISOR,
        }
    }
}

/// What decides over a child, without the way it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) restart: Restart,
    pub(super) shutdown: Shutdown,
    pub(super) significant: bool,
    pub(super) child_type: ChildType,
}

/// How long a worker may take to end unless its specification says otherwise, as in OTP.
const WORKER_SHUTDOWN: Duration = Duration::from_secs(5);

impl Default for Policy {
    fn default() -> Self {
        Self {
            restart: Restart::default(),
            shutdown: Shutdown::After(WORKER_SHUTDOWN),
            significant: false,
            child_type: ChildType::default(),
        }
    }
}

/// The specification of one child: OTP's `child_spec()`. Permanent, with 5 s to end (a supervisor: as long as it takes),
/// not significant, unless it says otherwise.
///
/// ```
/// use std::time::Duration;
/// use kista::gen_server;
/// use kista::supervisor::Child;
///
/// struct Counter { n: i64 }
/// #[gen_server]
/// impl Counter {
///     #[init] fn new(n: i64) -> Self { Counter { n } }
///     #[call] fn get(&self) -> i64 { self.n }
/// }
/// let child = Child::new("counter", Counter::spec(0)).name("counter").transient().shutdown(Duration::from_secs(1));
/// assert_eq!(child.id().to_string(), "counter");
/// ```
pub struct Child {
    id: ChildId,
    restart: Restart,
    shutdown: Option<Shutdown>,
    significant: bool,
    child_type: ChildType,
    name: Option<String>,
    start_timeout: Option<Duration>,
    pub(super) start: Start,
}

impl Child {
    /// A server, a state machine or a [`Supervisor`]: whatever has a [`Spec`]. Each start begins with a clone of its arguments.
    pub fn new<P: IntoSpec>(id: impl Into<ChildId>, spec: P) -> Self {
        let supervises = TypeId::of::<P::Server>() == TypeId::of::<Supervisor>();
        let start = Start::Fixed(Box::new(Typed(spec.into_spec())));
        let child = Self::with(id.into(), start);
        match supervises {
            true => child.supervisor(),
            false => child,
        }
    }

    /// Any process: the function starts it, by its [`Starter`], and says which it is. OTP's `start` of a child specification.
    pub fn start<F, R>(id: impl Into<ChildId>, start: F) -> Self
    where
        F: Fn(Starter) -> R + Clone + Send + 'static,
        R: Future<Output = Result<Pid, StartError>> + Send + 'static,
    {
        Self::with(id.into(), Start::Fixed(Box::new(Custom(start))))
    }

    /// The one specification of a `simple_one_for_one`: each child is made of the argument given when it is started.
    ///
    /// ```
    /// # use kista::gen_server;
    /// # use kista::supervisor::{Child, Supervisor};
    /// # struct Session { user: String }
    /// # #[gen_server] impl Session { #[init] fn new(user: String) -> Self { Session { user } } #[call] fn user(&self) -> String { self.user.clone() } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = kista::Node::builder("doc@127.0.0.1").no_network().start().await?;
    /// let sessions = Supervisor::simple_one_for_one(Child::dynamic("session", Session::spec).temporary());
    /// let sessions = node.spawn(sessions.spec()).await?;
    /// let pid = sessions.start_with("joe".to_owned()).await?.expect("it did not answer ignore");
    /// assert_eq!(node.server::<Session>(pid).user().await?, "joe");
    /// # node.stop().await; Ok(()) }
    /// ```
    pub fn dynamic<A, S, F>(id: impl Into<ChildId>, make: F) -> Self
    where
        A: Send + 'static,
        S: GenServer,
        F: Fn(A) -> Spec<S> + Clone + Send + 'static,
    {
        let supervises = TypeId::of::<S>() == TypeId::of::<Supervisor>();
        let child = Self::with(id.into(), Start::Each(Box::new(Made::new(make))));
        match supervises {
            true => child.supervisor(),
            false => child,
        }
    }

    /// As [`dynamic`](Self::dynamic), also for `supervisor:start_child(Sup, [Arg])` from other nodes: one extra argument is
    /// read as an `A`, several as the tuple of them.
    pub fn dynamic_remote<A, S, F>(id: impl Into<ChildId>, make: F) -> Self
    where
        A: for<'a> Decode<'a> + Send + 'static,
        S: GenServer,
        F: Fn(A) -> Spec<S> + Clone + Send + 'static,
    {
        let mut child = Self::dynamic(id, make.clone());
        child.start = Start::Each(Box::new(Decoded::new(make)));
        child
    }

    fn with(id: ChildId, start: Start) -> Self {
        Self {
            id,
            restart: Restart::default(),
            shutdown: None,
            significant: false,
            child_type: ChildType::default(),
            name: None,
            start_timeout: None,
            start,
        }
    }

    /// Started again whatever it ended for: the default.
    pub fn permanent(self) -> Self {
        self.restart(Restart::Permanent)
    }

    /// Started again only when it ended for another reason than `normal`, `shutdown` or `{shutdown, _}`.
    pub fn transient(self) -> Self {
        self.restart(Restart::Transient)
    }

    /// Never started again.
    pub fn temporary(self) -> Self {
        self.restart(Restart::Temporary)
    }

    /// When it is started again.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How it is stopped: a time, or a [`Shutdown`].
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.shutdown = Some(shutdown.into());
        self
    }

    /// Its end can be the supervisor's: see [`SupervisorSpec::auto_shutdown`](super::SupervisorSpec::auto_shutdown).
    pub fn significant(mut self) -> Self {
        self.significant = true;
        self
    }

    /// It supervises others; what has a [`Spec`] of a [`Supervisor`] is known to.
    pub fn supervisor(mut self) -> Self {
        self.child_type = ChildType::Supervisor;
        self
    }

    /// Registers it under this name at each start, so that a handle by name finds it also after a restart.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long its `init` may take; else as long as it likes.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = Some(timeout);
        self
    }

    /// Its id.
    pub const fn id(&self) -> &ChildId {
        &self.id
    }

    pub(super) fn policy(&self) -> Policy {
        let default = match self.child_type {
            ChildType::Worker => Shutdown::After(WORKER_SHUTDOWN),
            ChildType::Supervisor => Shutdown::Infinity,
        };
        Policy {
            restart: self.restart,
            shutdown: self.shutdown.unwrap_or(default),
            significant: self.significant,
            child_type: self.child_type,
        }
    }

    pub(super) fn registered_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What starts it, for a supervisor whose children do not take arguments.
    pub(super) fn into_start(self) -> Result<Box<dyn StartChild>, SupervisorError> {
        match self.start {
            Start::Fixed(start) => Ok(start),
            Start::Each(_) => Err(SupervisorError::Spec(super::SpecError::Dynamic(self.id))),
        }
    }

    pub(super) fn setup(&self) -> Setup {
        Setup {
            name: self.name.clone(),
            start_timeout: self.start_timeout,
        }
    }
}

/// What is said of a child's process to each start.
#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    pub(super) name: Option<String>,
    pub(super) start_timeout: Option<Duration>,
}

impl Clone for Child {
    fn clone(&self) -> Self {
        Self {
            id: self.id.clone(),
            name: self.name.clone(),
            start: self.start.clone(),
            ..*self
        }
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id)
            .field("policy", &self.policy())
            .field("starts", &self.start.type_name())
            .finish_non_exhaustive()
    }
}

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kista_etf::{Atom, Term};

use super::callbacks::{AnyCallbacks, Callbacks, Hook, Simple};
use super::cx::ApplicationCx;
use crate::supervisor::SupervisorSpec;

/// What becomes of the node when an application ends that was not told to stop, or does not start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum StartType {
    /// The node ends too.
    Permanent,
    /// The node ends too, unless the reason is `normal`. As in OTP that is of little use for a supervision tree: it ends with
    /// `shutdown`.
    Transient,
    /// Nothing.
    #[default]
    Temporary,
}

impl StartType {
    /// As Erlang has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Temporary => "temporary",
        }
    }
}

impl fmt::Display for StartType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An application: what OTP has in an `.app` file and its callback module. See the [module](crate::application).
///
/// ```
/// use kista::application::Application;
/// use kista::supervisor::Supervisor;
///
/// let application = Application::new("web")
///     .version("1.2.0")
///     .description("what our customers see")
///     .depends_on(["store"])
///     .registered(["web_sup", "web_listener"])
///     .env("port", 8080)
///     .start("web_sup", |cx| {
///         let port = cx.env("port");
///         Supervisor::one_for_one()
///     });
/// assert_eq!(application.name().as_str(), "web");
/// ```
///
/// Source: *app* in the Kernel reference manual, whose keys these are: `vsn`, `description`, `applications`, `registered`, `env`,
/// `mod`, `maxT`.
#[derive(Clone)]
#[must_use]
pub struct Application {
    name: Atom,
    version: String,
    description: String,
    depends_on: Vec<Atom>,
    registered: Vec<Atom>,
    env: Vec<(String, Term)>,
    max_time: Option<Duration>,
    callbacks: Option<Arc<dyn AnyCallbacks>>,
    hooks: Hooks,
}

/// What a simple application has beside its `start`.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) prep_stop: Option<Hook>,
    pub(super) stop: Option<Hook>,
}

impl Application {
    /// An application of this name. Without [`start`](Self::start) or [`callbacks`](Self::callbacks) there is nothing to run: it is
    /// a library, which others can depend on.
    ///
    /// # Panics
    /// When the name has more than 255 characters.
    pub fn new(name: &str) -> Self {
        Self {
            name: atom(name),
            version: String::new(),
            description: String::new(),
            depends_on: Vec::new(),
            registered: Vec::new(),
            env: Vec::new(),
            max_time: None,
            callbacks: None,
            hooks: Hooks::default(),
        }
    }

    /// Its version, as `which_applications` shows it.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// What it is, in one line.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The applications that must have been started before it.
    ///
    /// # Panics
    /// When a name has more than 255 characters.
    pub fn depends_on<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.depends_on.extend(names.into_iter().map(atom));
        self
    }

    /// The names that its processes register. For those who look; nothing is checked.
    ///
    /// # Panics
    /// When a name has more than 255 characters.
    pub fn registered<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.registered.extend(names.into_iter().map(atom));
        self
    }

    /// A value of its environment, unless the node's configuration says otherwise. Its processes read it by
    /// [`Me::env`](crate::Me::env).
    pub fn env(mut self, key: impl Into<String>, value: impl Into<Term>) -> Self {
        let key = key.into();
        self.env.retain(|(is, _)| *is != key);
        self.env.push((key, value.into()));
        self
    }

    /// How long it may run; then it ends with the reason `normal`: OTP's `maxT`. By default for ever.
    pub fn max_time(mut self, time: Duration) -> Self {
        self.max_time = Some(time);
        self
    }

    /// What it runs: a supervisor of this registered name, whose specification is made at each start.
    pub fn start<F>(mut self, supervisor: impl Into<String>, make: F) -> Self
    where
        F: Fn(&ApplicationCx) -> SupervisorSpec + Send + Sync + 'static,
    {
        self.callbacks = Some(Arc::new(Simple::new(supervisor.into(), make)));
        self
    }

    /// Called before its supervisor is told to end, while everything runs yet. After [`start`](Self::start).
    pub fn prep_stop<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(ApplicationCx) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.hooks.prep_stop = Some(Hook::new(hook));
        self
    }

    /// Called when its supervisor has ended. After [`start`](Self::start).
    pub fn stop<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(ApplicationCx) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        self.hooks.stop = Some(Hook::new(hook));
        self
    }

    /// What it runs, where [`start`](Self::start) is too little.
    pub fn callbacks(mut self, callbacks: impl Callbacks) -> Self {
        self.callbacks = Some(Arc::new(super::callbacks::Erased(callbacks)));
        self
    }

    /// Its name.
    pub const fn name(&self) -> Atom {
        self.name
    }

    /// Its keys, as `application:get_key/2` has them.
    pub const fn keys(&self) -> ApplicationKeys<'_> {
        ApplicationKeys {
            name: self.name,
            version: self.version.as_str(),
            description: self.description.as_str(),
            depends_on: self.depends_on.as_slice(),
            registered: self.registered.as_slice(),
            max_time: self.max_time,
            has_code: self.callbacks.is_some(),
        }
    }

    pub(super) fn defaults(&self) -> &[(String, Term)] {
        &self.env
    }

    pub(super) fn code(&self) -> Option<&Arc<dyn AnyCallbacks>> {
        self.callbacks.as_ref()
    }

    pub(super) const fn hooks(&self) -> &Hooks {
        &self.hooks
    }
}

/// The keys of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationKeys<'a> {
    /// Its name.
    pub name: Atom,
    /// `vsn`.
    pub version: &'a str,
    /// `description`.
    pub description: &'a str,
    /// `applications`.
    pub depends_on: &'a [Atom],
    /// `registered`.
    pub registered: &'a [Atom],
    /// `maxT`.
    pub max_time: Option<Duration>,
    /// Whether there is anything to start, which `mod` says: false for a library.
    pub has_code: bool,
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("keys", &self.keys())
            .field("env", &self.env)
            .field(
                "starts",
                &self.callbacks.as_ref().map(|code| code.type_name()),
            )
            .finish_non_exhaustive()
    }
}

fn atom(name: &str) -> Atom {
    match Atom::new(name) {
        Ok(atom) => atom,
        Err(error) => panic!("{name:?} is no name: {error}"),
    }
}

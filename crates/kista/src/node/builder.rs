use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use kista_dist::handshake::Cookie;
use kista_etf::Atom;
use kista_sync::table::Table;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::cookie::{self, CookieSource};
use super::deadlines::Deadlines;
use super::error::NodeError;
use super::names::Names;
use super::net_options::NetOptions;
use super::reports::Reports;
use super::rest::WakeAtEnd;
use super::signals::Signals;
use super::stop::STOP_TIMEOUT;
use super::{Inner, Node, NodeMonitors, StopCause, WeakNode};
use crate::application::{self as applications, Application, ApplicationError, StartType};
use crate::events::{EventSource, NODES, Registry};
use crate::global;
use crate::log::LogLimit;
use crate::net::{Host, Net, NetConfig, NodeName};
use crate::process::Env;
use crate::remote::{self, Remote};
use crate::reports::{REPORTS, note_panics};
use crate::scheduler::Scheduler;
use crate::timer::Timers;
use crate::{EpmdMode, Peers, Term, kernel};

/// EPMD's well-known port.
const EPMD_PORT: u16 = 4369;

/// Unread messages of one process that raise the alarm, unless set otherwise.
const QUEUE_ALARM: usize = 1_000_000;

/// Whether a node joins `nodes()` of its peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Seen only by those who ask, and no part of the cluster's [`global`]: the default.
    #[default]
    Hidden,
    /// A full member, as `erl` without `-hidden`: it connects to all that its peers know, and has the cluster's names and locks ([`global`]).
    Visible,
}

/// The configuration of a node about to start; made by [`Node::builder`].
///
/// ```no_run
/// # async fn f() -> Result<(), kista::NodeError> {
/// let node = kista::Node::builder("demo@127.0.0.1").cookie("secret").start().await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a node starts with start()"]
pub struct NodeBuilder {
    name: String,
    cookie: CookieSource,
    peer_cookies: Vec<(String, Cookie)>,
    pub(super) net: NetOptions,
    ports: RangeInclusive<u16>,
    visibility: Visibility,
    pub(crate) global: global::Options,
    epmd: EpmdMode,
    epmd_port: Option<u16>,
    net_ticktime: Duration,
    send_marks: Option<(usize, usize)>,
    network: bool,
    queue_alarm: usize,
    remote_processes: usize,
    inspectors: Peers,
    stoppers: Peers,
    env: Env,
    stop_timeout: Duration,
    stop_on_signals: bool,
    panic_hook: bool,
    #[cfg(feature = "http")]
    http: Option<crate::health::Http>,
    #[cfg(feature = "metrics")]
    pub(crate) metrics_interval: Option<Duration>,
    /// Known from the start.
    applications: Vec<Application>,
    /// Started with the node.
    boot: Vec<(Atom, StartType)>,
    /// What the configuration says of applications.
    environments: applications::Environments,
}

impl NodeBuilder {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            cookie: CookieSource::Default,
            peer_cookies: Vec::new(),
            net: NetOptions::default(),
            ports: 0..=0,
            visibility: Visibility::Hidden,
            global: global::DEFAULT,
            epmd: EpmdMode::Auto,
            epmd_port: None,
            net_ticktime: Duration::from_secs(60),
            send_marks: None,
            network: true,
            queue_alarm: QUEUE_ALARM,
            remote_processes: remote::PROCESSES,
            inspectors: Peers::any(),
            stoppers: Peers::none(),
            env: Env::default(),
            stop_timeout: STOP_TIMEOUT,
            stop_on_signals: false,
            panic_hook: true,
            #[cfg(feature = "http")]
            http: None,
            #[cfg(feature = "metrics")]
            metrics_interval: None,
            applications: Vec::new(),
            boot: Vec::new(),
            environments: applications::Environments::new(),
        }
    }

    /// The cluster's shared secret. Without it: `KISTA_COOKIE`, else the user's `~/.erlang.cookie`, made when missing as `erl` makes it.
    pub fn cookie(mut self, cookie: impl AsRef<str>) -> Self {
        self.cookie = CookieSource::Given(Cookie::from(cookie.as_ref()));
        self
    }

    /// Reads the cookie from this file; its mode is not checked.
    pub fn cookie_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cookie = CookieSource::File(path.into());
        self
    }

    /// Another cookie for one peer, by full name: `erlang:set_cookie(Node, Cookie)`.
    pub fn peer_cookie(mut self, node: impl Into<String>, cookie: impl AsRef<str>) -> Self {
        self.peer_cookies
            .push((node.into(), Cookie::from(cookie.as_ref())));
        self
    }

    /// Listens on this port. By default the system chooses one.
    pub fn port(self, port: u16) -> Self {
        self.ports(port..=port)
    }

    /// Listens on the first free port of this range.
    pub fn ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ports = ports;
        self
    }

    /// Hidden (the default) or visible.
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.visibility = visibility;
        self
    }

    /// A full member of the cluster: `visibility(Visibility::Visible)`.
    pub fn visible(self) -> Self {
        self.visibility(Visibility::Visible)
    }

    /// Which EPMD to use.
    pub fn epmd(mut self, mode: EpmdMode) -> Self {
        self.epmd = mode;
        self
    }

    /// EPMD's port, here and at every peer. By default `ERL_EPMD_PORT`, else 4369.
    pub fn epmd_port(mut self, port: u16) -> Self {
        self.epmd_port = Some(port);
        self
    }

    /// A peer that is silent for this long is down (a quarter more at most); default 60 s, as in OTP, and to be the same at every node.
    pub fn net_ticktime(mut self, time: Duration) -> Self {
        self.net_ticktime = time;
        self
    }

    /// The marks of bytes that a connection holds unwritten: above `busy` senders are held at their next await, above `full`
    /// messages are refused. For who sends messages of up to 64 KiB those above do not count: they leave in fragments, which
    /// shorter ones pass. Defaults: 1 MiB and 64 MiB.
    pub fn send_marks(mut self, busy: usize, full: usize) -> Self {
        self.send_marks = Some((busy, full.max(busy)));
        self
    }

    /// The number of unread messages of one process above which the alarm is raised: a warning in the log, and
    /// [`Node::queue_alarms`] counts. It is cleared at half of that. Default: 1,000,000.
    pub fn queue_alarm(mut self, messages: usize) -> Self {
        self.queue_alarm = messages;
        self
    }

    /// At most so many processes run at a time that other nodes started here, by `spawn` or `rpc`: one more is refused with
    /// `system_limit`. Default: 262,144.
    pub fn remote_processes(mut self, processes: usize) -> Self {
        self.remote_processes = processes;
        self
    }

    /// Which nodes may look at this one by OTP's functions that operators and their tools call, and by those of the module `kista`.
    /// They change nothing. Default: every node; [`Peers::none`] switches them off. Functions of the same names that the program
    /// exposes itself are not concerned.
    ///
    /// Served is what observer, etop and their like ask of a node: of `erlang` processes, their `process_info`, `memory`,
    /// `system_info`, `statistics` and times; of `observer_backend` and `appmon_info` all but tracing; what looks in `application`,
    /// `code`, `ets`, `global`, `init`, `net_adm`, `net_kernel`, `os`, `pg`, `proc_lib`, `supervisor` and `sys`; what prints in `io`,
    /// to the caller's group leader; and `kista:info/0`, `processes/0`, `tree/0` and `links/1`. `docs/observer.md` has all of them.
    pub fn inspectable_by(mut self, peers: Peers) -> Self {
        self.inspectors = peers;
        self
    }

    /// Which nodes may stop this one: `rpc:call(Node, kista, stop, [])`. Default: none. See [`Node::stop`].
    pub fn stoppable_by(mut self, peers: Peers) -> Self {
        self.stoppers = peers;
        self
    }

    /// Puts a value into the node's environment, which processes inherit: see [`Me::env`](crate::Me::env).
    pub fn env(mut self, key: impl AsRef<str>, value: impl Into<Term>) -> Self {
        self.env.put(key.as_ref(), value.into());
        self
    }

    /// Makes an application known to the node, as an `.app` file in the code path does: it can be loaded, started and depended on
    /// by its name. Two of one name are an error of [`start`](Self::start).
    pub fn application(mut self, application: Application) -> Self {
        self.applications.push(application);
        self
    }

    /// Makes an application known, and starts it with the node; before it, those that it depends on, with the same start type.
    /// One that does not start is an error of [`start`](Self::start), and what was started is stopped.
    ///
    /// A permanent application takes the node with it when it ends: see [`StartType`].
    pub fn boot(mut self, application: Application, start_type: StartType) -> Self {
        self.boot.push((application.name(), start_type));
        self.application(application)
    }

    /// Values of applications' environments that come before their own.
    #[cfg(feature = "config")]
    pub(crate) fn configure_applications(mut self, values: &applications::Environments) -> Self {
        for (application, values) in values {
            let environment = self.environments.entry(*application).or_default();
            environment.extend(values.clone());
        }
        self
    }

    /// How long a whole stop of the node may take before what is left is killed. Default: 25 s.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = timeout;
        self
    }

    /// Stops the node in order when the program gets SIGTERM or SIGINT; the second one ends the patience, and kills what is left.
    /// The program waits for the end by [`Node::stopped`]. Without this a signal does what the program says, or else ends it at once.
    pub fn stop_on_signals(mut self) -> Self {
        self.stop_on_signals = true;
        self
    }

    /// Answers by HTTP whether the node lives and is ready: see [`Http`](crate::health::Http). It begins before the applications start, and
    /// ends when the node has stopped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use kista::health::Http;
    /// let node = kista::Node::builder("http@127.0.0.1").no_network().http(Http::new(0)).start().await?;
    /// println!("curl http://{}/readyz", node.http_address().expect("it was asked for"));
    /// # node.stop().await; Ok(()) }
    /// ```
    #[cfg(feature = "http")]
    pub fn http(mut self, http: crate::health::Http) -> Self {
        self.http = Some(http);
        self
    }

    /// Leaves the program's panic hook alone. Without this, and once in a program, the first node that starts puts a hook of its own
    /// in front of it, which notes where a process panics, for crash reports, and then calls the program's. A program that sets
    /// another hook does so before its first node starts; else reports know no places.
    pub fn no_panic_hook(mut self) -> Self {
        self.panic_hook = false;
        self
    }

    /// A node on its own: processes and servers without a network, a cookie or EPMD.
    pub fn no_network(mut self) -> Self {
        self.network = false;
        self
    }

    /// Starts the node: listens, registers with EPMD, starts the system processes. It accepts connections when this returns.
    ///
    /// Dropping the future takes the start back: what there is of the node stops in the background.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn start(self) -> Result<Node, NodeError> {
        if cfg!(panic = "abort") {
            return Err(NodeError::PanicAborts);
        }
        if self.panic_hook {
            note_panics();
        }
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| NodeError::NoRuntime)?;
        let name = self.full_name()?;
        let mut known = HashSet::new();
        let mut names = self.applications.iter().map(Application::name);
        if let Some(twice) = names.find(|name| !known.insert(*name)) {
            return Err(ApplicationError::Twice(twice).into());
        }
        let signals = match self.stop_on_signals {
            true => Some(Signals::listen()?),
            false => None,
        };
        #[cfg(feature = "http")]
        let http = self.http.clone().map(|http| {
            let address = http.address();
            crate::health::bind(http).map_err(|error| NodeError::Http(address, error))
        });
        #[cfg(feature = "http")]
        let http = http.transpose()?;
        let net = match self.network {
            true => Some(Net::start(self.net_config(name.clone())?).await?),
            false => None,
        };
        let boot = self.boot;
        let events = Arc::new(Registry::default());
        let name_of_nodes = Atom::from_static(NODES);
        let node_events = EventSource::register(&events, name_of_nodes, None, 0)
            .unwrap_or_else(|_| unreachable!("the registry is empty"));
        let reports = EventSource::register(&events, Atom::from_static(REPORTS), None, 0)
            .unwrap_or_else(|_| unreachable!("the registry has one other event"));
        let node = Node(Arc::new_cyclic(|me| Inner {
            me: me.clone(),
            name: net.as_ref().map_or_else(|| name.atom(), |net| net.name()),
            creation: net.as_ref().map_or(4, |net| net.creation()),
            processes: Table::new(),
            guests: AtomicUsize::new(0),
            ended: Notify::new(),
            names: Names::default(),
            calls: Table::new(),
            references: AtomicU64::new(1),
            deadlines: Deadlines::start(
                &runtime,
                WeakNode(me.clone()),
                WakeAtEnd(WeakNode(me.clone())),
            ),
            timers: Timers::start(&runtime),
            scheduler: Scheduler::start(&runtime),
            env: match self.env.is_empty() {
                true => OnceLock::new(),
                false => OnceLock::from(Mutex::new(self.env)),
            },
            queue_alarm_mark: self.queue_alarm,
            queue_alarms: AtomicU64::new(0),
            too_long: LogLimit::new(),
            runtime,
            net,
            events,
            node_events,
            reports: Reports::new(reports),
            node_monitors: NodeMonitors::default(),
            remote: Remote::new(self.remote_processes, self.inspectors, self.stoppers),
            stopping: AtomicBool::new(false),
            lost_runtime: AtomicBool::new(false),
            printed: LogLimit::new(),
            not_understood: LogLimit::new(),
            ending: AtomicUsize::new(0),
            stop_cause: OnceLock::new(),
            stop_timeout: self.stop_timeout,
            hurry: Notify::new(),
            overdue: Mutex::default(),
            told_away: AtomicU64::new(0),
            stopped: watch::channel(None).0,
            applications: applications::Registry::new(self.applications, self.environments),
            pg_scopes: crate::pg::Scopes::default(),
            global: global::State::new(self.global),
            checks: crate::health::Checks::default(),
            boot: boot.iter().map(|(name, _)| *name).collect(),
            booted: AtomicBool::new(false),
            #[cfg(feature = "http")]
            http_address: http.as_ref().map(|http| http.address),
            #[cfg(feature = "metrics")]
            published: crate::metrics::Published::default(),
        }));
        let mut unfinished = StopUnfinished(Some(node.clone()));
        #[cfg(feature = "http")]
        if let Some(http) = http {
            let serve = http.serve(node.downgrade(), node.0.stopped.subscribe());
            node.runtime().spawn(serve);
        }
        #[cfg(feature = "metrics")]
        if let Some(every) = self.metrics_interval {
            let stopped = node.0.stopped.subscribe();
            let sample = crate::metrics::sample(node.downgrade(), every, stopped);
            node.runtime().spawn(sample);
        }
        if let Some(net) = &node.0.net {
            kernel::start(&node).await?;
            if self.visibility == Visibility::Visible {
                global::start(&node).await?;
            }
            let host: Weak<dyn Host> = node.0.me.clone();
            net.open(host);
        }
        if let Some(signals) = signals {
            signals.stop(&node);
        }
        let applications = node.applications();
        for (application, start_type) in boot {
            let started = applications.ensure_all_started(application.as_str(), start_type);
            if let Err(error) = started.await {
                node.stop().await;
                return Err(error.into());
            }
        }
        node.0.booted.store(true, Relaxed);
        unfinished.0 = None;
        Ok(node)
    }

    fn full_name(&self) -> Result<NodeName, NodeError> {
        if self.name.contains('@') {
            return Ok(NodeName::parse(&self.name)?);
        }
        // As `erl -sname`: the host's name up to the first dot.
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .or_else(|_| std::fs::read_to_string("/etc/hostname"))
            .unwrap_or_else(|_| "localhost".to_owned());
        let short = host.trim().split('.').next().unwrap_or("localhost");
        Ok(NodeName::parse(&format!("{}@{short}", self.name))?)
    }

    fn net_config(&self, name: NodeName) -> Result<NetConfig, NodeError> {
        let mut config = NetConfig::new(name, cookie::load(self.cookie.clone())?);
        for (peer, cookie) in &self.peer_cookies {
            let cookie = cookie::not_empty(cookie.clone(), &format!("the cookie for {peer}"))?;
            config.peer_cookies.insert(peer.clone(), cookie);
        }
        self.net.apply(&mut config)?;
        config.ports = self.ports.clone();
        config.hidden = self.visibility == Visibility::Hidden;
        config.epmd = self.epmd;
        config.epmd_port = match self.epmd_port {
            Some(port) => port,
            None => match std::env::var("ERL_EPMD_PORT") {
                Ok(port) => port.trim().parse().map_err(|_| NodeError::EpmdPort(port))?,
                Err(_) => EPMD_PORT,
            },
        };
        config.net_ticktime = self.net_ticktime;
        if let Some((busy, full)) = self.send_marks {
            config.limits.busy_mark = busy;
            config.limits.full_mark = full;
        }
        Ok(config)
    }
}

/// Takes a start back that failed or was given up: nobody else could, and its name would stay taken.
struct StopUnfinished(Option<Node>);

impl Drop for StopUnfinished {
    fn drop(&mut self) {
        if let Some(node) = self.0.take() {
            node.begin_stop(StopCause::Asked);
        }
    }
}

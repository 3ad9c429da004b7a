//! Processes that other nodes start here: `SPAWN_REQUEST`, and what `rpc` and `erpc` of OTP make of it.
//!
//! Rules:
//! 1. The request is answered before anything else of the new process goes out; link and monitor are there before its first step.
//! 2. The arguments are decoded by the new process, not by the connection's reader.
//! 3. `erpc:execute_call/4` and `execute_cast/3` are built in: the function that they name is applied, and the process ends with what
//!    `erpc` of OTP awaits as the reason of its end: `{Res, return, Value}`, `{Res, throw, Value}`, `{Res, exit, Reason}`,
//!    `{Res, error, Reason, Stacktrace}` or `{Res, error, {erpc, Reason}}`. A value that only the asker hears of is written at once.
//! 4. At most [`Remote::limit`](super::Remote) of these processes run at a time, on behalf of all peers: then `system_limit`.
//!
//! Source: "Distribution Protocol" in the user's guide of ERTS, protocol messages 29 to 32; `erpc` of kernel.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use kista_dist::Control;
use kista_dist::control::{SpawnRequest, SpawnResult, Target};
use kista_etf::{Atom, AtomName, Decoder, Encoder, ListHeader, Pid, Reference, Term, atoms};

use super::apply::{Application, Broken, Outcome};
use super::options::Options;
use super::{Class, Raise};
use crate::ExitReason;
use crate::gen_server::StartError;
use crate::net::Connection;
use crate::node::Node;
use crate::process::{ControlSignal, Never, Process, SpawnOptions, Via, WireMessage, launch};

/// In the flags of a reply: the link was made.
pub(crate) const LINKED: u32 = 1;
/// In the flags of a reply: the monitor was made.
pub(crate) const MONITORED: u32 = 2;

/// A peer asks for a process. Runs in the connection's reader.
pub(crate) fn serve(
    node: &Node,
    connection: &Arc<Connection>,
    request: SpawnRequest,
    arguments: WireMessage,
) {
    let (id, to) = (request.id, request.from);
    let reply = |sender, flags, result| {
        let reply = Control::SpawnReply {
            id,
            to,
            flags,
            result,
            token: None,
        };
        node.control_by(connection, sender, reply);
    };
    match Start::prepare(node, Some(connection), request) {
        Ok(start) => {
            let pid = start.process.pid();
            reply(Some(pid), start.flags(), SpawnResult::Spawned(pid));
            start.go(arguments);
        }
        Err(why) => reply(None, 0, SpawnResult::Failed(why.into())),
    }
}

/// This node asks itself for a process. Link and monitor have yet to be recorded with who asks.
pub(crate) fn serve_self(
    node: &Node,
    request: SpawnRequest,
    arguments: WireMessage,
    before_it_runs: impl FnOnce(Pid),
) -> Result<Pid, Atom> {
    let start = Start::prepare(node, None, request)?;
    let pid = start.pid();
    before_it_runs(pid);
    start.go(arguments);
    Ok(pid)
}

/// A process that is in the table, with all its relations, and does not run yet.
pub(crate) struct Start {
    process: Arc<Process<Never>>,
    options: Options,
    peer: Option<Atom>,
    module: AtomName,
    function: AtomName,
    arity: usize,
    asker: Option<Asker>,
    ticket: Ticket,
}

impl Start {
    /// Err: what the reply says.
    pub(crate) fn prepare(
        node: &Node,
        connection: Option<&Arc<Connection>>,
        request: SpawnRequest,
    ) -> Result<Self, Atom> {
        let options = Options::parse(&request.options).ok_or(atoms::BADOPT)?;
        let ticket = Ticket::take(node).ok_or_else(system_limit)?;
        let peer = connection.map(|connection| connection.peer());
        let arity = request.arity as usize;
        let remote = node.remote();
        let found = remote.find(&request.module, &request.function, arity, peer);
        let behaviour = found.map_or("kista::remote", |callable| callable.name());
        let given = SpawnOptions::new().group_leader(request.group_leader);
        let born = node
            .birth::<Never>(behaviour, given, None)
            .map_err(|error| match error {
                StartError::NodeStopped => atoms::NOTSUP,
                _ => system_limit(),
            })?;
        let process = born.process;
        process.set_plain();
        relate(&process, connection, &options, &request);
        Ok(Self {
            process,
            options,
            peer,
            module: request.module,
            function: request.function,
            arity,
            asker: connection.map(|connection| Asker {
                connection: Arc::downgrade(connection),
                from: request.from,
                id: request.id,
            }),
            ticket,
        })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// Links it as if it were its own first act.
    pub(crate) fn link(&self, to: Pid) {
        self.process.link(to);
    }

    fn flags(&self) -> u32 {
        let linked = if self.options.link { LINKED } else { 0 };
        let monitored = if self.options.monitor { MONITORED } else { 0 };
        linked | monitored
    }

    pub(crate) fn go(self, arguments: WireMessage) {
        let process = Arc::clone(&self.process);
        launch(process, move || self.body(arguments));
    }

    async fn body(self, arguments: WireMessage) -> ExitReason {
        let _ticket = self.ticket;
        let process = &self.process;
        let work = Work::read(
            process,
            self.peer,
            self.module,
            self.function,
            self.arity,
            &arguments,
        );
        let work = match work {
            Ok(work) => work,
            Err(error) => {
                if let Some(connection) = arguments.connection() {
                    connection.close(&format!("the arguments of a spawn are no term: {error}"));
                }
                return ExitReason::from(atoms::BADARG);
            }
        };
        drop(arguments);
        match work {
            Work::Call { tag, application } => match application.run().await {
                Ok(value)
                    if let Some(asker) = self.asker
                        && asker.tell(process, &tag, &*value) =>
                {
                    ExitReason::Normal
                }
                outcome => answer(tag, outcome),
            },
            Work::Plain(application) => match application.run().await {
                Ok(_value) => ExitReason::Normal,
                Err(raise) => {
                    let reason = raise.into_exit_reason();
                    process.report_plain_crash(&reason);
                    reason
                }
            },
        }
    }
}

/// Link and monitor, before anybody knows the pid.
fn relate(
    process: &Arc<Process<Never>>,
    connection: Option<&Arc<Connection>>,
    options: &Options,
    request: &SpawnRequest,
) {
    let from = request.from;
    let via = Via::from(connection);
    let mut state = process.state.lock();
    state.priority = options.priority;
    if options.link {
        state.link(from, via.clone());
        state.origin_mut().parent = Some(from);
    }
    if options.monitor {
        let monitor = ControlSignal::Monitor {
            watcher: from,
            reference: request.id,
            name: None,
        };
        // A monitor has no other effect than to be there.
        state.apply(monitor, via, &mut Vec::new());
    }
    drop(state);
    if (options.link || options.monitor)
        && let Some(connection) = connection
        && !connection.watch(process.pid())
    {
        let lost = ControlSignal::ConnectionLost {
            connection: connection.id(),
        };
        process.node().signal(process.pid(), lost);
    }
}

/// What the new process is to do.
enum Work {
    Plain(Application),
    /// `erpc:execute_call/4`.
    Call {
        tag: Term,
        application: Application,
    },
}

impl Work {
    fn read(
        process: &Arc<Process<Never>>,
        peer: Option<Atom>,
        module: AtomName,
        function: AtomName,
        arity: usize,
        arguments: &WireMessage,
    ) -> Result<Self, Broken> {
        let mut d = arguments.payload.decoder();
        let work = match (module.as_str(), function.as_str(), arity) {
            ("erpc", "execute_call", 4) => {
                elements(&mut d, 4)?;
                let tag = d.term()?;
                let application = Self::applied(process, peer, &mut d)?;
                Self::Call { tag, application }
            }
            ("erpc", "execute_cast", 3) => {
                elements(&mut d, 3)?;
                Self::Plain(Self::applied(process, peer, &mut d)?)
            }
            _ => {
                let application = Application::read(process, peer, module, function, &mut d)?;
                application.close(&mut d)?;
                Self::Plain(application)
            }
        };
        d.finish()?;
        Ok(work)
    }

    /// Module, function and arguments, the last three of a list.
    fn applied(
        process: &Arc<Process<Never>>,
        peer: Option<Atom>,
        d: &mut Decoder<'_>,
    ) -> Result<Application, Broken> {
        let start = d.mark();
        let (Ok(module), Ok(function)) = (d.atom(), d.atom()) else {
            d.reset(start);
            let application = Application::not_a_function([d.term()?, d.term()?, d.term()?]);
            d.nil()?;
            return Ok(application);
        };
        let application = Application::read(process, peer, module, function, d)?;
        application.close(d)?;
        d.nil()?;
        Ok(application)
    }
}

/// The process elsewhere that awaits an answer, by the monitor of its request.
struct Asker {
    connection: Weak<Connection>,
    from: Pid,
    id: Reference,
}

impl Asker {
    /// Tells the value as the reason of an end, written as it is. `false`: somebody else hears of the end too, or it has no wire form;
    /// then nobody was told.
    fn tell(self, process: &Process<Never>, tag: &Term, value: &dyn kista_etf::Encode) -> bool {
        let Some(connection) = self.connection.upgrade() else {
            return false;
        };
        let alone = {
            let state = process.state.lock();
            state.links().is_empty() && state.watchers() == [self.from]
        };
        let down = Control::MonitorExit {
            from: Target::Pid(process.pid()),
            to: self.from,
            reference: self.id,
        };
        alone
            && process
                .node()
                .send_down(&connection, down, |e| {
                    e.tuple(3);
                    e.term(tag)?;
                    e.atom(Atom::from_static("return"));
                    value.encode(e)?;
                    // Told now: no second DOWN follows at the end.
                    process.state.lock().take_back_watcher(&self.id);
                    Ok(())
                })
                .is_ok()
    }
}

/// The header of a list of so many elements, which are not all small integers.
fn elements(d: &mut Decoder<'_>, count: usize) -> Result<(), Broken> {
    match d.list()? {
        ListHeader::Elements(found) if found == count => Ok(()),
        other => Err(Broken::custom(format_args!(
            "{count} arguments are announced, found {other:?}"
        ))),
    }
}

/// The reason of the end that is an answer for `erpc`.
fn answer(tag: Term, outcome: Outcome) -> ExitReason {
    let word = |word| Term::from(Atom::from_static(word));
    let result = match outcome {
        Ok(value) => match to_term(&*value) {
            Some(value) => Term::tuple([tag, word("return"), value]),
            // No such value in Erlang: a float that is not finite.
            None => return answer(tag, Err(Raise::error(atoms::BADARG))),
        },
        Err(raise) => match raise.class {
            Class::Error => {
                let stacktrace = raise.stacktrace.unwrap_or(Term::NIL);
                Term::tuple([tag, word("error"), raise.reason, stacktrace])
            }
            class => Term::tuple([tag, word(class.as_str()), raise.reason]),
        },
    };
    ExitReason::from(result)
}

fn to_term(value: &dyn kista_etf::Encode) -> Option<Term> {
    let mut e = Encoder::new();
    value.encode(&mut e).ok()?;
    let bytes = e.to_bytes();
    Decoder::new(&bytes).shared(&bytes).term().ok()
}

pub(super) fn system_limit() -> Atom {
    Atom::from_static("system_limit")
}

/// One of the processes that may run for peers.
pub(super) struct Ticket(Arc<AtomicUsize>);

impl Ticket {
    pub(super) fn take(node: &Node) -> Option<Self> {
        let remote = node.remote();
        let running = &remote.running;
        let taken = running.fetch_update(Relaxed, Relaxed, |n| (n < remote.limit).then_some(n + 1));
        taken.ok().map(|_| Self(Arc::clone(running)))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use kista_dist::frame::Payload;

    use super::*;

    /// `[Res, erlang, apply, [demo, add, [1, 300]]]`, and each way to damage one byte of it.
    #[tokio::test]
    async fn damaged_arguments_are_refused_or_other_arguments_and_never_a_panic() {
        let node = Node::builder("damaged@127.0.0.1").no_network().start();
        let node = node.await.expect("a node without network starts");
        node.expose("demo", "add", async |a: i64, b: i64| a.wrapping_add(b))
            .expect("it is free");
        let born = node.birth::<Never>("damaged", SpawnOptions::new(), None);
        let process = born.map_err(drop).expect("there is room").process;
        let read = |bytes: Vec<u8>| {
            let payload = Payload {
                bytes: bytes.into(),
                ..Payload::default()
            };
            let message = WireMessage {
                payload,
                ..WireMessage::default()
            };
            let (module, function) = (atoms::ERPC, Atom::from_static("execute_call"));
            Work::read(&process, None, module.into(), function.into(), 4, &message)
        };
        let whole = {
            let mut e = Encoder::new();
            let word = |word| Term::from(Atom::from_static(word));
            let arguments = Term::list([Term::from(1), Term::from(300)]);
            let applied = Term::list([word("demo"), word("add"), arguments]);
            let res = Term::from(node.make_ref());
            let call = Term::list([res, word("erlang"), word("apply"), applied]);
            e.term(&call).expect("it has a wire form");
            e.into_vec()
        };
        let Ok(Work::Call { application, .. }) = read(whole.clone()) else {
            panic!("it is no call")
        };
        let value = application.run().await.expect("it has a value");
        assert_eq!(to_term(&*value), Some(Term::from(301)));
        for length in 0..whole.len() {
            assert!(read(whole[..length].to_vec()).is_err(), "cut at {length}");
        }
        let mut calls = 0;
        for at in 0..whole.len() {
            for bits in [1, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= bits;
                if let Ok(Work::Call { application, .. }) = read(damaged) {
                    calls += 1;
                    drop(application.run().await);
                }
            }
        }
        assert!(calls > 0, "some are other calls");
        let mut longer = whole;
        longer.push(106);
        assert!(read(longer).is_err(), "more than the arguments");
        process.end(&ExitReason::Normal);
        node.stop().await;
    }
}

use std::sync::Arc;

use kista_etf::{Atom, AtomName, Encode, EncodeError, Encoder, Pid, Term, atoms};

use super::apply::{Application, Outcome};
use super::serve::{Ticket, system_limit};
use super::{Class, Raise};
use crate::ExitReason;
use crate::node::Node;
use crate::process::{Never, Process, SpawnOptions, launch};

/// A function that a peer wants run by a message: to `rex`, in any of its forms.
pub(crate) struct Job {
    /// The node that asks; `None`: this one.
    pub(crate) peer: Option<Atom>,
    pub(crate) module: AtomName,
    pub(crate) function: AtomName,
    pub(crate) arguments: Term,
    pub(crate) group_leader: Option<Pid>,
}

impl Job {
    /// Runs it in a process of its own, and hands the result over there; also when the process is ended before it has one.
    pub(crate) fn spawn(self, node: &Node, done: impl FnOnce(JobResult) + Send + 'static) {
        let Some(ticket) = Ticket::take(node) else {
            return done(JobResult::refused(system_limit()));
        };
        let mut options = SpawnOptions::new();
        options.group_leader = self.group_leader;
        let process = match node.birth::<Never>("kista::remote", options, None) {
            Ok(born) => born.process,
            Err(_) => return done(JobResult::refused(system_limit())),
        };
        process.set_plain();
        let mut finish = Finish {
            process: Arc::clone(&process),
            done: Some(done),
        };
        let body = move || async move {
            let _ticket = ticket;
            let outcome = self.run(&finish.process).await;
            finish.finish(JobResult(Ok(outcome)));
            ExitReason::Normal
        };
        launch(process, body);
    }

    async fn run(self, process: &Arc<Process<Never>>) -> Outcome {
        let Self {
            peer,
            module,
            function,
            arguments,
            ..
        } = self;
        let payload = process.node().payload(|e| e.term(&arguments));
        drop(arguments);
        // What was decoded before can be encoded, and decoded again.
        let application = payload.ok().and_then(|payload| {
            Application::read(process, peer, module, function, &mut payload.decoder()).ok()
        });
        match application {
            Some(application) => application.run().await,
            None => Err(Raise::error(atoms::BADARG)),
        }
    }
}

/// Sees to it that there is a result, whatever becomes of the process.
struct Finish<F: FnOnce(JobResult)> {
    process: Arc<Process<Never>>,
    done: Option<F>,
}

impl<F: FnOnce(JobResult)> Finish<F> {
    fn finish(&mut self, result: JobResult) {
        if let Some(done) = self.done.take() {
            done(result);
        }
    }
}

impl<F: FnOnce(JobResult)> Drop for Finish<F> {
    fn drop(&mut self) {
        let reason = self.process.end_reason().cloned();
        self.finish(JobResult(Err(reason.unwrap_or(ExitReason::Killed))));
    }
}

/// What came of a job, written as `rex` of OTP tells it: the value, also that of a throw, or `{badrpc, {'EXIT', Reason}}`.
pub(crate) struct JobResult(Result<Outcome, ExitReason>);

impl JobResult {
    fn refused(why: Atom) -> Self {
        Self(Err(ExitReason::from(why)))
    }
}

impl Encode for JobResult {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        let reason = match &self.0 {
            Ok(Ok(value)) => return value.encode(e),
            Ok(Err(raise)) if raise.class == Class::Throw => return e.term(&raise.reason),
            Ok(Err(raise)) => raise.clone().into_exit_reason(),
            Err(reason) => reason.clone(),
        };
        e.tuple(2);
        e.atom(atoms::BADRPC);
        e.tuple(2);
        e.atom(atoms::EXIT);
        reason.encode(e)
    }
}

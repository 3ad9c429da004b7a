//! What is looked at, and the checks that a program adds.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::{CHECK_TIME, Checked, Health, MOST_CHECKS, Probe};
use crate::EpmdInUse;
use crate::node::Node;

/// Why a check was not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// There is one of that name: [`Node::remove_check`] takes it away.
    #[error("there is a check of the name {0} already")]
    Taken(String),
    /// There are [`MOST_CHECKS`].
    #[error("a node takes {MOST_CHECKS} checks, and has as many")]
    TooMany,
}

type Outcome = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Check = Arc<dyn Fn() -> Outcome + Send + Sync>;

/// The checks that a program added, in that order.
#[derive(Default)]
pub(crate) struct Checks(Mutex<Vec<(String, Probe, Check)>>);

impl Node {
    /// Whether this node lives, and is ready for work: see [`health`](crate::health). It takes at most [`CHECK_TIME`], and about no time
    /// when all is well. May be asked by any task of any runtime of tokio that has its time enabled.
    pub async fn health(&self) -> Health {
        let mut running = JoinSet::new();
        let own = self.own_checks();
        let added = self.checks().0.lock().clone();
        let all = own.into_iter().chain(added);
        let mut checked: Vec<_> = all
            .enumerate()
            .map(|(n, (name, probe, check))| {
                running.spawn_on(
                    async move { (n, tokio::time::timeout(CHECK_TIME, check()).await) },
                    self.runtime(),
                );
                // Until it says otherwise: it may panic.
                let failure = Some("the check did not come to its end".to_owned());
                Checked {
                    name,
                    probe,
                    failure,
                }
            })
            .collect();
        // Also for a runtime in which nothing runs.
        let patience = tokio::time::sleep(CHECK_TIME * 2);
        tokio::pin!(patience);
        loop {
            let outcome = tokio::select! {
                biased;
                outcome = running.join_next() => outcome,
                () = &mut patience => None,
            };
            match outcome {
                None => break,
                Some(Err(_)) => {}
                Some(Ok((n, outcome))) => {
                    checked[n].failure = match outcome {
                        Ok(outcome) => outcome.err(),
                        Err(_) => Some(format!("it took more than {CHECK_TIME:?}")),
                    };
                }
            }
        }
        Health { checked }
    }

    /// Adds a check of the program's own. What it returns as an error is shown to whoever asks.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn add_check<F, R, E>(
        &self,
        probe: Probe,
        name: impl Into<String>,
        check: F,
    ) -> Result<(), CheckError>
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let name = name.into();
        let mut checks = self.checks().0.lock();
        if checks.iter().any(|(known, ..)| *known == name) {
            return Err(CheckError::Taken(name));
        }
        if checks.len() >= MOST_CHECKS {
            return Err(CheckError::TooMany);
        }
        let check = move || -> Outcome {
            let outcome = check();
            Box::pin(async move { outcome.await.map_err(|error| error.to_string()) })
        };
        checks.push((name, probe, Arc::new(check)));
        Ok(())
    }

    /// Takes a check away that the program added. False: there is none.
    pub fn remove_check(&self, name: &str) -> bool {
        let mut checks = self.checks().0.lock();
        let before = checks.len();
        checks.retain(|(known, ..)| known != name);
        checks.len() < before
    }

    /// The table in the module's head.
    fn own_checks(&self) -> Vec<(String, Probe, Check)> {
        let mut checks: Vec<(String, Probe, Check)> = Vec::new();
        let mut add =
            |name: &str, probe, check: Check| checks.push((name.to_owned(), probe, check));
        add(
            "runtime",
            Probe::Live,
            Arc::new(|| Box::pin(async { Ok(()) })),
        );
        // A node that stops has closed one thing after the other.
        if !self.is_stopping()
            && let Some(net) = self.network()
        {
            let node = self.clone();
            add(
                "processes",
                Probe::Live,
                Arc::new(move || {
                    let node = node.clone();
                    Box::pin(async move { node.net_kernel_answers().await })
                }),
            );
            let (accepting, listening) = net.accepting();
            let listener = match accepting >= listening {
                true => Ok(()),
                false => Err(format!(
                    "{accepting} of {listening} sockets are accepted from"
                )),
            };
            add("listener", Probe::Live, seen(listener));
            let epmd = match net.is_to_be_registered() && net.epmd() == EpmdInUse::None {
                true => Err("not registered: EPMD is gone, and tried again".to_owned()),
                false => Ok(()),
            };
            add("epmd", Probe::Live, seen(epmd));
            let ticks = match net.ticks() {
                true => Ok(()),
                false => Err("no thread ticks: silent peers will cut this node off".to_owned()),
            };
            add("ticks", Probe::Live, seen(ticks));
        }
        let node = match (self.is_stopping(), self.has_booted()) {
            (true, _) => Err("it stops".to_owned()),
            (false, false) => Err("it is starting".to_owned()),
            (false, true) => Ok(()),
        };
        add("node", Probe::Ready, seen(node));
        let missing = self.booted_and_not_running();
        let applications = match missing.is_empty() {
            true => Ok(()),
            false => Err(format!("not running: {}", missing.join(", "))),
        };
        add("applications", Probe::Ready, seen(applications));
        checks
    }

    async fn net_kernel_answers(&self) -> Result<(), String> {
        let Some(pid) = self.whereis("net_kernel") else {
            return Err("there is no net_kernel".to_owned());
        };
        match self.process_info(pid).await {
            Some(_) => Ok(()),
            None => Err("net_kernel has ended".to_owned()),
        }
    }
}

/// What was seen when it was asked for.
fn seen(outcome: Result<(), String>) -> Check {
    Arc::new(move || Box::pin(std::future::ready(outcome.clone())))
}

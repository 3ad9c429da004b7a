//! `sys`, run here: the questions among its functions.

use std::time::Duration;

use kista_etf::{Atom, Term, atoms, term};

use super::{Module, badarg, supervisor};
use crate::node::Node;
use crate::plain::ProcessCx;
use crate::process::Dest;
use crate::remote::Raise;
use crate::{CallError, ExitReason};

/// The default of `sys`.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("get_status", async |cx: ProcessCx, of: Term| {
        get(&cx, of, atoms::GET_STATUS, Some(TIMEOUT)).await
    });
    module.add(
        "get_status",
        async |cx: ProcessCx, of: Term, within: Term| {
            get(&cx, of, atoms::GET_STATUS, timeout(&within)?).await
        },
    );
    module.add("get_state", async |cx: ProcessCx, of: Term| {
        state(get(&cx, of, atoms::GET_STATE, Some(TIMEOUT)).await?)
    });
    module.add(
        "get_state",
        async |cx: ProcessCx, of: Term, within: Term| {
            state(get(&cx, of, atoms::GET_STATE, timeout(&within)?).await?)
        },
    );
}

/// `infinity` or milliseconds.
fn timeout(within: &Term) -> Result<Option<Duration>, Raise> {
    match within.as_uint() {
        Some(millis) => Ok(Some(Duration::from_millis(millis))),
        None if within.is_atom("infinity") => Ok(None),
        None => Err(badarg()),
    }
}

/// `exit({Reason, {sys, Function, [Process]}})` when there is no answer.
async fn get(
    cx: &ProcessCx,
    of: Term,
    what: Atom,
    within: Option<Duration>,
) -> Result<Term, Raise> {
    let dest = supervisor::dest(&of).ok_or_else(badarg)?;
    ask(cx.node(), dest, what, within).await.map_err(|error| {
        let reason = match error {
            CallError::Timeout => Term::from(atoms::TIMEOUT),
            CallError::NoProc => ExitReason::NoProc.to_term(),
            CallError::NoConnection => ExitReason::NoConnection.to_term(),
            CallError::Exit(reason) => reason.to_term(),
            other => Term::from(other.to_string()),
        };
        Raise::exit(ExitReason::from(term!({(reason), {sys, (what), [(of)]}})))
    })
}

/// A plain process is not asked: to it the question would be a message like any other.
pub(super) async fn ask(
    node: &Node,
    dest: Dest,
    what: Atom,
    within: Option<Duration>,
) -> Result<Term, CallError> {
    if let Some(Some(pid)) = node.local(dest)
        && let Some(process) = node.find(pid)
        && process.me().is_plain()
    {
        return Err(CallError::Timeout);
    }
    let request = crate::sys::request(&(node, dest), &what);
    match within {
        Some(within) => request.timeout(within).await,
        None => request.forever().await,
    }
}

/// Processes answer `{ok, State}`.
fn state(answer: Term) -> Result<Term, Raise> {
    match answer.as_tagged("ok") {
        Some([state]) => Ok(state.clone()),
        _ => Err(Raise::error(answer)),
    }
}

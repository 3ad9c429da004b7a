//! `io`, as far as it prints: `rpc:call(Node, io, format, ["~p~n", [x]])` prints where the caller does.
//!
//! A device is a pid, or the name of a process here; `standard_io` is the caller's group leader. `standard_error` is the node's own, `user`:
//! what is printed there is in its log.

use kista_etf::term::TextError;
use kista_etf::{Atom, Pid, Term};

use super::{Module, badarg, io_lib};
use crate::io::{IoError, USER, chardata};
use crate::plain::ProcessCx;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    for name in ["format", "fwrite"] {
        module.add(name, async |cx: ProcessCx, text: Term| {
            print(&cx, None, &io_lib::format(&text, &Term::NIL)?).await
        });
        module.add(name, async |cx: ProcessCx, text: Term, arguments: Term| {
            print(&cx, None, &io_lib::format(&text, &arguments)?).await
        });
        module.add(
            name,
            async |cx: ProcessCx, device: Term, text: Term, arguments: Term| {
                let device = device_of(&cx, &device)?;
                print(&cx, device, &io_lib::format(&text, &arguments)?).await
            },
        );
    }
    module.add("put_chars", async |cx: ProcessCx, chars: Term| {
        put_chars(&cx, None, &chars).await
    });
    module.add(
        "put_chars",
        async |cx: ProcessCx, device: Term, chars: Term| {
            let device = device_of(&cx, &device)?;
            put_chars(&cx, device, &chars).await
        },
    );
    module.add("nl", async |cx: ProcessCx| print(&cx, None, "\n").await);
    module.add("nl", async |cx: ProcessCx, device: Term| {
        let device = device_of(&cx, &device)?;
        print(&cx, device, "\n").await
    });
}

/// `None`: the caller's group leader.
fn device_of(cx: &ProcessCx, device: &Term) -> Result<Option<Pid>, Raise> {
    if let Some(pid) = device.as_pid() {
        return Ok(Some(pid));
    }
    let name = match device.as_atom_str() {
        Some("standard_io") => return Ok(None),
        Some("standard_error") => USER,
        Some(name) => name,
        None => return Err(badarg()),
    };
    cx.node().whereis(name).map(Some).ok_or_else(badarg)
}

async fn put_chars(cx: &ProcessCx, device: Option<Pid>, chars: &Term) -> Result<(), Raise> {
    let text = chardata(chars, Term::TEXT_LIMIT).map_err(|error| match error {
        TextError::TooLong { .. } => io_lib::too_long(),
        _ => badarg(),
    })?;
    print(cx, device, &text).await
}

async fn print(cx: &ProcessCx, device: Option<Pid>, text: &str) -> Result<(), Raise> {
    let io = match device {
        Some(device) => cx.io().to(device),
        None => cx.io(),
    };
    let why = match io.put_chars(text).await {
        Ok(()) => return Ok(()),
        Err(IoError::Refused(why)) => why,
        Err(_) => Term::from(Atom::from_static("terminated")),
    };
    Err(Raise::error(why))
}

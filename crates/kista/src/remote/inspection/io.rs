//! `io`, as far as it prints: `rpc:call(Node, io, format, ["~p~n", [x]])` prints where the caller does.

use kista_etf::{Atom, Term};

use super::{Module, badarg, io_lib};
use crate::io::IoError;
use crate::plain::ProcessCx;
use crate::remote::Raise;

pub(super) fn serve(module: &mut Module<'_>) {
    for name in ["format", "fwrite"] {
        module.add(name, async |cx: ProcessCx, text: Term| {
            print(&cx, &io_lib::format(&text, &Term::NIL)?).await
        });
        module.add(name, async |cx: ProcessCx, text: Term, arguments: Term| {
            print(&cx, &io_lib::format(&text, &arguments)?).await
        });
    }
    module.add("put_chars", async |cx: ProcessCx, chars: Term| {
        let text = chars.to_text(Term::TEXT_LIMIT).map_err(|_| badarg())?;
        print(&cx, &text).await
    });
    module.add("nl", async |cx: ProcessCx| print(&cx, "\n").await);
}

async fn print(cx: &ProcessCx, text: &str) -> Result<(), Raise> {
    let why = match cx.io().put_chars(text).await {
        Ok(()) => return Ok(()),
        Err(IoError::Refused(why)) => why,
        Err(_) => Term::from(Atom::from_static("terminated")),
    };
    Err(Raise::error(why))
}

//! `dbg:do_relay/3`: what a tracer elsewhere starts here before it asks what it can trace. There is nothing to trace; it is told so when
//! it asks (`{badrpc, _}`), instead of waiting for ever.
//!
//! Rules:
//! 1. It lives as long as the tracer that started it.
//! 2. `etop` of OTP 26 and 27 sets up a tracer even with `-tracing off`, and ends when it can not connect to the trace port, which it
//!    expects on this node's host at port 8415. So a tracer that wants a port gets this one, where the node itself listens: it takes
//!    [`MOST`] connections and never says anything. No other port is opened, whatever is asked for.
//!
//! Source: `dbg` of OTP's runtime_tools, `etop_tr` of observer.

use std::collections::VecDeque;

use kista_etf::{Pid, Term, term};
use tokio::net::{TcpListener, TcpStream};

use super::Module;
use crate::Info;
use crate::plain::ProcessCx;

/// `etop`'s.
const PORT: u16 = 8415;
/// Connections that are held.
const MOST: usize = 4;

pub(super) fn serve(module: &mut Module<'_>) {
    module.add("do_relay", do_relay);
}

async fn do_relay(mut cx: ProcessCx, session: Term, parent: Pid, to: Term) {
    cx.trap_exit(true);
    let port = match to.as_tagged("port") {
        Some([_start]) => listen(&cx).await,
        _ => None,
    };
    let session = term!({(session), (cx.node().make_ref())});
    let started = term!({started, (cx.pid()), (session)});
    drop(cx.send(parent, &started));
    let mut held = VecDeque::new();
    loop {
        tokio::select! {
            info = cx.receive() => {
                if matches!(info, Info::Exit { .. }) {
                    return;
                }
            }
            connection = accepted(port.as_ref()) => {
                held.truncate(MOST - 1);
                held.push_front(connection);
            }
        }
    }
}

/// `None`: somebody else has the port. `etop` will say so.
async fn listen(cx: &ProcessCx) -> Option<TcpListener> {
    let own = cx.node().listens_on().first()?.ip();
    TcpListener::bind((own, PORT)).await.ok()
}

async fn accepted(port: Option<&TcpListener>) -> TcpStream {
    loop {
        match port {
            None => std::future::pending().await,
            Some(port) => {
                if let Ok((connection, _)) = port.accept().await {
                    return connection;
                }
                // Too many open files, mostly.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

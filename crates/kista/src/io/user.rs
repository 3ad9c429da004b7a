//! The process `user`: the group leader of this node. What is printed to it are log lines.

use kista_etf::{DecodeError, Decoder, Pid, Term};

use super::request::{IoRequest, perform, too_long};
use crate::gen_server::{Address, Cx, Flow, GenServer, InitStop, Message};
use crate::log::{Escaped, LogLimit};
use crate::node::Node;
use crate::process::Me;

/// Characters of a line.
const LINE: usize = 1_000;

pub(super) struct User;

pub(super) struct Msg(IoRequest);

impl Message for Msg {
    fn decode_info(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let request = IoRequest::parse(&d.term()?);
        request
            .map(Self)
            .ok_or_else(|| DecodeError::custom("no request of the I/O protocol"))
    }
}

impl GenServer for User {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, Msg(request): Msg, cx: &mut Cx<Self>) -> Flow {
        reply(cx, &request);
        Flow::Continue
    }
}

/// Does what any other process is asked as a group leader, and answers.
pub(crate) fn answer(me: &Me, message: &Term) {
    if let Some(request) = IoRequest::parse(message) {
        reply(me, &request);
    }
}

fn reply(me: &Me, request: &IoRequest) {
    let answer = performed(me.node(), request.from, &request.request);
    me.send(request.from, &request.reply(answer));
}

/// A log line for each line that is not empty.
pub(super) fn lines(limit: &LogLimit, from: Pid, text: &str) {
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let line = Escaped::up_to(LINE, line);
        limit.line(|left_out| {
            tracing::info!(target: "kista::io", %from, left_out, "{line}");
        });
    }
}

/// What a request comes to on this node: also without that process, which a node without a network has not.
pub(super) fn performed(node: &Node, from: Pid, request: &Term) -> Term {
    let answer = perform(request, &mut |text| lines(node.printed(), from, text));
    // Erlang's `io` makes `badarg` of it, which says nothing.
    if answer == too_long() {
        node.printed().line(|left_out| {
            tracing::warn!(target: "kista::io", %from, left_out, "not printed: more than 1 MiB in one request");
        });
    }
    answer
}

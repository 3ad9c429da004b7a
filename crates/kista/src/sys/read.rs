//! What an encoded message is, for a behaviour whose own messages are `M`: decoded in the receiver's own task.

use std::sync::Arc;

use kista_dist::frame::Payload;
use kista_etf::{Atom, Decoder, Pid, StaticAtom, Term};

use super::debug::Tap;
use crate::gen_server::{Caller, Message, RemoteReply, Tag};
use crate::node::Node;
use crate::process::{Process, WireMessage};

pub(super) enum Read<M> {
    Message(M),
    Info(Term),
    System(Box<(Term, RemoteReply)>),
    Nothing,
}

/// What does not fit the type is an `Info`, a call that does not fit is refused, and a payload that is no term ends the
/// connection it came by. `tap` sees the answer to a call.
pub(super) fn read<M: Message>(
    process: &Arc<Process<M>>,
    wire: &WireMessage,
    tap: Option<Arc<Tap>>,
) -> Read<M> {
    let mut d = wire.decoder();
    let start = d.mark();
    let read = match shape(&mut d) {
        Shape::Call(from, tag) => read_call(process, wire, d, from, tag, tap),
        Shape::Cast => M::decode_cast_from(&mut d, wire.peer())
            .ok()
            .filter(|_| d.finish().is_ok())
            .map(Read::Message),
        Shape::System(from, tag, request) => {
            let caller = RemoteReply::new(
                process.node().clone(),
                process.pid(),
                from,
                tag,
                Payload::default(),
                None,
            );
            Some(Read::System(Box::new((request, caller))))
        }
        Shape::Plain => {
            d.reset(start);
            M::decode_info_from(&mut d, wire.peer())
                .ok()
                .filter(|_| d.finish().is_ok())
                .map(Read::Message)
        }
    };
    if let Some(read) = read {
        return read;
    }
    wire.term().map_or(Read::Nothing, Read::Info)
}

/// The same for a process that has no message type of its own: what is no `M` is `None`, and stays with whoever asks.
pub(crate) fn read_message<M: Message>(node: &Node, server: Pid, payload: &Payload) -> Option<M> {
    let mut d = payload.decoder();
    let start = d.mark();
    let read = match shape(&mut d) {
        Shape::Call(from, tag) => {
            let remote = RemoteReply::new(node.clone(), server, from, tag, payload.clone(), None);
            // A message that waited among others does not say by which connection it came.
            let nobody = Atom::from_static("nonode@nohost");
            let mut caller = Caller::new(remote, Some(nobody));
            M::decode_call(&mut d, &mut caller)
        }
        Shape::Cast => M::decode_cast(&mut d),
        Shape::System(..) => return None,
        Shape::Plain => {
            d.reset(start);
            M::decode_info(&mut d)
        }
    };
    read.ok().filter(|_| d.finish().is_ok())
}

/// Whether it is a request of `sys`: those alone are read while a process is suspended.
pub(super) fn is_system(wire: &WireMessage) -> bool {
    matches!(shape(&mut wire.decoder()), Shape::System(..))
}

/// Refuses a call that the process will never read: its queue is full. What is no call is left alone.
pub(crate) fn refuse_call(node: &Node, server: Pid, wire: &WireMessage) {
    if let Shape::Call(from, tag) = shape(&mut wire.decoder()) {
        let request = wire.own_payload();
        RemoteReply::new(node.clone(), server, from, tag, request, None).refuse();
    }
}

/// `None` when the payload is broken; a well-formed request of another type is refused here. `d` stands at the request.
fn read_call<M: Message>(
    process: &Arc<Process<M>>,
    wire: &WireMessage,
    mut d: Decoder<'_>,
    from: Pid,
    tag: Tag,
    tap: Option<Arc<Tap>>,
) -> Option<Read<M>> {
    let remote = RemoteReply::new(
        process.node().clone(),
        process.pid(),
        from,
        tag,
        wire.own_payload(),
        tap,
    );
    let mut caller = Caller::new(remote, wire.peer());
    let message =
        M::decode_call(&mut d, &mut caller).and_then(|message| d.finish().map(|()| message));
    match message {
        Ok(message) => Some(Read::Message(message)),
        Err(error) => {
            let mut d = wire.decoder();
            d.skip().and_then(|()| d.finish()).ok()?;
            let what = format_args!("a call from {from}, which is refused: {error}");
            process.log_not_understood_text(what);
            if let Some(remote) = caller.take() {
                remote.refuse();
            }
            Some(Read::Nothing)
        }
    }
}

enum Shape {
    Call(Pid, Tag),
    Cast,
    /// A request of OTP's `sys`.
    System(Pid, Tag, Term),
    Plain,
}

static CALL: StaticAtom = StaticAtom::new("$gen_call");
static CAST: StaticAtom = StaticAtom::new("$gen_cast");
static SYSTEM: StaticAtom = StaticAtom::new("system");

/// Which of OTP's wrappings a payload wears. Anything that does not parse as one is plain. Of a call and of a cast the decoder then
/// stands at what is wrapped.
fn shape(d: &mut Decoder<'_>) -> Shape {
    let mut look = || {
        let arity = d.tuple().ok()?;
        if !matches!(arity, 2 | 3) {
            return None;
        }
        let label = d.found_atom().ok()?;
        if arity == 2 {
            return label.is(&CAST).then_some(Shape::Cast);
        }
        if label.is(&CALL) {
            let (from, tag) = read_from(d)?;
            return Some(Shape::Call(from, tag));
        }
        if !label.is(&SYSTEM) {
            return None;
        }
        let (from, tag) = read_from(d)?;
        let request = d.term().ok()?;
        d.finish().ok()?;
        Some(Shape::System(from, tag, request))
    };
    look().unwrap_or(Shape::Plain)
}

/// `{Pid, Tag}`.
fn read_from(d: &mut Decoder<'_>) -> Option<(Pid, Tag)> {
    if d.tuple().ok()? != 2 {
        return None;
    }
    Some((d.pid().ok()?, Tag::decode(d).ok()?))
}

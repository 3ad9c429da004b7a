use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use kista_dist::frame::Payload;
use kista_etf::{
    Binary, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, ListHeader, Pid, Reference,
    StaticAtom, Term, atoms,
};
use kista_sync::lock::Mutex;
use kista_sync::slot::{ReplySlot, Settled};

use super::CallError;
use crate::ExitReason;
use crate::node::Node;
use crate::process::{ControlSignal, current};
use crate::sys::{Tap, read_back};

/// The right, and the duty, to answer one call.
///
/// It can be kept and answered later, moved to another task, or handed to another process; [`reply`](Self::reply) takes it,
/// so answering twice does not compile. What happens otherwise:
/// - dropped while the server lives, wherever that happens: the caller gets `{no_reply, Request}` as [`CallError::Exit`]; of a
///   request that was moved, not encoded, [its name](crate::Message::kind_name) as a text: `{no_reply, <<"call {add, K}">>}`;
/// - dropped because the server ends: the caller gets the reason with which it ended;
/// - answered after the caller gave up: nothing happens, and nothing is left behind.
pub struct ReplyTo<T>(Inner<T>);

enum Inner<T> {
    Local(Arc<CallSlot<T>>),
    /// Boxed together, to keep a message small.
    Remote(Box<(RemoteReply, EncodeFn<T>)>),
    Taken,
}

type EncodeFn<T> = fn(&T, &mut Encoder) -> Result<(), EncodeError>;
pub(crate) type DecodeFn<T> = fn(&mut Decoder<'_>) -> Result<T, DecodeError>;

/// Where the caller waits. `decode` is set when the request left the node: the answer then comes encoded.
pub(crate) struct CallSlot<T> {
    /// An error lies behind a pointer: an answer is moved several times, and takes as much room as its larger case.
    slot: ReplySlot<T, Box<CallError>>,
    pub(super) decode: OnceLock<DecodeFn<T>>,
    /// Whom the handle is bound to, if to a process of this node: only the end of that one silences the token.
    bound_to: Option<Pid>,
    /// Who is to answer on this node, when that is another: whom the request was sent to, or to whom that one, a pool, handed it.
    asked: Mutex<Option<Pid>>,
    /// What names the request in a refusal: its kind and one, once it was sent to somebody of this node; and the names of kinds.
    kind: AtomicU32,
    names: fn(u16) -> &'static str,
}

thread_local! {
    /// The slot of a call that was over at once, for the next one: to make and drop one takes a tenth of such a call. It is as new, and
    /// nobody else holds it.
    static SPARE: Cell<Option<Arc<dyn Any + Send + Sync>>> = const { Cell::new(None) };
}

/// No kind: those have 16 bits.
const LEFT: u32 = u32::MAX;

impl<T> CallSlot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::fresh(None, |_| ""))
    }

    fn fresh(bound_to: Option<Pid>, names: fn(u16) -> &'static str) -> Self {
        Self {
            slot: ReplySlot::new(),
            decode: OnceLock::new(),
            bound_to,
            asked: Mutex::new(None),
            kind: AtomicU32::new(0),
            names,
        }
    }

    /// One for a call: that of a call which is over, if this thread has one.
    #[inline]
    pub(super) fn bound(to: Option<Pid>, names: fn(u16) -> &'static str) -> Arc<Self>
    where
        T: Send + 'static,
    {
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        if let Some(mut slot) = spare.and_then(|spare| spare.downcast::<Self>().ok()) {
            // Of the same process, so of the same type of messages: it is as it would be made.
            if to.is_some() && slot.bound_to == to {
                return slot;
            }
            if let Some(over) = Arc::get_mut(&mut slot) {
                *over = Self::fresh(to, names);
                return slot;
            }
        }
        Arc::new(Self::fresh(to, names))
    }

    /// The answer, if it is there: then the call is over, and if nobody else holds its slot that is for another. Err: it is still to come.
    #[inline(always)]
    pub(super) fn take_over(mut self: Arc<Self>) -> Result<Result<T, CallError>, Arc<Self>>
    where
        T: Send + 'static,
    {
        let Some(alone) = Arc::get_mut(&mut self) else {
            return self.try_take().ok_or(self);
        };
        let Some(answer) = alone.slot.take_to_reuse() else {
            return Err(self);
        };
        *alone.asked.get_mut() = None;
        *alone.kind.get_mut() = 0;
        if alone.decode.get().is_some() {
            alone.decode = OnceLock::new();
        }
        // Where the thread ends it is dropped.
        let _ = SPARE.try_with(|spare| spare.set(Some(self)));
        Ok(unboxed(answer))
    }

    /// The request is about to be sent to a process of this node.
    pub(super) fn ask(&self, server: Pid, kind: u16) {
        if self.bound_to != Some(server) {
            *self.asked.lock() = Some(server);
        }
        // Whoever gets the request gets this with it.
        self.kind.store(u32::from(kind) + 1, Relaxed);
    }

    /// The request left encoded: its own token, which is dropped now, answers nobody.
    pub(super) fn left(&self) {
        self.kind.store(LEFT, Relaxed);
    }

    fn has_left(&self) -> bool {
        self.kind.load(Relaxed) == LEFT
    }

    /// Who is to answer, on this node.
    fn server(&self) -> Option<Pid> {
        self.asked.lock().or(self.bound_to)
    }

    fn name(&self) -> &'static str {
        match self.kind.load(Relaxed) {
            0 | LEFT => "",
            kind => (self.names)((kind - 1) as u16),
        }
    }

    /// Answers without a token. Nobody waits any more: the value is dropped here.
    pub(crate) fn settle(&self, answer: Result<T, CallError>) {
        match answer {
            Ok(value) => drop(self.slot.fill(value)),
            Err(error) => drop(self.slot.fail(Box::new(error))),
        }
    }

    /// The answer, if it is there.
    #[inline]
    pub(super) fn try_take(&self) -> Option<Result<T, CallError>> {
        self.slot.try_take().map(unboxed)
    }

    /// Nobody waits any more. An answer that arrived at this very moment is an answer.
    pub(super) fn abandon(&self) -> Option<Result<T, CallError>> {
        self.slot.abandon().map(unboxed)
    }

    /// Who waits for the answer, while it is yet to come.
    pub(super) fn pending(self: &Arc<Self>) -> Option<Arc<dyn PendingReply>>
    where
        T: Send + 'static,
    {
        let pending = || Arc::clone(self) as Arc<dyn PendingReply>;
        self.slot.is_pending().then(pending)
    }

    /// Whether it was answered, or failed.
    #[inline]
    pub(super) fn settled(&self) -> &Settled {
        self.slot.settled()
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        self.slot.poll(cx).map(unboxed)
    }
}

#[inline]
fn unboxed<T>(answer: Result<T, Box<CallError>>) -> Result<T, CallError> {
    answer.map_err(|error| *error)
}

/// A caller's slot whatever the type of its answer: what a server keeps to fail the calls it leaves unanswered.
pub(crate) trait PendingReply: Send + Sync {
    fn is_pending(&self) -> bool;
    /// The process ended with this reason.
    fn fail(&self, reason: &ExitReason);
    /// Another process answers from now on.
    fn hand_to(&self, _server: Pid) {}
}

impl<T: Send> PendingReply for CallSlot<T> {
    fn is_pending(&self) -> bool {
        self.slot.is_pending()
    }

    fn fail(&self, reason: &ExitReason) {
        // Refused when the call is settled already: then nobody waits for this error.
        let _ = self.slot.fail(Box::new(reason.clone().into()));
    }

    fn hand_to(&self, server: Pid) {
        *self.asked.lock() = Some(server);
    }
}

impl<T> ReplyTo<T> {
    /// Answers the call.
    ///
    /// An answer that cannot be encoded for a caller on another node refuses the call and is logged.
    pub fn reply(mut self, value: T) {
        match std::mem::replace(&mut self.0, Inner::Taken) {
            // Err: the caller gave up. The value is dropped here, in the server's own time.
            Inner::Local(slot) => drop(slot.slot.fill(value)),
            Inner::Remote(remote) => {
                let (remote, encode) = *remote;
                remote.send(|e| encode(&value, e));
            }
            Inner::Taken => {}
        }
    }

    /// Lets the answer be read when the request goes to another node; called by [`Message::encode`](crate::Message::encode).
    pub fn arm(&self)
    where
        T: for<'a> Decode<'a>,
    {
        if let Inner::Local(slot) = &self.0 {
            let _ = slot.decode.set(|d| T::decode(d));
        }
    }

    pub(super) fn local(slot: Arc<CallSlot<T>>) -> Self {
        Self(Inner::Local(slot))
    }

    pub(super) fn remote(remote: RemoteReply) -> Self
    where
        T: Encode,
    {
        Self(Inner::Remote(Box::new((remote, |value, e| {
            value.encode(e)
        }))))
    }
}

impl<T> Drop for ReplyTo<T> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.0, Inner::Taken) {
            self.is_left();
        }
    }
}

impl<T> ReplyTo<T> {
    /// Nobody has answered.
    #[cold]
    fn is_left(&mut self) {
        let server = match &self.0 {
            Inner::Local(slot) if slot.has_left() => return,
            Inner::Local(slot) => slot.server(),
            Inner::Remote(remote) => Some(remote.0.server),
            Inner::Taken => return,
        };
        // The end of the server speaks for itself: its links and monitors carry the real reason.
        if server.is_some_and(current::is_ending) {
            return;
        }
        match std::mem::replace(&mut self.0, Inner::Taken) {
            Inner::Local(slot) => {
                if slot.slot.is_pending() {
                    let request = Term::from(Binary::from(slot.name().as_bytes()));
                    slot.settle(Err(CallError::Exit(no_reply(request))));
                }
            }
            Inner::Remote(remote) => remote.0.refuse(),
            Inner::Taken => {}
        }
    }
}

impl<T> fmt::Debug for ReplyTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Inner::Local(_) => "ReplyTo(local)",
            Inner::Remote(_) => "ReplyTo(remote)",
            Inner::Taken => "ReplyTo(taken)",
        })
    }
}

fn no_reply(request: Term) -> ExitReason {
    ExitReason::from(Term::tuple([Term::from(atoms::NO_REPLY), request]))
}

static ALIAS: StaticAtom = StaticAtom::new("alias");

/// How a caller wants its answer, by the tag it sent. The tag is echoed exactly.
pub(crate) enum Tag {
    /// `[alias|Ref]`: OTP's `gen_server:call`. Answered to the alias, which dies with the call.
    Alias(Reference),
    /// `[[alias|Alias]|Monitor]`: OTP 26's `multi_call` and `send_request` with options.
    AliasMonitor {
        alias: Reference,
        monitor: Reference,
    },
    /// Anything else is answered to the pid.
    Other(Term),
}

impl Tag {
    /// The tag of a `From` tuple, in every form that OTP 24 to 29 sends.
    pub(crate) fn decode(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let start = d.mark();
        if let Some(alias) = Self::alias_alone(d) {
            return Ok(Self::Alias(alias));
        }
        d.reset(start);
        Ok(Self::from_term(d.term()?))
    }

    /// The usual one, without making a list.
    fn alias_alone(d: &mut Decoder<'_>) -> Option<Reference> {
        match d.list().ok()? {
            ListHeader::Elements(1) if d.take_atom(&ALIAS) => d.reference().ok(),
            _ => None,
        }
    }

    pub(crate) fn from_term(term: Term) -> Self {
        if let Some((head, last)) = cons_of_reference(&term) {
            if head.as_atom() == Some(atoms::ALIAS) {
                return Self::Alias(last);
            }
            if let Some((inner, alias)) = cons_of_reference(head)
                && inner.as_atom() == Some(atoms::ALIAS)
            {
                return Self::AliasMonitor {
                    alias,
                    monitor: last,
                };
            }
        }
        Self::Other(term)
    }

    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        let alias = |e: &mut Encoder, reference: &Reference| {
            e.list(1);
            e.atom(atoms::ALIAS);
            e.reference(reference);
        };
        match self {
            Self::Alias(reference) => alias(e, reference),
            Self::AliasMonitor { alias: a, monitor } => {
                e.list(1);
                alias(e, a);
                e.reference(monitor);
            }
            Self::Other(term) => e.term(term)?,
        }
        Ok(())
    }

    /// The monitor whose DOWN refuses the call.
    fn monitor(&self) -> Option<Reference> {
        match self {
            Self::Alias(reference) => Some(*reference),
            Self::AliasMonitor { monitor, .. } => Some(*monitor),
            Self::Other(term) => term.as_reference(),
        }
    }

    fn alias(&self) -> Option<Reference> {
        match self {
            Self::Alias(reference)
            | Self::AliasMonitor {
                alias: reference, ..
            } => Some(*reference),
            Self::Other(_) => None,
        }
    }
}

/// `[Head|Reference]`.
fn cons_of_reference(term: &Term) -> Option<(&Term, Reference)> {
    let Term::ImproperList(list) = term else {
        return None;
    };
    let [head] = list.elements() else { return None };
    Some((head, list.tail().as_reference()?))
}

/// The caller of a request that came encoded, from this node or another.
pub(crate) struct RemoteReply {
    node: Node,
    server: Pid,
    from: Pid,
    tag: Tag,
    /// Kept to name the request in a refusal.
    request: Payload,
    /// Who wants to see the answer: `sys`, when it was asked to.
    tap: Option<Arc<Tap>>,
}

impl RemoteReply {
    pub(crate) fn new(
        node: Node,
        server: Pid,
        from: Pid,
        tag: Tag,
        request: Payload,
        tap: Option<Arc<Tap>>,
    ) -> Self {
        Self {
            node,
            server,
            from,
            tag,
            request,
            tap,
        }
    }

    pub(super) fn from(&self) -> Pid {
        self.from
    }

    fn send(self, value: impl Fn(&mut Encoder) -> Result<(), EncodeError>) {
        let Self {
            node,
            server,
            from,
            tag,
            ..
        } = &self;
        if let Some(tap) = &self.tap {
            let mut e = Encoder::new();
            tap.see(value(&mut e).ok().and_then(|()| read_back(e)));
        }
        let sent = node.send_reply(*server, *from, tag.alias(), |e| {
            e.tuple(2);
            tag.encode(e)?;
            value(e)
        });
        if let Err(error) = sent {
            tracing::warn!(%server, %from, %error, "an answer could not be encoded; the call is refused");
            self.refuse();
        }
    }

    pub(crate) fn send_term(self, answer: &Term) {
        self.send(|e| e.term(answer));
    }

    /// Ends the call's monitor with DOWN `{no_reply, Request}`, the only refusal that OTP's wire has. A caller that
    /// holds no monitor is left to its timeout.
    pub(crate) fn refuse(&self) {
        let Self {
            node,
            server,
            tag,
            request,
            ..
        } = self;
        let Some(reference) = tag.monitor() else {
            return;
        };
        let request = request_term(request).unwrap_or(Term::NIL);
        node.signal(*server, ControlSignal::RefuseCall { reference, request });
    }
}

/// The third element of `{'$gen_call', From, Request}`.
fn request_term(payload: &Payload) -> Option<Term> {
    let mut d = payload.decoder();
    d.tuple().ok()?;
    d.skip().ok()?;
    d.skip().ok()?;
    d.term().ok()
}

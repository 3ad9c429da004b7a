use kista_etf::{DecodeError, Decoder, EncodeError, Encoder, Term};

use super::message::{Caller, Message, WireKind};
use super::reply_to::ReplyTo;

/// The message type of a server that takes any term: for gateways, routers, and stand-ins of Erlang code.
///
/// ```no_run
/// use kista::{Address, Cx, Dynamic, Flow, GenServer, InitStop};
/// struct Echo;
/// impl GenServer for Echo {
///     type Args = ();
///     type Msg = Dynamic;
///     type Client = Address<Dynamic>;
///     async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> { Ok(Echo) }
///     async fn handle(&mut self, msg: Dynamic, _cx: &mut Cx<Self>) -> Flow {
///         if let Dynamic::Call(request, reply) = msg { reply.reply(request) }
///         Flow::Continue
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Dynamic {
    /// `gen_server:call(Server, Term)`.
    Call(Term, ReplyTo<Term>),
    /// `gen_server:cast(Server, Term)`.
    Cast(Term),
    /// `Server ! Term`.
    Info(Term),
}

impl Message for Dynamic {
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        Ok(Self::Call(d.term()?, caller.reply_to()?))
    }

    fn decode_cast(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self::Cast(d.term()?))
    }

    fn decode_info(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(Self::Info(d.term()?))
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Call(..) => 0,
            Self::Cast(_) => 1,
            Self::Info(_) => 2,
        }
    }

    fn kind_name(kind: u16) -> &'static str {
        match kind {
            0 => "call",
            1 => "cast",
            _ => "info",
        }
    }

    fn encode(&self, e: &mut Encoder) -> Result<WireKind, EncodeError> {
        let (term, kind) = match self {
            Self::Call(term, reply) => {
                reply.arm();
                (term, WireKind::Call)
            }
            Self::Cast(term) => (term, WireKind::Cast),
            Self::Info(term) => (term, WireKind::Info),
        };
        e.term(term)?;
        Ok(kind)
    }
}

use kista_etf::{Atom, DecodeError, Decoder, Encode, EncodeError, Encoder, Pid};

use super::reply_to::{RemoteReply, ReplyTo};

/// A server's message type: an enum of its calls, casts and plain messages.
///
/// A local message never needs more than `impl Message for Msg {}`: it is moved. The methods are the wire form, which
/// [`#[gen_server]`](macro@crate::gen_server) and [`#[derive(Message)]`](derive@crate::Message) write. By their convention the variant
/// `Add(i64, ReplyTo<i64>)` is the call `{add, K}`, `Get(ReplyTo<i64>)` the call `get`, `Reset` the cast `reset`.
pub trait Message: Sized + Send + 'static {
    /// Reads the request of a call; the token is made by [`Caller::reply_to`] once the variant is known.
    ///
    /// # Errors
    /// When the request is not one of this type: the caller is refused, see [`ReplyTo`].
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        let _ = (d, caller);
        Err(DecodeError::custom("this server takes no remote calls"))
    }

    /// Reads the message of a cast.
    ///
    /// # Errors
    /// When it is not one of this type: it goes to `handle_info`.
    fn decode_cast(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let _ = d;
        Err(DecodeError::custom("this server takes no remote casts"))
    }

    /// Reads a plain message.
    ///
    /// # Errors
    /// When it is not one of this type: it goes to `handle_info`.
    fn decode_info(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let _ = d;
        Err(DecodeError::custom("this server takes no plain messages"))
    }

    /// Which of the messages it is: a number of its own choice, which [`kind_name`](Self::kind_name) makes a name of. It is asked of
    /// each message, before that is moved into its handler: all that a crash report, or the refusal of a call within the node, can say of it
    /// afterwards.
    fn kind(&self) -> u16 {
        0
    }

    /// The name of a kind, such as `call {add, K}`. By default the type's own name.
    fn kind_name(kind: u16) -> &'static str {
        let _ = kind;
        std::any::type_name::<Self>()
    }

    /// As [`decode_cast`](Self::decode_cast), for who has to know by which node's connection it came; `None`: from this node.
    #[doc(hidden)]
    fn decode_cast_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let _ = peer;
        Self::decode_cast(d)
    }

    /// As [`decode_info`](Self::decode_info), for who has to know by which node's connection it came; `None`: from this node.
    #[doc(hidden)]
    fn decode_info_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let _ = peer;
        Self::decode_info(d)
    }

    /// What [`encode`](Self::encode) will say that it is, when that is known before; `None` costs a cast to another node an encoding
    /// more.
    fn wire_kind(&self) -> Option<WireKind> {
        None
    }

    /// Writes the request or message for another node, and says which it is. A call variant arms its token with
    /// [`ReplyTo::arm`], so that the answer can be read.
    ///
    /// # Errors
    /// When a value has no wire form.
    fn encode(&self, e: &mut Encoder) -> Result<WireKind, EncodeError> {
        let _ = e;
        Err(EncodeError::custom(
            "this server's messages do not leave the node: #[gen_server(local)]",
        ))
    }
}

/// How a message is wrapped on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireKind {
    /// `{'$gen_call', From, Request}`.
    Call,
    /// `{'$gen_cast', Message}`.
    Cast,
    /// The message itself.
    Info,
}

/// The one who waits for the answer to a call that came encoded.
pub struct Caller(Option<RemoteReply>, Option<Atom>);

impl Caller {
    pub(crate) fn new(remote: RemoteReply, peer: Option<Atom>) -> Self {
        Self(Some(remote), peer)
    }

    /// The node by whose connection the request came; `None`: this node. Unlike the pid in the request, no peer can make it up.
    /// A plain process's [`receive_as`](crate::ProcessCx::receive_as) does not know it: `nonode@nohost`.
    pub fn peer(&self) -> Option<Atom> {
        self.1
    }

    /// The process that the request names as its caller.
    pub(crate) fn from(&self) -> Option<Pid> {
        self.0.as_ref().map(RemoteReply::from)
    }

    /// What is left when nothing was decoded.
    pub(crate) fn take(&mut self) -> Option<RemoteReply> {
        self.0.take()
    }

    /// The token for the answer. It knows how to encode `T` from here on.
    ///
    /// # Errors
    /// When it was taken before: a request has one answer.
    pub fn reply_to<T: Encode + Send + 'static>(&mut self) -> Result<ReplyTo<T>, DecodeError> {
        match self.0.take() {
            Some(remote) => Ok(ReplyTo::remote(remote)),
            None => Err(DecodeError::custom("the reply token was taken twice")),
        }
    }
}

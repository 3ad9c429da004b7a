use kista_etf::{Atom, DecodeError, Decoder};

use crate::gen_server::{Address, Caller, Cx, Flow, GenServer, InitStop, Message, ReplyTo};

/// The process behind `net_adm:ping/1`: without its `yes` a ping is `pang` and the connection is closed.
///
/// Source: `net_kernel` of OTP's kernel, `handle_call({is_auth, Node}, ...)`. Other requests are refused as any call that
/// does not fit: the old spawn requests among them, which only peers without remote spawn send.
pub(super) struct NetKernel;

pub(super) enum Msg {
    IsAuth(ReplyTo<Atom>),
}

impl Message for Msg {
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        let (request, _node): (Atom, Atom) = kista_etf::Decode::decode(d)?;
        match request.as_str() {
            "is_auth" => Ok(Self::IsAuth(caller.reply_to()?)),
            other => Err(DecodeError::unknown_variant(other, "net_kernel request")),
        }
    }
}

impl GenServer for NetKernel {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, Msg::IsAuth(reply): Msg, _cx: &mut Cx<Self>) -> Flow {
        reply.reply(Atom::from_static("yes"));
        Flow::Continue
    }
}

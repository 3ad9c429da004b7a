use kista_etf::{Atom, DecodeError, Decoder, Pid};

use crate::gen_server::{Address, Cx, Flow, GenServer, InitStop, Message};

/// The process that OTP asks for a node's RPC features when it connects. None is claimed until RPC is served.
///
/// Source: `rpc` of OTP's kernel, `handle_info({From, features_request}, ...)`.
pub(super) struct Rex;

pub(super) enum Msg {
    FeaturesRequest(Pid),
}

impl Message for Msg {
    fn decode_info(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (from, request): (Pid, Atom) = kista_etf::Decode::decode(d)?;
        match request.as_str() {
            "features_request" => Ok(Self::FeaturesRequest(from)),
            other => Err(DecodeError::unknown_variant(other, "rex message")),
        }
    }
}

impl GenServer for Rex {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, Msg::FeaturesRequest(from): Msg, cx: &mut Cx<Self>) -> Flow {
        let features: Vec<Atom> = Vec::new();
        cx.send(
            from,
            &(
                Atom::from_static("features_reply"),
                cx.node().name(),
                features,
            ),
        );
        Flow::Continue
    }
}

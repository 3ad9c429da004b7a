//! What several test programs share.

use kista::{Address, Cx, Dynamic, Flow, GenServer, InitStop};

/// Answers with what it is asked, whatever the term.
pub(crate) struct Echo;

impl GenServer for Echo {
    type Args = ();
    type Msg = Dynamic;
    type Client = Address<Dynamic>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, message: Dynamic, _cx: &mut Cx<Self>) -> Flow {
        if let Dynamic::Call(request, reply) = message {
            reply.reply(request);
        }
        Flow::Continue
    }
}

use kista::{Address, Cx, Dynamic, Flow, GenServer, InitStop, Term};

/// Sends back what it gets: a call is answered with its request, a cast or a plain message `{To, X}` sends X to To.
///
/// It takes any term, so it is written against the trait with the [`Dynamic`] message type.
pub(crate) struct Echo;

impl GenServer for Echo {
    type Args = ();
    type Msg = Dynamic;
    type Client = Address<Dynamic>;

    async fn init((): (), cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        cx.trap_exit(true);
        Ok(Echo)
    }

    async fn handle(&mut self, message: Dynamic, cx: &mut Cx<Self>) -> Flow {
        match message {
            Dynamic::Call(request, reply) => reply.reply(request),
            Dynamic::Cast(term) | Dynamic::Info(term) => pass_on(&term, cx),
            _ => {}
        }
        Flow::Continue
    }
}

fn pass_on(term: &Term, cx: &Cx<Echo>) {
    if let Some([to, x]) = term.as_tuple()
        && let Some(to) = to.as_pid()
    {
        cx.send(to, x);
    }
}

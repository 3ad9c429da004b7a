use kista::global::GlobalError;
use kista::{Address, Atom, Cx, Dynamic, Flow, GenServer, InitStop, Term};

/// Sends back what it gets: a call is answered with its request, a cast or a plain message `{To, X}` sends X to To.
///
/// It takes any term, so it is written against the trait with the [`Dynamic`] message type. The whole cluster finds it: it is in the
/// group `demo_group` of `pg`, and has the global name `demo_global`, unless another has it already.
pub(crate) struct Echo;

impl GenServer for Echo {
    type Args = ();
    type Msg = Dynamic;
    type Client = Address<Dynamic>;

    async fn init((): (), cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        cx.trap_exit(true);
        let pg = cx.node().pg().await?;
        pg.join(Atom::from_static("demo_group"), cx.pid()).await?;
        let global = cx.node().global().await?;
        let name = Atom::from_static("demo_global");
        match global.register(name, cx.pid()).await {
            // Another node's process has it, which won it when the two nodes met, perhaps: what is served is served without it.
            Err(GlobalError::Refused) => match global.whereis(name) {
                Some(holder) => {
                    tracing::warn!("{name} is {holder}'s, and stays it: echo goes without")
                }
                None => tracing::warn!("{name} was another's: echo goes without"),
            },
            registered => registered?,
        }
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

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::receive::{Any, If, Matching, Receive};
use super::typed::As;
use crate::Info;
use crate::gen_server::Message;
use crate::process::{Me, Never, Process};

/// A plain process's view of itself: everything of [`Me`], and receiving.
///
/// It belongs to the process's own task. A receive in another task, which the process started and gave its `cx`, panics: nobody
/// would wake that task.
pub struct ProcessCx {
    process: Arc<Process<Never>>,
}

impl ProcessCx {
    pub(crate) fn new(process: Arc<Process<Never>>) -> Self {
        Self { process }
    }

    /// The next message: the oldest that is there, or else the first that comes.
    pub fn receive(&mut self) -> Receive<'_, Any> {
        Receive::new(&self.process, Any)
    }

    /// The first message for which `wanted` is true, past those for which it is not: they stay, in place. A selective receive.
    ///
    /// `wanted` should look at the message and do nothing else.
    pub fn receive_if<F>(&mut self, wanted: F) -> Receive<'_, If<F>>
    where
        F: FnMut(&Info) -> bool + Send,
    {
        Receive::new(&self.process, If(wanted))
    }

    /// As [`receive_if`](Self::receive_if), for what `wanted` makes of the first message that it does not pass over with `None`.
    ///
    /// ```
    /// # use kista::{ExitReason, Info, ProcessCx};
    /// # async fn f(mut cx: ProcessCx, monitor: kista::Reference) {
    /// let why: ExitReason = cx
    ///     .receive_match(|info| match info {
    ///         Info::Down { reference, reason, .. } if *reference == monitor => Some(reason.clone()),
    ///         _ => None,
    ///     })
    ///     .await;
    /// # }
    /// ```
    pub fn receive_match<F, T>(&mut self, wanted: F) -> Receive<'_, Matching<F>>
    where
        F: FnMut(&Info) -> Option<T> + Send,
    {
        Receive::new(&self.process, Matching(wanted))
    }

    /// The first message that is an `M`, past those that are none: calls, casts and plain messages from anywhere, in the wire form
    /// that [`#[derive(Message)]`](derive@crate::Message) gives the type. A call comes with its [`ReplyTo`](crate::ReplyTo), which
    /// is used as in a server. To be met here a message has to be sent encoded: by pid or name, as from another node.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use kista::{Address, Atom, Message, Node, ReplyTo};
    ///
    /// #[derive(Message)]
    /// enum Tally { Add(i64), Sum(ReplyTo<i64>) }           // `{add, N}` and `sum` in Erlang
    ///
    /// let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
    /// let tally = node.spawn_fn(async move |mut cx| {
    ///     let mut sum = 0;
    ///     loop {
    ///         match cx.receive_as::<Tally>().await {
    ///             Tally::Add(n) => sum += n,
    ///             Tally::Sum(reply) => reply.reply(sum),
    ///         }
    ///     }
    /// })?;
    /// node.cast(tally, &(Atom::from_static("add"), 2));
    /// assert_eq!(node.call::<i64>(tally, &Atom::from_static("sum")).await?, 2);
    /// # node.stop().await; Ok(()) }
    /// ```
    pub fn receive_as<M: Message>(&mut self) -> Receive<'_, As<M>> {
        let wanted = As::new(self.node().clone(), self.pid());
        Receive::new(&self.process, wanted)
    }
}

impl Deref for ProcessCx {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.process
    }
}

impl fmt::Debug for ProcessCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessCx({})", self.pid())
    }
}

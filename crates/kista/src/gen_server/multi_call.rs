use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use kista_etf::{Atom, Decode, Encode};

use super::{CallError, RequestIds, SendError};
use crate::node::{Node, Request};
use crate::process::Dest;

/// One request to servers of the same name on several nodes: what [`Node::multi_call`] returns. It waits for as long as the
/// nodes live, as OTP does, unless [`timeout`](Self::timeout) says otherwise.
#[must_use = "nothing is sent until it is awaited"]
pub struct MultiCall<T> {
    node: Node,
    calls: Vec<(Atom, Request<T>)>,
    timeout: Option<Duration>,
}

/// What came of a [`MultiCall`].
#[derive(Clone, Debug, PartialEq)]
pub struct MultiReply<T> {
    /// The answers, each with its node, in the order in which they came.
    pub replies: Vec<(Atom, T)>,
    /// The nodes without an answer, and why.
    pub bad_nodes: Vec<(Atom, CallError)>,
}

impl<T> MultiCall<T> {
    /// Waits at most this long for all of them together.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl<T: for<'a> Decode<'a> + Send + 'static> IntoFuture for MultiCall<T> {
    type Output = MultiReply<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = MultiReply<T>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut requests = RequestIds::new();
            for (node, call) in self.calls {
                requests.add(call.send_request(), node);
            }
            let mut result = MultiReply {
                replies: Vec::new(),
                bad_nodes: Vec::new(),
            };
            let mut deadline = self.timeout.map(|timeout| self.node.deadline(timeout));
            let mut next = async || {
                std::future::poll_fn(|cx| {
                    let deadline = deadline.as_mut().map(|deadline| (&self.node, deadline));
                    requests.poll_next_until(deadline, cx)
                })
                .await
            };
            while let Some((answer, node)) = next().await {
                match answer {
                    Ok(value) => result.replies.push((node, value)),
                    Err(error) => result.bad_nodes.push((node, error)),
                }
            }
            for (_, node) in requests.into_list() {
                result.bad_nodes.push((node, CallError::Timeout));
            }
            result
        })
    }
}

impl Node {
    /// Calls the servers of this name on these nodes, all at once: `gen_server:multi_call/3,4`.
    ///
    /// ```no_run
    /// # async fn f(node: &kista::Node) {
    /// use kista::Atom;
    /// let counts = node.multi_call::<i64>(node.nodes(), "counter", &Atom::from_static("get")).await;
    /// for (node, count) in counts.replies {
    ///     println!("{node}: {count}");
    /// }
    /// # }
    /// ```
    pub fn multi_call<T: for<'a> Decode<'a>>(
        &self,
        nodes: impl IntoIterator<Item = Atom>,
        name: &'static str,
        request: &(impl Encode + ?Sized),
    ) -> MultiCall<T> {
        let call = |node: Atom| (node, self.call::<T>((name, node), request));
        MultiCall {
            node: self.clone(),
            calls: nodes.into_iter().map(call).collect(),
            timeout: None,
        }
    }

    /// Casts to the servers of this name on these nodes: `gen_server:abcast/3`. Nodes and servers that are not there are
    /// passed over.
    ///
    /// # Errors
    /// [`SendError`] of the first that was refused; the others were sent to all the same.
    pub fn abcast(
        &self,
        nodes: impl IntoIterator<Item = Atom>,
        name: &'static str,
        message: &(impl Encode + ?Sized),
    ) -> Result<(), SendError> {
        let mut result = Ok(());
        for node in nodes {
            let sent = self.cast(Dest::from((name, node)), message).result();
            result = result.and(sent);
        }
        result
    }
}

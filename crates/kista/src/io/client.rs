use kista_etf::{Pid, Term, term};
use tokio::sync::oneshot;

use super::{IoError, USER, format};
use crate::node::Node;
use crate::process::Me;
use crate::{ExitReason, Info};

/// The way to a process's group leader; made by [`Me::io`]. See the [module](super) for who that is.
///
/// What is printed by two calls arrives in their order when the first is awaited before the second.
#[derive(Clone, Copy, Debug)]
pub struct Io<'a> {
    me: &'a Me,
    /// Instead of the group leader.
    device: Option<Pid>,
}

impl Me {
    /// Prints to this process's group leader, wherever that is: `io:format/2` and its kin.
    pub fn io(&self) -> Io<'_> {
        Io {
            me: self,
            device: None,
        }
    }
}

impl Io<'_> {
    /// Prints to this process instead, as `io:format/3` and its kin: one that answers requests of the I/O protocol, on whatever node.
    ///
    /// ```no_run
    /// # async fn print(cx: kista::ProcessCx, device: kista::Pid) -> Result<(), kista::io::IoError> {
    /// cx.io().to(device).put_chars("to whom I want\n").await
    /// # }
    /// ```
    pub const fn to(mut self, device: Pid) -> Self {
        self.device = Some(device);
        self
    }

    /// Prints a text in which terms stand: see [`format`](super::format()).
    ///
    /// # Errors
    /// See [`IoError`].
    pub async fn format(&self, text: &str, arguments: &[Term]) -> Result<(), IoError> {
        let text = format::format(text, arguments)?;
        self.put_chars(&text).await
    }

    /// Prints a text as it is, and waits until the group leader has taken it: as long as that takes.
    ///
    /// # Errors
    /// See [`IoError`].
    pub async fn put_chars(&self, text: &str) -> Result<(), IoError> {
        let answer = self.request(term!({put_chars, unicode, (text)})).await?;
        match answer.as_tagged("error") {
            None => Ok(()),
            Some([why]) => Err(IoError::Refused(why.clone())),
            Some(_) => Err(IoError::Refused(answer)),
        }
    }

    /// Any request of the I/O protocol, and what it is answered.
    ///
    /// # Errors
    /// [`IoError::Terminated`], [`IoError::NodeStopped`].
    pub async fn request(&self, request: Term) -> Result<Term, IoError> {
        let node = self.me.node();
        let leader = node.group_leader_of(self.device.or_else(|| self.me.group_leader()));
        let Some(leader) = leader else {
            // A node without a network has no such process: it prints where it would.
            return Ok(super::user::performed(node, self.me.pid(), &request));
        };
        // The answer comes as a message, and this process may be a server, whose messages are others.
        let (answer, answered) = oneshot::channel();
        let ask = async move |mut cx: crate::ProcessCx| {
            let monitor = cx.monitor(leader);
            let message = term!({io_request, (cx.pid()), (monitor), (request)});
            drop(cx.send(leader, &message));
            let reply = cx.receive_match(|info| match info {
                Info::Term(term) => match term.as_tagged("io_reply")? {
                    [reply_as, reply] if reply_as.as_reference() == Some(monitor) => {
                        Some(Some(reply.clone()))
                    }
                    _ => None,
                },
                Info::Down { reference, .. } if *reference == monitor => Some(None),
                _ => None,
            });
            let _ = answer.send(reply.await);
            ExitReason::Normal
        };
        node.spawn_fn(ask).map_err(|_| IoError::NodeStopped)?;
        match answered.await {
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => Err(IoError::Terminated),
            Err(_) => Err(IoError::NodeStopped),
        }
    }
}

impl Node {
    /// Who prints for a process of this group leader. `None`: nobody does.
    fn group_leader_of(&self, leader: Option<Pid>) -> Option<Pid> {
        let user = || self.whereis(USER);
        match leader {
            // The master of an application would hand it on, and may be busy with the very code that prints.
            Some(leader) if self.application_registry().of_leader(leader).is_some() => user(),
            Some(leader) if leader.id == 0 && leader.node == self.name() => user(),
            Some(leader) => Some(leader),
            None => user(),
        }
    }
}

use kista_etf::{Atom, Pid};

use super::{Node, key_of};

/// Why a process did not get a name, or a name was not given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another process has this name; it ends with that process, or by [`Node::unregister`].
    #[error("the name is held by {0}")]
    Taken(Pid),
    /// The process has this name already, and a process has one at the most.
    #[error("the process is registered as {0} already")]
    HasName(Atom),
    /// There is no such process on this node.
    #[error("no such process on this node")]
    NoProc,
    /// Nobody has this name.
    #[error("the name is not registered")]
    NotRegistered,
    /// `undefined`, or more than 255 characters.
    #[error("this cannot be a name")]
    BadName,
}

/// Names that are given and taken while a process runs. Each rule is `erlang:register/2`'s.
impl Node {
    /// Gives a process of this node a name: `register/2`. It is free again when the process has ended, before anybody hears of
    /// that.
    ///
    /// # Errors
    /// [`RegisterError`]: the name is taken, the process has one already or is none, or the name is `undefined`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = kista::Node::builder("names@127.0.0.1").no_network().start().await?;
    /// let pid = node.spawn_fn(async |mut cx| { cx.receive().await; })?;
    /// node.register("sleeper", pid)?;
    /// assert_eq!(node.whereis("sleeper"), Some(pid));
    /// node.unregister("sleeper")?;
    /// # node.stop().await; Ok(()) }
    /// ```
    pub fn register(&self, name: impl AsRef<str>, pid: Pid) -> Result<(), RegisterError> {
        let name = Atom::new(name.as_ref()).map_err(|_| RegisterError::BadName)?;
        if name.as_str() == "undefined" {
            return Err(RegisterError::BadName);
        }
        let process = self.find(pid).filter(|process| !process.is_guest());
        let process = process.ok_or(RegisterError::NoProc)?;
        let mut state = process.me().state.lock();
        if state.nameless {
            return Err(RegisterError::NoProc);
        }
        if let Some(name) = state.name {
            return Err(RegisterError::HasName(name));
        }
        let given = self.0.names.register(name, pid);
        given.map_err(RegisterError::Taken)?;
        state.name = Some(name);
        Ok(())
    }

    /// Takes a name from whoever has it: `unregister/1`.
    ///
    /// # Errors
    /// [`RegisterError::NotRegistered`].
    pub fn unregister(&self, name: impl AsRef<str>) -> Result<(), RegisterError> {
        let name = Atom::lookup(name.as_ref()).ok_or(RegisterError::NotRegistered)?;
        let holder = self
            .0
            .names
            .find(name)
            .ok_or(RegisterError::NotRegistered)?;
        if let Some(process) = self.find(holder) {
            let mut state = process.me().state.lock();
            if state.name == Some(name) {
                state.name = None;
            }
        }
        let lives = |pid| self.is_own(pid) && self.0.processes.contains(key_of(pid));
        self.0.names.take(name, holder, lives);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_ends_takes_no_name_that_nobody_would_free() {
        let node = Node::builder("late-name@127.0.0.1").no_network();
        let node = node.start().await.unwrap();
        let pid = node
            .spawn_fn(async |_| std::future::pending::<()>().await)
            .unwrap();
        // As far as the end has come when it frees the name.
        let ending = node.find(pid).unwrap();
        assert_eq!(ending.me().state.lock().give_up_name(), None);
        assert_eq!(node.register("late", pid), Err(RegisterError::NoProc));
        assert_eq!(node.whereis("late"), None);
        node.stop().await;
    }
}

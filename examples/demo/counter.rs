use std::time::Duration;

use kista::{Atom, Cx, gen_server};

/// The counter of the README, with a way to crash.
pub(crate) struct Counter {
    n: i64,
}

#[gen_server]
impl Counter {
    #[init]
    fn new(start: i64, cx: &mut Cx<Self>) -> Self {
        // What has been asked before it is told to end is answered before it ends.
        cx.trap_exit(true);
        Counter { n: start }
    }

    /// `gen_server:call(counter, get)`
    #[call]
    fn get(&self) -> i64 {
        self.n
    }

    /// `gen_server:call(counter, {add, K})`. A sum that does not fit stays at the largest number.
    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.n = self.n.saturating_add(k);
        self.n
    }

    /// `gen_server:call(counter, {wait, Millis})`: the number after so long a time; others wait meanwhile.
    #[call]
    async fn wait(&mut self, millis: u64) -> i64 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.n
    }

    /// `gen_server:cast(counter, {add, K})`
    #[cast(name = "add")]
    fn add_later(&mut self, k: i64) {
        self.add(k);
    }

    /// `gen_server:cast(counter, reset)`
    #[cast]
    fn reset(&mut self) {
        self.n = 0;
    }

    /// `sys:get_state(counter)`
    #[format_status]
    fn shown(&self) -> (Atom, i64) {
        (Atom::from_static("counter"), self.n)
    }

    /// `gen_server:call(counter, crash)`
    #[call]
    fn crash(&mut self) -> i64 {
        panic!("asked to crash")
    }
}

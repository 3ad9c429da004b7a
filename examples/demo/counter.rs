use kista::{Atom, gen_server};

/// The counter of the README, with a way to crash.
pub(crate) struct Counter {
    n: i64,
}

#[gen_server]
impl Counter {
    #[init]
    fn new(start: i64) -> Self {
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

//! An async handler holds nothing that stays on one thread, `&self` included.
use std::cell::Cell;
use std::rc::Rc;

use kista::gen_server;

struct Shop {
    n: Cell<u8>,
}

#[gen_server]
impl Shop {
    #[init]
    fn new() -> Self {
        Shop { n: Cell::new(0) }
    }

    #[call]
    async fn peek(&self) -> u8 {
        self.n.get()
    }
}

struct Holder;

#[gen_server]
impl Holder {
    #[init]
    fn new() -> Self {
        Holder
    }

    #[call]
    async fn hold(&mut self) -> u8 {
        let held = Rc::new(1);
        std::future::ready(()).await;
        *held
    }
}

fn main() {}

//! A server begins with its state.
use kista::gen_server;

struct Shop;

#[gen_server]
impl Shop {
    #[call]
    fn get(&self) {}
}

struct Twice;

#[gen_server]
impl Twice {
    #[init]
    fn new() -> Self {
        Twice
    }

    #[init]
    fn again() -> Self {
        Twice
    }
}

fn main() {}

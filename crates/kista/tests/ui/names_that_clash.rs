//! A name means one thing: for clients, on the wire, and in the enum.
use kista::etf::Term;
use kista::gen_server;

struct Shop;

#[gen_server]
impl Shop {
    #[init]
    fn new() -> Self {
        Shop
    }

    #[call]
    fn stop(&mut self) {}

    #[call]
    fn spec(&self) {}

    #[call]
    fn get(&self) {}

    #[call(name = "get")]
    fn look(&self) {}

    // Not a clash: a call and a cast may share a name.
    #[cast(name = "get")]
    fn fetch(&self) {}

    #[cast]
    fn v1(&self) {}

    #[cast]
    fn v_1(&self) {}

    #[call(other)]
    fn one(&self, request: Term) -> Term {
        request
    }

    #[call(other)]
    fn two(&self, request: Term) -> Term {
        request
    }
}

fn main() {}

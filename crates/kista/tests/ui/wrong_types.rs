//! What the compiler finds is at the type that is wrong.
use kista::etf::Term;
use kista::gen_server;

struct Shop;

#[gen_server]
impl Shop {
    #[init]
    fn new() -> u8 {
        1
    }

    #[cast]
    fn put(&mut self) -> u8 {
        1
    }

    #[info(other)]
    fn info(&mut self, info: Term) {
        let _ = info;
    }
}

struct NotClone;

struct Other;

#[gen_server]
impl Other {
    #[init]
    fn new(start: NotClone) -> Self {
        let _ = start;
        Other
    }
}

fn main() {
    let _ = Other::spec(NotClone);
}

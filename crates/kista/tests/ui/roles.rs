//! Each method has one role, and looks like it.
use kista::etf::Term;
use kista::{ExitReason, Flow, ReplyTo, gen_server};

struct Shop;

#[gen_server(remote)]
impl Shop {
    #[init]
    fn new() -> Self {
        Shop
    }

    #[call]
    #[cast]
    fn both(&self) {}

    #[call]
    fn flow(&self) -> Flow {
        Flow::Continue
    }

    #[call]
    fn never(&self) -> ! {
        panic!()
    }

    #[cast]
    fn answers(&self, reply: ReplyTo<u8>) {
        reply.reply(1);
    }

    #[call(nmae = "x")]
    fn typo(&self) {}

    #[call(other)]
    fn part(&self, first: Term, second: Term) {
        let _ = (first, second);
    }

    #[call]
    fn reason(&self, reason: &ExitReason) {
        let _ = reason;
    }

    #[terminate]
    fn bye(&self) -> bool {
        true
    }
}

struct Local;

#[gen_server(local)]
impl Local {
    #[init]
    fn new() -> Self {
        Local
    }

    #[cast(other)]
    fn any(&self, message: Term) {
        let _ = message;
    }
}

fn main() {}

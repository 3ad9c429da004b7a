//! A call is answered once: the token is gone with the answer.
use kista::{ReplyTo, gen_server};

struct Shop {
    kept: Vec<ReplyTo<i64>>,
}

#[gen_server]
impl Shop {
    #[init]
    fn new() -> Self {
        Shop { kept: Vec::new() }
    }

    #[call]
    fn twice(&mut self, reply: ReplyTo<i64>) {
        reply.reply(1);
        reply.reply(2);
    }

    #[call]
    fn kept_too(&mut self, reply: ReplyTo<i64>) {
        reply.reply(1);
        self.kept.push(reply);
    }

    #[call]
    fn copied(&mut self, reply: ReplyTo<i64>) {
        self.kept.push(reply.clone());
        reply.reply(1);
    }
}

fn main() {}

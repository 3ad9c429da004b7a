//! The error is at the type, and names the way out.
use std::rc::Rc;

use kista::{Message, ReplyTo};

struct Item;

#[derive(Message)]
enum Msg {
    Put(Item),
    Take(ReplyTo<Item>),
    #[message(local)]
    Share(Rc<i64>),
}

fn main() {}

//! Each mistake is told at its place, with the way out.
use kista::{Message, ReplyTo, Term};

#[derive(Message)]
struct NoEnum;

#[derive(Message)]
enum Borrows<'a> {
    Text(&'a str),
}

#[derive(Message)]
enum Fields {
    Named { x: i64 },
    TokenFirst(ReplyTo<i64>, i64),
    TwoTokens(ReplyTo<i64>, ReplyTo<i64>),
    NoAnswer(ReplyTo),
    Borrowed(&'static str, Box<&i64>),
}

#[derive(Message)]
enum Attributes {
    #[message(cast)]
    Unknown,
    #[message(info)]
    Answered(ReplyTo<i64>),
    #[message(other)]
    Nothing,
    #[message(other, name = "other")]
    Both(Term),
    #[message(local, info)]
    Stays,
}

#[derive(Message)]
enum Twice {
    Add(i64),
    #[message(name = "add")]
    Plus(i64),
    #[message(other)]
    One(Term),
    #[message(other)]
    Two(Term),
}

#[derive(Message)]
#[message(local)]
enum Local {
    #[message(name = "add")]
    Add(i64),
}

#[derive(Message)]
#[message(remote)]
enum Option {
    Add(i64),
}

fn main() {}

//! Calls that arrive encoded, and what does not fit.

use super::*;

#[tokio::test]
async fn an_encoded_call_reaches_a_local_server() {
    let node = node().await;
    let echo = node.spawn(spec::<Echo>(())).name("echo").await.unwrap();
    let answer: (String, Vec<i64>) = node.call("echo", &("hello", [1, 2])).await.unwrap();
    assert_eq!(answer, ("hello".to_owned(), vec![1, 2]));
    let typed = echo
        .call(|reply| Dynamic::Call(Term::from(5), reply))
        .await
        .unwrap();
    assert_eq!(typed, Term::from(5));
    let missing: Result<Term, _> = node.call("nobody", &1).forever().await;
    assert_eq!(missing, Err(CallError::NoProc));
    node.stop().await;
}

/// A wire server, to be called with what it does not understand.
struct Adder {
    n: i64,
    others: Vec<Term>,
}

#[gen_server]
impl Adder {
    #[init]
    fn new() -> Self {
        Adder {
            n: 0,
            others: Vec::new(),
        }
    }
    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.n += k;
        self.n
    }
    #[cast]
    fn clear(&mut self) {
        self.n = 0;
    }
    #[call]
    fn others(&mut self) -> Vec<Term> {
        std::mem::take(&mut self.others)
    }
    #[info(other)]
    fn other(&mut self, info: Info) {
        if let Info::Term(term) = info {
            self.others.push(term);
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_the_type_is_refused_or_info() {
    let node = node().await;
    node.spawn(Adder::spec()).name("adder").await.unwrap();
    let add = Atom::from_static("add");
    assert_eq!(node.call::<i64>("adder", &(add, 2)).await, Ok(2));

    let request = (add, Atom::from_static("foo"));
    let Err(CallError::Exit(refused)) = node.call::<i64>("adder", &request).forever().await else {
        panic!("{{add, foo}} was answered")
    };
    assert_eq!(refused.to_string(), "{no_reply,{add,foo}}");

    node.cast("adder", &Atom::from_static("unknown"));
    node.send("adder", &Atom::from_static("plain"));
    let others: Vec<Term> = node
        .call("adder", &Atom::from_static("others"))
        .await
        .unwrap();
    let texts: Vec<String> = others.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["{'$gen_cast',unknown}", "plain"]);

    node.cast("adder", &Atom::from_static("clear"));
    assert_eq!(node.call::<i64>("adder", &(add, 1)).await, Ok(1));
    node.stop().await;
}

#[tokio::test]
async fn an_answer_without_an_encoding_refuses_the_call_and_is_logged() {
    let node = node().await;
    let (_, _) = odd(&node).await;
    let (logged, _capture) = log::Lines::capture();
    let request = Atom::from_static("not_a_number");
    let refused = node.call::<Term>("odd", &request).forever().await;
    let Err(CallError::Exit(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reason.to_string(), "{no_reply,not_a_number}");
    assert_eq!(logged.with(&["WARN", "could not be encoded"]).len(), 1);
    node.stop().await;
}

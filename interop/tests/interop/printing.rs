//! Input and output by messages, and events of loggers: between real Erlang and us, both ways.

use kista::{Atom, Peers, ProcessCx, Raise, Term, io};
use kista_interop::{Bed, Program, demo_binary};

use crate::inspection::{ERL, OURS, PATIENCE, node};

fn word(text: &'static str) -> Term {
    Term::from(Atom::from_static(text))
}

fn failed(error: io::IoError) -> Raise {
    Raise::error(Term::from(error.to_string()))
}

async fn print(cx: ProcessCx, who: Atom, text: String) -> Result<(), Raise> {
    if who.as_str() != "child" {
        return cx.io().put_chars(&text).await.map_err(failed);
    }
    let (done, printed) = tokio::sync::oneshot::channel();
    let child = async move |cx: ProcessCx| {
        let _ = done.send(cx.io().put_chars(&text).await);
    };
    cx.spawn_fn(child).expect("there is room");
    printed.await.expect("it says").map_err(failed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_format_makes_the_texts_of_this_release() {
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    // Every character of Unicode that is printable is printed as such here.
    let unicode = ["+pc", "unicode"];
    bed.erlang_with(&unicode, ERL, bed.cookie(), "printing", "format", &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_here_for_an_erlang_process_prints_where_that_one_does() {
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    node.expose("printing", "print", print).expect("it is free");
    bed.erlang(ERL, "printing", "here", &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erlang_process_whose_group_leader_is_here_is_answered_whatever_it_asks() {
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    bed.erlang(ERL, "printing", "there", &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_run_on_an_erlang_node_prints_here() {
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    let mut erl = bed.erlang(ERL, "printing", "serve", &[]);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    let text = Term::charlist("~p printed~n");
    let arguments = Term::list([word("erlang")]);
    // Its `io:format` returns when our group leader has answered.
    let printed: Atom = node
        .erpc(ERL, ("io", "format"), (text.clone(), arguments.clone()))
        .await
        .expect("it prints");
    assert_eq!(printed.as_str(), "ok");
    // From a process of an application, whose group leader is the application's master.
    let child = node.whereis("inspected_child").expect("it runs");
    let leader = node.process_info(child).await.expect("it lives");
    let leader = leader.group_leader.expect("the master");
    let (done, printed) = tokio::sync::oneshot::channel();
    let options = kista::SpawnOptions::new().group_leader(leader);
    node.spawn_opt(options, async move |cx: ProcessCx| {
        let printed = cx
            .node()
            .erpc::<Atom>(ERL, ("io", "format"), (text, arguments))
            .await;
        let own = cx.io().format("~p~n", &[word("own")]).await;
        let _ = done.send((printed, own));
    })
    .expect("there is room");
    let (printed, own) = printed.await.expect("it says");
    assert_eq!(printed.expect("it prints").as_str(), "ok");
    assert_eq!(own, Ok(()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_of_ours_prints_on_the_erlang_node_that_leads_it() {
    let bed = Bed::new();
    let node = node(&bed, Peers::any()).await;
    let mut erl = bed.erlang(ERL, "printing", "serve", &[]);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    let user: Term = node
        .erpc(ERL, ("erlang", "whereis"), (Atom::from_static("user"),))
        .await
        .expect("it has one");
    let user = user.as_pid().expect("a pid");
    let options = kista::SpawnOptions::new().group_leader(user);
    let (done, printed) = tokio::sync::oneshot::channel();
    node.spawn_opt(options, async move |cx: ProcessCx| {
        let first = cx
            .io()
            .format("~p from ~ts~n", &[word("hello"), "there".into()])
            .await;
        let second = cx.io().put_chars("and a second line\n").await;
        let wrong = cx.io().format("~p", &[]).await;
        let unknown = cx.io().request(word("nonsense")).await;
        let _ = done.send((first, second, wrong, unknown));
    })
    .expect("there is room");
    let (first, second, wrong, unknown) = printed.await.expect("it says");
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(
        wrong,
        Err(io::IoError::Format(io::FormatError::TooFewArguments))
    );
    let unknown = unknown.expect("an answer");
    assert!(unknown.as_tagged("error").is_some(), "{unknown}");
    erl.expect("hello from there", PATIENCE);
    erl.expect("and a second line", PATIENCE);
    // One that is not there any more does not keep anybody waiting.
    drop(erl);
    let options = kista::SpawnOptions::new().group_leader(user);
    let (done, printed) = tokio::sync::oneshot::channel();
    node.spawn_opt(options, async move |cx: ProcessCx| {
        let _ = done.send(cx.io().put_chars("nobody reads this").await);
    })
    .expect("there is room");
    assert_eq!(
        printed.await.expect("it says"),
        Err(io::IoError::Terminated)
    );
    node.stop().await;
}

/// The demo with all of its log.
fn logging(bed: &Bed, level: &str) -> Program {
    let mut command = bed.our_command(demo_binary(), &["--name", OURS]);
    command.env("RUST_LOG", level);
    let mut program = Program::start("demo", command);
    program.expect(&format!("ready {OURS}"), PATIENCE);
    program
}

fn lines_with(program: &Program, text: &str) -> Vec<String> {
    let printed = program.printed();
    printed
        .into_iter()
        .filter(|line| line.contains(text))
        .collect()
}

#[test]
fn what_is_printed_to_our_group_leader_is_in_the_log_and_escaped_and_not_all_of_a_flood() {
    let bed = Bed::new();
    let demo = logging(&bed, "warn,kista::io=info");
    bed.erlang(ERL, "printing", "there", &[OURS])
        .expect_ok(PATIENCE);
    for line in ["by format {a,b} π", "by put_chars", "old format", "latinä"] {
        assert_eq!(lines_with(&demo, line).len(), 1, "{line}");
    }
    let escaped = lines_with(&demo, "an escape");
    assert!(escaped.len() <= 1 && !demo.printed().concat().contains('\u{1b}'));
    let flood = lines_with(&demo, "line ").len();
    assert!(flood < 200, "{flood} lines");
}

#[test]
fn events_of_a_logger_whose_group_leader_is_here_are_logged_here_in_their_level() {
    let bed = Bed::new();
    let mut demo = logging(&bed, "warn,kista::logger=debug");
    let mut erl = bed.erlang(ERL, "printing", "events", &[OURS]);
    erl.expect("crashed", PATIENCE);
    for (level, text) in [
        ("ERROR", "an error of this"),
        ("WARN", "#{what => reported}"),
        ("INFO", "a notice"),
        ("INFO", "[{a,report}]"),
        ("DEBUG", "debugged"),
        ("ERROR", "the old way"),
        ("ERROR", "crashed_here"),
    ] {
        let found = demo.line(&format!("{level} with {text}"), PATIENCE, |line| {
            line.contains(level) && line.contains(text) && line.contains(ERL)
        });
        assert!(!found.is_empty());
    }
    erl.tell("next");
    erl.expect("said", PATIENCE);
    demo.line("the flood", PATIENCE, |line| line.contains("flood 1 "));
    assert!(!demo.printed().concat().contains('\u{1b}'));
    let flood = lines_with(&demo, "flood ").len();
    assert!((1..200).contains(&flood), "{flood} lines");
    erl.tell("next");
    erl.expect_ok(PATIENCE);
}

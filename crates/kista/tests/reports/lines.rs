//! What is logged of them.

use super::*;

/// Starts a server that crashes, and waits for its end.
async fn crashes(node: &Node) {
    let counter = node.spawn(Counter::spec(1)).await.unwrap();
    counter.stop_for(term("flooded"));
    counter.divide(1).await.unwrap_err();
}

/// How many reports were written as lines with this text, and how many more were said to be left out.
fn told(lines: &[String], text: &str) -> (u64, u64) {
    let written = lines.iter().filter(|line| line.contains(text)).count();
    let left_out = lines.iter().map(|line| match line {
        line if line.contains("reports left out") => number(line, "count"),
        line if line.contains("left_out=") => number(line, "left_out"),
        _ => 0,
    });
    (written as u64, left_out.sum())
}

fn number(line: &str, field: &str) -> u64 {
    let at = line
        .find(&format!("{field}="))
        .unwrap_or_else(|| panic!("{field} in {line}"));
    let digits = line[at + field.len() + 1..]
        .chars()
        .take_while(char::is_ascii_digit);
    digits.collect::<String>().parse().expect("a number")
}

#[tokio::test]
async fn a_line_is_one_line_and_tells_the_story() {
    let (lines, _capture) = Lines::capture();
    let node = node().await;
    let spec = Supervisor::one_for_one().child(Child::new("large", Large::spec(2)).name("large"));
    node.spawn(spec.spec()).name("top").await.unwrap();
    let before = node.whereis("large");
    node.server::<Large>("large")
        .fail(Binary::from(b"x".as_slice()));
    while node.whereis("large").is_none() || node.whereis("large") == before {
        tokio::task::yield_now().await;
    }
    let lines = lines.take();
    let [crash, supervisor] = &*lines else {
        panic!("two lines: {lines:#?}")
    };
    assert!(
        crash.contains("ERROR") && crash.contains("crash report"),
        "{crash}"
    );
    for part in [
        "process=large <",
        "behaviour=gen_server",
        "reason={panic,",
        "gone",
        "last_message=cast {fail, Why}",
        "state=",
        "ancestors=[top]",
    ] {
        assert!(crash.contains(part), "{part} in {crash}");
    }
    assert!(!crash.contains(['\u{1b}', '\u{202e}']), "{crash:?}");
    for part in [
        "supervisor report",
        "supervisor=top <",
        "child_terminated",
        "child=large",
        "restarts=1",
        "next=restarts it",
    ] {
        assert!(supervisor.contains(part), "{part} in {supervisor}");
    }
}

#[tokio::test]
async fn a_flood_of_crashes_is_a_few_lines_and_a_count_and_subscribers_miss_none() {
    let (lines, _capture) = Lines::capture();
    let node = node().await;
    let mut all = follow(&node);
    let mut few = follow(&node).bounded(10);
    for _ in 0..1_000 {
        crashes(&node).await;
    }
    // Another source has its lines all the same.
    node.spawn(Silent::spec("fails")).await.unwrap_err();
    let mut logged = Vec::new();
    let told_all = async {
        loop {
            logged.extend(lines.take());
            let (written, left_out) = told(&logged, "reason=flooded");
            // The clock goes on meanwhile: how many lines a second may have is tested beside the limit.
            if written + left_out == 1_000 {
                return left_out;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let left_out = tokio::time::timeout(Duration::from_secs(60), told_all).await;
    assert!(left_out.expect("what was left out is told") > 0);
    let lines = logged;
    assert_eq!(told(&lines, "no reason").0, 1);
    let of_whom = lines.iter().find(|line| line.contains("reports left out"));
    assert!(of_whom.is_some_and(|line| line.contains("Counter")));
    assert_eq!(reported(&mut all).len(), 1_001);
    assert_eq!(few.next().await, Some(Update::Missed(991)));
}

#[tokio::test]
async fn what_is_left_out_is_told_at_the_latest_when_the_node_stops() {
    let (lines, _capture) = Lines::capture();
    let node = node().await;
    let flood = async || {
        for _ in 0..1_000 {
            crashes(&node).await;
        }
    };
    flood().await;
    node.stop().await;
    let (written, left_out) = told(&lines.take(), "reason=flooded");
    assert!(left_out > 0);
    assert_eq!(written + left_out, 1_000);
}

#[tokio::test]
async fn much_progress_is_no_error() {
    let (lines, _capture) = Lines::capture_from(tracing::Level::DEBUG);
    let node = node().await;
    let children = (0..2_000).map(|n| Child::new(n, Counter::spec(1)));
    let tree = Supervisor::one_for_one().children(children);
    node.spawn(tree.spec()).await.unwrap();
    node.stop().await;
    let lines = lines.take();
    let (written, left_out) = told(&lines, "progress report");
    assert!(left_out > 0);
    assert_eq!(written + left_out, 2_000);
    assert!(
        lines.iter().all(|line| !line.contains("ERROR")),
        "{lines:#?}"
    );
}

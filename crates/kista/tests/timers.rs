//! Timers: never early, taken back, and gone with the process that they send to.

#[path = "support/plain.rs"]
mod plain;

use std::future::pending;
use std::time::Duration;

use kista::{Dest, ExitReason, Info, IntervalError, Node, Term};
use plain::{SOON, node, reason, run, term};
use tokio::time::{Instant, timeout};

const LONG: Duration = Duration::from_secs(3_600);

async fn no_timers(node: &Node) {
    let none = async {
        while node.timer_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, none).await.expect("a timer is left over");
}

#[tokio::test]
async fn a_timer_is_never_early_and_they_fire_in_the_order_of_their_times() {
    let node = node("early").await;
    run(&node, async |mut cx| {
        let began = Instant::now();
        let times = [30, 1, 20, 0, 10, 7, 2_000_000_000];
        for time in times {
            cx.send_after(Duration::from_millis(time), cx.pid(), &time)
                .unwrap();
        }
        for time in [0, 1, 7, 10, 20, 30] {
            assert_eq!(cx.receive().await, term(time));
            let passed = began.elapsed();
            assert!(passed >= Duration::from_millis(time as u64), "{passed:?}");
        }
        assert_eq!(cx.node().timer_count(), 1);
    })
    .await;
    no_timers(&node).await;
    node.stop().await;
}

#[tokio::test]
async fn a_cancelled_timer_says_what_was_left_and_never_fires() {
    let node = node("cancel").await;
    run(&node, async |mut cx| {
        let timer = cx.send_after(LONG, cx.pid(), &1).unwrap();
        let left = cx.read_timer(timer).unwrap();
        assert!(left <= LONG && left > LONG / 2);
        assert!(cx.cancel_timer(timer).unwrap() <= left);
        assert_eq!((cx.read_timer(timer), cx.cancel_timer(timer)), (None, None));
        // One that has fired.
        let timer = cx.send_after(Duration::ZERO, cx.pid(), &2).unwrap();
        assert_eq!(cx.receive().await, term(2));
        assert_eq!(cx.cancel_timer(timer), None);
        // Taken back shortly before: it fires or it says what was left, never both, never neither.
        for _ in 0..200 {
            let timer = cx
                .send_after(Duration::from_millis(1), cx.pid(), &3)
                .unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            let cancelled = cx.cancel_timer(timer).is_some();
            let fired = cx.receive().after(Duration::ZERO).await.is_some();
            assert_ne!(cancelled, fired);
        }
        // What is no timer.
        assert_eq!(cx.cancel_timer(cx.node().make_ref()), None);
    })
    .await;
    assert_eq!(node.timer_count(), 0);
    node.stop().await;
}

#[tokio::test]
async fn a_started_timer_names_itself_in_its_message() {
    let node = node("named").await;
    run(&node, async |mut cx| {
        let timer = cx
            .start_timer(Duration::from_millis(2), cx.pid(), "text")
            .unwrap();
        let message = Term::tuple([
            Term::from(kista::Atom::from_static("timeout")),
            Term::from(timer),
            Term::from("text"),
        ]);
        assert_eq!(cx.receive().await, Info::Term(message));
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn an_interval_goes_on_until_it_is_cancelled() {
    let node = node("interval").await;
    run(&node, async |mut cx| {
        let began = Instant::now();
        let every = Duration::from_millis(3);
        let timer = cx.send_interval(every, cx.pid(), &1).unwrap();
        for n in 1..=10 {
            assert_eq!(cx.receive().await, term(1));
            assert!(began.elapsed() >= every * n);
        }
        assert!(cx.read_timer(timer).unwrap() <= every);
        assert!(cx.cancel_timer(timer).is_some());
        while cx.receive().after(Duration::ZERO).await.is_some() {}
        assert_eq!(cx.receive().after(every * 4).await, None);
    })
    .await;
    assert_eq!(node.timer_count(), 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timers_end_with_the_process_that_they_send_to() {
    let node = node("ends").await;
    run(&node, async |cx| {
        let sleeper = cx.spawn_fn(async |_| pending::<()>().await).unwrap();
        for _ in 0..100 {
            cx.send_after(LONG, sleeper, &1).unwrap();
            cx.send_interval(LONG, sleeper, &1).unwrap();
            cx.exit_after(LONG, sleeper, reason("late"));
            cx.node().kill_after(LONG, sleeper);
        }
        // These are not of that process: one for another, two for names.
        let mine = cx.send_after(LONG, cx.pid(), &1).unwrap();
        let named = cx.send_after(LONG, "nobody", &1).unwrap();
        let away = cx
            .send_after(LONG, ("nobody", "nowhere@127.0.0.1"), &1)
            .unwrap();
        let info = cx.node().process_info(sleeper).await.unwrap();
        assert_eq!(info.timers, 400);
        cx.exit(sleeper, ExitReason::Kill);
        timeout(SOON, async {
            while cx.node().timer_count() > 3 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        for timer in [mine, named, away] {
            assert!(cx.cancel_timer(timer).is_some());
        }
        // One that is armed for a process that is gone.
        let late = cx.send_after(LONG, sleeper, &1).unwrap();
        assert_eq!(cx.read_timer(late), None);
        // And one that races with the end.
        for _ in 0..1_000 {
            let brief = cx.spawn_fn(async |_| ()).unwrap();
            cx.send_after(LONG, brief, &1).unwrap();
        }
    })
    .await;
    no_timers(&node).await;
    node.stop().await;
}

#[tokio::test]
async fn exits_after_a_time_come_from_who_armed_them() {
    let node = node("exits").await;
    run(&node, async |mut cx| {
        cx.trap_exit(true);
        cx.exit_after(Duration::from_millis(2), cx.pid(), reason("soon"));
        let exit = Info::Exit {
            from: cx.pid(),
            reason: reason("soon"),
        };
        assert_eq!(cx.receive().await, exit);
        let (victim, monitor) = cx
            .spawn_fn_monitor(async |cx| {
                cx.trap_exit(true);
                pending::<()>().await;
            })
            .unwrap();
        cx.kill_after(Duration::from_millis(2), victim);
        let down = Info::Down {
            reference: monitor,
            from: Dest::Pid(victim),
            reason: ExitReason::Killed,
        };
        assert_eq!(cx.receive().await, down);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_name_is_looked_up_when_the_timer_fires() {
    let node = node("names").await;
    node.send_after(Duration::from_millis(40), "later", &7)
        .unwrap();
    let options = kista::SpawnOptions::new().name("later");
    plain::run_with(&node, options, async |mut cx| {
        assert_eq!(cx.receive().await, term(7));
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn an_interval_without_time_is_refused() {
    let node = node("none").await;
    run(&node, async |mut cx| {
        let zero = cx.send_interval(Duration::ZERO, cx.pid(), &1);
        assert_eq!(zero, Err(IntervalError::Zero));
        let no_term = cx.send_interval(LONG, cx.pid(), &f64::NAN);
        assert!(
            matches!(no_term, Err(IntervalError::Encode(_))),
            "{no_term:?}"
        );
        assert_eq!(cx.receive().after(Duration::from_millis(5)).await, None);
    })
    .await;
    assert_eq!(node.timer_count(), 0);
    node.stop().await;
}

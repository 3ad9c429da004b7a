//! Whom the end of an application concerns, and the end of those that stand for it.

use super::*;

#[tokio::test]
async fn the_end_of_an_application_concerns_the_node_as_its_start_type_says() {
    for (start_type, ends) in [
        (StartType::Temporary, false),
        // A supervisor that gives up ends with `shutdown`, which is not `normal`.
        (StartType::Transient, true),
        (StartType::Permanent, true),
    ] {
        let (node, seen) = (node().await, Seen::default());
        let applications = node.applications();
        applications.load(app("other", &[], &seen)).await.unwrap();
        applications.load(app("one", &[], &seen)).await.unwrap();
        applications.start("other").await.unwrap();
        applications.start_as("one", start_type).await.unwrap();
        take(&seen);
        node.server::<Worker>("one_a").crash();
        let ended = "one_a:{panic,<<\"told to\">>} one_b:shutdown ?one -one";
        match ends {
            false => {
                while seen.lock().unwrap().len() < 4 || running(&node) != "other" {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                assert_eq!(take(&seen), ended);
                // It counts as started, and can be started again.
                applications.start_as("one", start_type).await.unwrap();
                assert_eq!(running(&node), "one other");
                assert!(node.stop().await.is_orderly());
            }
            true => {
                let stopped = stopped(&node).await;
                let application = atom("one");
                let reason = ExitReason::Shutdown;
                let cause = StopCause::ApplicationTerminated {
                    application,
                    start_type,
                    reason,
                };
                assert_eq!(stopped.cause, cause);
                assert_eq!(stopped.exit_code(), 1);
                let others = "?other other_b:shutdown other_a:shutdown -other";
                assert_eq!(take(&seen), format!("{ended} {others}"));
            }
        }
    }
}

#[tokio::test]
async fn a_transient_application_that_ends_normally_concerns_nobody() {
    let node = node().await;
    let applications = node.applications();
    applications
        .load(Application::new("told").callbacks(Told))
        .await
        .unwrap();
    applications
        .start_as("told", StartType::Transient)
        .await
        .unwrap();
    let master = applications.master("told").unwrap();
    let top = node.process_info(master).await.unwrap().links;
    let top = top
        .into_iter()
        .find(|pid| applications.of(*pid) == Some(atom("told")));
    node.send(top.unwrap(), &atom("normal"));
    while !running(&node).is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(node.env("told"), Some(Term::from("prepared")));
    assert_eq!(applications.master("told"), None);
    assert!(node.stop().await.is_orderly());
}

#[tokio::test]
async fn a_start_that_fails_concerns_the_node_as_its_start_type_says() {
    for (start_type, reason, ends) in [
        (StartType::Temporary, "oops", false),
        (StartType::Temporary, "normal", false),
        (StartType::Transient, "normal", false),
        (StartType::Transient, "oops", true),
        (StartType::Permanent, "normal", true),
    ] {
        let node = node().await;
        let applications = node.applications();
        let told = Application::new("told")
            .env("fails", atom(reason))
            .callbacks(Told);
        applications.load(told).await.unwrap();
        let reason = ExitReason::from(atom(reason));
        assert_eq!(
            applications.start_as("told", start_type).await,
            Err(ApplicationError::Start {
                application: atom("told"),
                reason: reason.clone()
            }),
        );
        if ends {
            let cause = StopCause::ApplicationStartFailure {
                application: atom("told"),
                start_type,
                reason,
            };
            assert_eq!(stopped(&node).await.cause, cause);
        } else {
            assert_eq!(running(&node), "");
            assert!(node.stop().await.is_orderly());
        }
    }
}

#[tokio::test]
async fn the_exit_of_a_stranger_does_not_end_an_application() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    applications.start("one").await.unwrap();
    let master = applications.master("one").unwrap();
    let (told, is_told) = tokio::sync::oneshot::channel();
    let stranger = async move |cx: kista::ProcessCx| {
        cx.exit(master, ExitReason::Shutdown);
        told.send(()).unwrap();
    };
    node.spawn_fn(stranger).unwrap();
    is_told.await.unwrap();
    // Behind it, in the same queue.
    let info = node.process_info(master).await.unwrap();
    assert!(info.trap_exit);
    assert_eq!(running(&node), "one");
    take(&seen);
    applications.stop("one").await.unwrap();
    assert_eq!(take(&seen), "?one one_b:shutdown one_a:shutdown -one");
    node.stop().await;
}

#[tokio::test]
async fn a_master_that_is_ended_while_its_application_starts_is_a_start_that_failed() {
    let node = node().await;
    let applications = node.applications();
    let untidy = Application::new("untidy")
        .env("does", atom("hang"))
        .callbacks(Untidy);
    applications.load(untidy).await.unwrap();
    let start = {
        let applications = applications.clone();
        tokio::spawn(async move { applications.start("untidy").await })
    };
    while node.env("stray").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let master = applications.master("untidy").unwrap();
    node.exit(master, ExitReason::Kill);
    let failed = timeout(SOON, start).await.unwrap().unwrap();
    let reason = ExitReason::Killed;
    let application = atom("untidy");
    assert_eq!(
        failed,
        Err(ApplicationError::Start {
            application,
            reason
        })
    );
    assert_eq!(applications.master("untidy"), None);
    node.stop().await;
}

#[tokio::test]
async fn a_master_that_is_told_to_end_stops_its_application_and_ends_for_that_reason() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    let start_type = StartType::Transient;
    applications.start_as("one", start_type).await.unwrap();
    take(&seen);
    let reason = ExitReason::from("enough");
    node.exit(applications.master("one").unwrap(), reason.clone());
    let cause = StopCause::ApplicationTerminated {
        application: atom("one"),
        start_type,
        reason,
    };
    assert_eq!(stopped(&node).await.cause, cause);
    assert_eq!(take(&seen), "?one one_b:shutdown one_a:shutdown -one");
}

#[tokio::test]
async fn a_node_does_not_outlive_its_application_controller_nor_do_the_applications() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.load(app("one", &[], &seen)).await.unwrap();
    applications.start("one").await.unwrap();
    let controller = node.whereis("application_controller").unwrap();
    node.exit(controller, ExitReason::Kill);
    let stopped = stopped(&node).await;
    assert_eq!(stopped.cause, StopCause::ApplicationController);
    assert_eq!(stopped.exit_code(), 1);
    assert!(node.processes().is_empty());
    assert!(take(&seen).contains("one_b:shutdown one_a:shutdown -one"));
}

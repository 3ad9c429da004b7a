//! In which order applications start and end, and what they need.

use super::*;

#[tokio::test]
async fn the_last_started_ends_first_and_children_in_reverse_order() {
    let seen = Seen::default();
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .application(app("store", &["log"], &seen))
        .application(app("log", &[], &seen))
        .boot(app("web", &["store", "log"], &seen), StartType::Permanent)
        .start()
        .await
        .unwrap();
    assert_eq!(take(&seen), "+log +store +web");
    assert_eq!(running(&node), "web store log");
    let stopped = timeout(SOON, node.stop()).await.unwrap();
    assert_eq!(
        take(&seen),
        "?web web_b:shutdown web_a:shutdown -web \
         ?store store_b:shutdown store_a:shutdown -store \
         ?log log_b:shutdown log_a:shutdown -log"
    );
    assert!(stopped.is_orderly(), "{stopped}");
    assert_eq!(stopped.cause, StopCause::Asked);
}

#[tokio::test]
async fn what_another_one_needs_must_have_been_started() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("web", &["store"], &seen));
    applications.add(app("store", &[], &seen));
    // Whatever the start type: nothing was started, and nothing happens to the node.
    assert_eq!(
        applications.start_as("web", StartType::Permanent).await,
        Err(ApplicationError::NotStarted(atom("store")))
    );
    assert_eq!(
        applications
            .ensure_all_started("web", StartType::Temporary)
            .await,
        Ok(vec![atom("store"), atom("web")])
    );
    assert_eq!(
        applications
            .ensure_all_started("web", StartType::Temporary)
            .await,
        Ok(vec![])
    );
    assert_eq!(
        applications.start("web").await,
        Err(ApplicationError::AlreadyStarted(atom("web")))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_circle_is_refused_before_anything_is_started() {
    let seen = Seen::default();
    let booted = Node::builder("application@127.0.0.1")
        .no_network()
        .application(app("store", &["web"], &seen))
        .boot(app("web", &["log", "store"], &seen), StartType::Permanent)
        .application(app("log", &[], &seen))
        .start()
        .await;
    let error = booted.expect_err("it can not start");
    assert_eq!(
        error.to_string(),
        "applications depend on each other in a circle: web -> store -> web"
    );
    assert!(matches!(
        error,
        NodeError::Application(ApplicationError::Cycle(_))
    ));
    assert_eq!(take(&seen), "");
}

#[tokio::test]
async fn what_was_started_for_one_that_does_not_start_is_stopped_again() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("log", &[], &seen));
    applications.add(app("store", &["log"], &seen));
    applications.add(app("web", &["store", "nobody"], &seen));
    applications.start("log").await.unwrap();
    assert_eq!(
        applications
            .ensure_all_started("web", StartType::Temporary)
            .await,
        Err(ApplicationError::Unknown(atom("nobody")))
    );
    assert_eq!(running(&node), "log");
    assert!(node.whereis("store_sup").is_none());
    // The last started first.
    applications.add(app("shop", &["web"], &seen));
    applications.add(app("web", &["store"], &seen));
    applications.add(
        Application::new("told")
            .env("fails", atom("oops"))
            .depends_on(["shop"])
            .callbacks(Told),
    );
    take(&seen);
    let failed = applications.ensure_all_started("told", StartType::Temporary);
    failed.await.unwrap_err();
    let stopped = take(&seen);
    let order: Vec<_> = stopped
        .split(' ')
        .filter(|what| what.starts_with('-'))
        .collect();
    assert_eq!(order, ["-shop", "-web", "-store"]);
    node.stop().await;
}

#[tokio::test]
async fn what_runs_already_needs_nothing_more_whatever_became_of_what_it_depends_on() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("store", &[], &seen));
    applications.add(app("web", &["store"], &seen));
    let ensure = async || {
        let started = applications.ensure_all_started("web", StartType::Temporary);
        started.await.unwrap().len()
    };
    assert_eq!(ensure().await, 2);
    node.server::<Worker>("store_a").crash();
    while running(&node) != "web" {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(ensure().await, 0);
    assert_eq!(running(&node), "web");
    node.stop().await;
}

#[tokio::test]
async fn an_application_that_is_needed_and_has_ended_is_no_application_to_start_upon() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    applications.add(app("store", &[], &seen));
    applications.add(app("web", &["store"], &seen));
    applications.start("store").await.unwrap();
    node.server::<Worker>("store_a").crash();
    while !running(&node).is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(
        applications.start("web").await,
        Err(ApplicationError::NotRunning(atom("store")))
    );
    // Not running, but started: it can be stopped.
    applications.stop("store").await.unwrap();
    assert_eq!(
        applications.stop("store").await,
        Err(ApplicationError::NotStarted(atom("store")))
    );
    node.stop().await;
}

#[tokio::test]
async fn everybody_who_asks_for_the_same_start_gets_its_answer() {
    let node = node().await;
    let seen = Seen::default();
    node.applications().add(app("one", &[], &seen));
    let starts = (0..8).map(|_| {
        let applications = node.applications();
        tokio::spawn(async move { applications.start("one").await })
    });
    let mut answers = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        answers.push(timeout(SOON, start).await.unwrap().unwrap());
    }
    let already = Err(ApplicationError::AlreadyStarted(atom("one")));
    assert!(
        answers
            .iter()
            .all(|answer| *answer == Ok(()) || *answer == already)
    );
    assert!(answers.contains(&Ok(())));
    assert_eq!(take(&seen), "+one");
    node.stop().await;
}

#[tokio::test]
async fn two_applications_of_one_name_are_refused() {
    let builder = Node::builder("twice@127.0.0.1").no_network();
    let builder = builder.application(Application::new("demo").env("n", 1));
    let started = builder.boot(Application::new("demo"), StartType::Temporary);
    let error = started.start().await.map(drop).unwrap_err();
    let twice = ApplicationError::Twice(Atom::from_static("demo"));
    assert!(matches!(error, NodeError::Application(said) if said == twice));
}

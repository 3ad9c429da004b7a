//! Times that are up.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_application_ends_when_its_time_is_up() {
    let (node, seen) = (node().await, Seen::default());
    let applications = node.applications();
    let short = app("short", &[], &seen).max_time(Duration::from_secs(3600));
    applications.load(short).await.unwrap();
    applications
        .start_as("short", StartType::Transient)
        .await
        .unwrap();
    take(&seen);
    while !running(&node).is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        take(&seen),
        "?short short_b:shutdown short_a:shutdown -short"
    );
    // Its reason is `normal`.
    assert!(node.stop().await.is_orderly());
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_killed_at_the_limit_and_named_and_the_code_tells() {
    let seen = Seen::default();
    let hanging = {
        let seen = Arc::clone(&seen);
        Application::new("hanging").start("hanging_sup", move |_| {
            let worker = Worker::spec("worker".to_owned(), Arc::clone(&seen));
            let worker = Child::new("worker", worker).name("worker");
            Supervisor::one_for_one().child(worker.shutdown(kista::supervisor::Shutdown::Infinity))
        })
    };
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .stop_timeout(Duration::from_secs(10))
        .boot(app("first", &[], &seen), StartType::Permanent)
        .boot(hanging, StartType::Permanent)
        .start()
        .await
        .unwrap();
    take(&seen);
    node.server::<Worker>("worker").hang();
    let began = tokio::time::Instant::now();
    let stopped = node.stop().await;
    assert!(began.elapsed() >= Duration::from_secs(10));
    assert_eq!(stopped.exit_code(), 1);
    let worker = stopped.unfinished.iter();
    let worker = worker.filter(|process| process.name == Some(atom("worker")));
    let [worker] = &*worker.collect::<Vec<_>>() else {
        panic!("the worker is not named once: {stopped}")
    };
    assert_eq!(worker.application, Some(atom("hanging")));
    assert!(!worker.blocked);
    assert!(
        stopped
            .to_string()
            .contains("of hanging) did not end in time and was killed")
    );
    assert!(node.processes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_its_supervisor_has_to_kill_is_named_and_the_code_tells() {
    let seen = Seen::default();
    let slow = {
        let seen = Arc::clone(&seen);
        Application::new("slow").start("slow_sup", move |_| {
            let worker = |name: &str| {
                let spec = Worker::spec(name.to_owned(), Arc::clone(&seen));
                Child::new(name, spec).name(name)
            };
            Supervisor::one_for_one()
                .child(worker("hangs").shutdown(Duration::from_secs(2)))
                .child(worker("is_killed").shutdown(kista::supervisor::Shutdown::BrutalKill))
        })
    };
    let node = Node::builder("application@127.0.0.1")
        .no_network()
        .boot(slow, StartType::Permanent)
        .start()
        .await
        .unwrap();
    node.server::<Worker>("hangs").hang();
    let stopped = node.stop().await;
    let [hangs] = &*stopped.unfinished else {
        panic!("one has to be named, not who is to be killed at once: {stopped}")
    };
    assert_eq!(
        (hangs.name, hangs.application),
        (Some(atom("hangs")), Some(atom("slow")))
    );
    assert_eq!(stopped.exit_code(), 1);
}

#[tokio::test]
async fn a_stop_during_a_start_gives_the_start_up() {
    let node = node().await;
    let applications = node.applications();
    struct Slow;
    impl Callbacks for Slow {
        type State = ();
        async fn start(&self, cx: &ApplicationCx) -> Result<(Pid, ()), ExitReason> {
            cx.node().put_env("starting", true);
            std::future::pending().await
        }
    }
    let slow = Application::new("slow").callbacks(Slow);
    applications.load(slow).await.unwrap();
    let start = {
        let applications = applications.clone();
        tokio::spawn(async move { applications.start_as("slow", StartType::Permanent).await })
    };
    while node.env("starting").is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stopped = timeout(SOON, node.stop()).await.unwrap();
    assert!(stopped.is_orderly(), "{stopped}");
    assert_eq!(
        timeout(SOON, start).await.unwrap().unwrap(),
        Err(ApplicationError::NodeStopping)
    );
    assert_eq!(
        applications.start("slow").await,
        Err(ApplicationError::NodeStopping)
    );
}

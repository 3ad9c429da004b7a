//! What can be a child, and how it is specified.

use super::*;

#[tokio::test]
async fn a_child_is_found_as_what_it_is_and_as_nothing_else() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .child(child("a", &log))
        .child(Child::new(7, Idle::spec()));
    let supervisor = start(&node, spec).await;
    assert_eq!(
        supervisor
            .child::<Worker>("a")
            .await
            .unwrap()
            .who()
            .await
            .unwrap(),
        "a"
    );
    supervisor
        .child::<Idle>(7)
        .await
        .unwrap()
        .sync()
        .await
        .unwrap();
    let wrong = supervisor.child::<Idle>("a").await.unwrap_err();
    assert!(
        matches!(wrong, SupervisorError::OtherServer(is) if is.ends_with("Worker")),
        "{wrong}"
    );
    assert_eq!(
        supervisor.child::<Idle>("b").await.unwrap_err(),
        SupervisorError::NotFound
    );
    supervisor.terminate_child(7).await.unwrap();
    assert_eq!(
        supervisor.child::<Idle>(7).await.unwrap_err(),
        SupervisorError::NotFound
    );
}

#[tokio::test]
async fn any_process_can_be_a_child_and_a_start_that_panics_is_one_that_failed() {
    let node = node().await;
    let custom = Child::start("custom", async |starter| {
        let idle = starter.spawn(Idle::spec()).await?;
        match idle.dest() {
            Dest::Pid(pid) => Ok(pid),
            other => panic!("{other}"),
        }
    });
    let supervisor = start(&node, Supervisor::one_for_one().child(custom.name("idle"))).await;
    let before = node.whereis("idle");
    node.exit(before.unwrap(), ExitReason::Kill);
    restarted(&supervisor, "custom", before).await;
    let panics = Child::start("panics", async |_| panic!("no way"));
    let error = supervisor.start_child(panics).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the child did not start: {panic,<<\"no way\">>}"
    );
    assert_eq!(supervisor.count_children().await.unwrap().specs, 1);
}

#[tokio::test]
async fn a_child_that_its_start_did_not_link_is_linked_all_the_same() {
    let (node, log) = (node().await, Log::default());
    let of = how("a", &log);
    let child = Child::start("a", move |starter| {
        let (node, of) = (starter.node().clone(), of.clone());
        async move {
            match node.spawn(Worker::spec(of)).await?.dest() {
                Dest::Pid(pid) => Ok(pid),
                _ => Err(StartError::Ignored),
            }
        }
    });
    let tree = start(&node, Supervisor::one_for_one().child(child)).await;
    let before = pid(&tree, "a").await;
    node.server::<Worker>(before.unwrap()).crash();
    restarted(&tree, "a", before).await;
    tree.stop().await.unwrap();
    assert!(node.processes().is_empty());
}

#[tokio::test]
async fn a_plain_process_is_a_child_as_any_other() {
    let node = node().await;
    let plain = Child::start("plain", async |starter| {
        starter.spawn_fn(async move |mut cx| {
            cx.receive().await;
            ExitReason::from("asked to")
        })
    });
    let spec = Supervisor::one_for_one().child(plain.name("plain"));
    let supervisor = start(&node, spec).await;
    let before = node.whereis("plain");
    node.send(before.unwrap(), &1);
    let now = restarted(&supervisor, "plain", before).await;
    assert_eq!(node.whereis("plain"), Some(now));
    supervisor.stop().await.unwrap();
    assert!(node.processes().is_empty());
}

#[tokio::test]
async fn specifications_that_can_not_be_are_refused_with_the_reason() {
    let (node, log) = (node().await, Log::default());
    let refused = |spec: SupervisorSpec| {
        let node = node.clone();
        async move {
            let checked = spec.check().unwrap_err();
            assert!(node.spawn(spec.spec()).await.is_err());
            checked
        }
    };
    let twice = Supervisor::one_for_one().children([child("a", &log), child("a", &log)]);
    assert_eq!(refused(twice).await, SpecError::DuplicateId("a".into()));
    let permanent = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AllSignificant);
    let permanent = permanent.child(child("a", &log).significant());
    assert_eq!(
        refused(permanent).await,
        SpecError::SignificantPermanent("a".into())
    );
    let never = Supervisor::one_for_one().child(child("a", &log).transient().significant());
    assert_eq!(
        refused(never).await,
        SpecError::SignificantNever("a".into())
    );
    for period in [Duration::ZERO, Duration::from_millis(1_500)] {
        let spec = Supervisor::one_for_one().intensity(1, period);
        assert_eq!(refused(spec).await, SpecError::Period(period));
    }
    let two = Supervisor::simple_one_for_one(child("a", &log)).child(child("b", &log));
    assert_eq!(refused(two).await, SpecError::NotOneChild(2));
    let named = Supervisor::simple_one_for_one(child("a", &log).name("x"));
    assert_eq!(
        refused(named).await,
        SpecError::SharedName("a".into(), "x".into())
    );
    let ending = Supervisor::simple_one_for_one(child("a", &log))
        .auto_shutdown(AutoShutdown::AnySignificant);
    assert_eq!(refused(ending).await, SpecError::SimpleShutdown);
    let dynamic = Supervisor::one_for_one().child(Child::dynamic("a", Worker::spec));
    assert_eq!(refused(dynamic).await, SpecError::Dynamic("a".into()));
    assert_eq!(take(&log), [""; 0], "nothing was started");

    let supervisor = start(&node, Supervisor::one_for_one()).await;
    let refused = supervisor
        .start_child(child("a", &log).transient().significant())
        .await;
    assert_eq!(refused, Err(SpecError::SignificantNever("a".into()).into()));
    let refused = supervisor
        .start_child(Child::dynamic("a", Worker::spec))
        .await;
    assert_eq!(refused, Err(SpecError::Dynamic("a".into()).into()));
}

#[tokio::test]
async fn a_name_that_somebody_else_holds_is_a_start_that_failed() {
    let (node, log) = (node().await, Log::default());
    let holder = node.spawn(Idle::spec()).name("held").await.unwrap();
    let tree = start(&node, Supervisor::one_for_one()).await;
    let Dest::Pid(holder) = holder.dest() else {
        panic!()
    };
    assert_eq!(
        tree.start_child(child("a", &log).name("held")).await,
        Err(SupervisorError::AlreadyStarted(holder))
    );
    assert_eq!(tree.which_children().await.unwrap(), []);
}

#[tokio::test]
async fn a_process_given_for_two_children_is_refused_and_the_supervisor_goes_on() {
    let node = node().await;
    let shared = node.spawn_fn(async |mut cx| {
        loop {
            cx.receive().await;
        }
    });
    let shared = shared.unwrap();
    let child = |id: &'static str| Child::start(id, move |_| async move { Ok(shared) });
    let supervisor = start(&node, Supervisor::one_for_one()).await;
    supervisor.start_child(child("a")).await.unwrap();
    let refused = supervisor.start_child(child("b")).await;
    assert_eq!(refused, Err(SupervisorError::AlreadyStarted(shared)));
    assert_eq!(supervisor.which_children().await.unwrap().len(), 1);
    supervisor.terminate_child("a").await.unwrap();
    until(async || !node.is_alive(shared)).await;
    node.stop().await;
}

/// A supervisor's specification is taken as it stands, and its id may be made at run time.
#[tokio::test]
async fn a_supervisor_is_started_from_what_it_was_begun_with() {
    let node = node().await;
    let inner = Child::new(String::from("in"), Supervisor::one_for_one());
    let outer = node.spawn(Supervisor::one_for_one().child(inner));
    let outer = outer.name("out").await.unwrap();
    let children = outer.which_children().await.unwrap();
    assert_eq!(children[0].id, ChildId::from("in"));
    assert_eq!(children[0].child_type, Atom::from_static("supervisor"));
    let name = Dest::try_from(format!("{}t", "ou")).unwrap();
    let by_name = node.server::<Supervisor>(name);
    assert_eq!(by_name.which_children().await.unwrap().len(), 1);
    assert!(Dest::try_from("x".repeat(256)).is_err());
    node.stop().await;
}

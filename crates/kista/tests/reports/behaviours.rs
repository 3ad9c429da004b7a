//! Reports of the other behaviours, and of supervisors.

use super::*;

#[tokio::test]
async fn a_plain_process_that_panics_or_ends_badly_reports() {
    let node = node().await;
    let mut reports = follow(&node);
    let options = SpawnOptions::new().name("plain");
    node.spawn_opt(options, async |_cx| -> ExitReason { panic!("plainly") })
        .unwrap();
    let report = crash(&mut reports).await;
    assert_eq!(report.behaviour.as_str(), "process");
    assert_eq!(report.reason.to_string(), r#"{panic,<<"plainly">>}"#);
    assert_eq!(report.name, Some(Atom::from_static("plain")));
    assert_eq!(
        (report.state, report.last_message),
        (Shown::Nothing, Shown::Nothing)
    );

    node.spawn_fn(async |_cx| ExitReason::from("returned"))
        .unwrap();
    let report = crash(&mut reports).await;
    assert_eq!(report.reason, ExitReason::from("returned"));
    node.spawn_fn(async |_cx| ExitReason::Normal).unwrap();
    node.stop().await;
    assert_eq!(reported(&mut reports), []);
}

struct Door;

enum Knock {
    Hard,
}

impl Message for Knock {
    fn kind_name(_kind: u16) -> &'static str {
        "a hard knock"
    }
}

impl GenStatem for Door {
    type Args = ();
    type State = &'static str;
    type Msg = Knock;
    type Timer = ();
    type Content = ();
    type Client = Address<Knock>;

    async fn init((): (), _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
        Ok(Init::new(Door, "closed"))
    }

    async fn handle(
        &mut self,
        _state: &&'static str,
        event: Event<Self>,
        _cx: &mut StatemCx<Self>,
    ) -> Transition<Self> {
        match event {
            Event::Message(Knock::Hard) => panic!("it breaks"),
            _ => Transition::keep_state(),
        }
    }

    fn format_status(&self, state: &&'static str) -> Term {
        Term::tuple([Term::from(Atom::from_static(state)), Term::from(0)])
    }
}

#[tokio::test]
async fn a_state_machine_reports_as_one() {
    let node = node().await;
    let mut reports = follow(&node);
    let door = node.spawn(statem::<Door>(())).name("door").await.unwrap();
    drop(door.cast(Knock::Hard));
    let report = crash(&mut reports).await;
    assert_eq!(report.behaviour.as_str(), "gen_statem");
    assert_eq!(report.last_message, Shown::Named("a hard knock"));
    assert_eq!(report.state, Shown::Whole(term("{closed, 0}")));
}

struct Fragile;

impl EventHandler<Term> for Fragile {
    async fn handle_event(&mut self, event: &Term, _me: &Me) -> Handled<Term> {
        match event.as_int() {
            Some(0) => panic!("zero"),
            Some(1) => Handled::Fail("one".into()),
            _ => Handled::Keep,
        }
    }

    async fn handle_call(&mut self, _request: Term, _me: &Me) -> (Term, Handled<Term>) {
        (Term::from(0), Handled::Fail("asked".into()))
    }

    fn format_status(&self) -> Term {
        Term::from(Atom::from_static("fragile"))
    }
}

#[tokio::test]
async fn a_handler_that_fails_reports_and_its_manager_lives_on() {
    let node = node().await;
    let mut reports = follow(&node);
    let spec = gen_event::manager::<Term>();
    let manager = node.spawn(spec).name("alarms").await.unwrap();
    for n in 0..2 {
        manager.add_handler("fragile", Fragile).await.unwrap();
        manager.sync_notify(Term::from(n)).await.unwrap();
        let [Report::Crash(crash)] = &*reported(&mut reports) else {
            panic!("one handler failed")
        };
        assert_eq!(crash.during, During::Handler("fragile".into()));
        assert_eq!(crash.behaviour.as_str(), "gen_event");
        assert_eq!(crash.name, Some(Atom::from_static("alarms")));
        assert_eq!(crash.last_message, Shown::Whole(Term::from(n)));
        assert_eq!(crash.state, Shown::Whole(term("fragile")));
    }
    manager.add_handler("fragile", Fragile).await.unwrap();
    manager
        .call_handler::<Term>("fragile", &Term::from(0))
        .await
        .unwrap_err();
    assert_eq!(crash(&mut reports).await.last_message, Shown::Named("call"));
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test]
async fn a_pool_reports_of_its_workers_as_a_supervisor_does() {
    let node = node().await;
    let mut reports = follow(&node);
    let spec = pool::of(Counter::spec(1), 1).intensity(1, Duration::from_secs(60));
    let pool = node.spawn(spec.spec()).name("pool").await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        pool.divide(0).await.unwrap_err();
        let crash = crash(&mut reports).await;
        assert_eq!(crash.ancestors, ["pool".into()]);
        assert_eq!(crash.last_message, Shown::Named("call {divide, By}"));
        let Report::Supervisor {
            context,
            child,
            restarts,
            next: then,
            name,
            ..
        } = next(&mut reports).await
        else {
            panic!("the pool reports")
        };
        assert_eq!(name, Some(Atom::from_static("pool")));
        assert_eq!(
            (child.pid, context),
            (Some(crash.pid), Context::ChildTerminated)
        );
        assert_eq!(child.id, 0.into());
        seen.push((restarts, child.restarts, then));
    }
    assert_eq!(seen, [(1, 0, Next::Restarts), (2, 1, Next::Ends)]);
    let last = next(&mut reports).await;
    assert!(
        matches!(
            last,
            Report::Supervisor {
                context: Context::Shutdown,
                ..
            }
        ),
        "{last}"
    );
}

#[tokio::test]
async fn each_report_of_a_supervisor_says_what_it_does_next() {
    let node = node().await;
    let mut reports = follow(&node);
    let wait = Duration::from_secs(3600);
    let spec = Supervisor::one_for_one()
        .backoff(Backoff::new(wait, wait))
        .child(Child::new("waits", Counter::spec(1)).name("waits"));
    node.spawn(spec.spec()).await.unwrap();
    node.server::<Counter>("waits").divide(0).await.unwrap_err();
    let spec = Supervisor::one_for_one()
        .child(Child::new("a", Counter::spec(1)))
        .child(Child::new("b", Silent::spec("fails")));
    node.spawn(spec.spec()).await.unwrap_err();
    let spec = Supervisor::one_for_one().child(Child::new("c", Silent::spec("")).name("c"));
    let tree = node.spawn(spec.spec()).await.unwrap();
    let slow = node.whereis("c").unwrap();
    node.exit(slow, ExitReason::from("its own"));
    tree.stop().await.unwrap();
    let mut seen = Vec::new();
    for report in reported(&mut reports) {
        if let Report::Supervisor {
            context,
            child,
            next,
            ..
        } = report
        {
            seen.push((child.id.to_string(), context, next));
        }
    }
    assert_eq!(
        seen[0],
        (
            "waits".into(),
            Context::ChildTerminated,
            Next::RestartsAfter(wait)
        )
    );
    assert_eq!(seen[1], ("b".into(), Context::StartError, Next::Ends));
}

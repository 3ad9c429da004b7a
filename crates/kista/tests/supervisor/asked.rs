//! What a supervisor is asked, from here and by encoded requests as from Erlang, and what it reports.

use super::*;

#[tokio::test]
async fn one_child_is_asked_for_by_its_id_or_by_its_pid() {
    let (node, log) = (node().await, Log::default());
    let tree = start(&node, Supervisor::one_for_one().child(child("a", &log))).await;
    let all = tree.which_children().await.unwrap();
    assert_eq!(tree.which_child("a").await.as_ref(), Ok(&all[0]));
    tree.terminate_child("a").await.unwrap();
    assert_eq!(
        tree.which_child("a").await.unwrap().process,
        ChildProcess::Down
    );
    assert_eq!(tree.which_child("b").await, Err(SupervisorError::NotFound));
    let a = all[0].process.pid().unwrap();
    assert_eq!(
        tree.which_child(Term::from(a)).await,
        Err(SupervisorError::NotFound)
    );

    let child = Child::dynamic("worker", Worker::spec).temporary();
    let tree = start(&node, Supervisor::simple_one_for_one(child)).await;
    let pid = tree.start_with(how("b", &log)).await.unwrap().unwrap();
    let found = tree.which_child(Term::from(pid)).await.unwrap();
    let spec = tree.childspec(Term::from(pid)).await;
    assert_eq!(spec, tree.childspec("worker").await);
    assert_eq!(
        tree.childspec(Term::from(a)).await,
        Err(SupervisorError::NotFound)
    );
    assert_eq!(
        (found.id, found.process),
        ("undefined".into(), ChildProcess::Running(pid))
    );
    assert_eq!(
        tree.which_child("worker").await,
        Err(SupervisorError::SimpleOneForOne)
    );
    tree.terminate_pid(pid).await.unwrap();
    assert_eq!(
        tree.which_child(Term::from(pid)).await,
        Err(SupervisorError::NotFound)
    );
}

#[tokio::test]
async fn children_that_are_restarting_are_counted_and_not_active() {
    let (node, log) = (node().await, Log::default());
    let wait = Duration::from_secs(3600);
    let child = Child::dynamic("worker", Worker::spec);
    let spec = Supervisor::simple_one_for_one(child).backoff(Backoff::new(wait, wait));
    let tree = start(&node, spec.intensity(10, wait)).await;
    let a = tree.start_with(how("a", &log)).await.unwrap().unwrap();
    tree.start_with(how("b", &log)).await.unwrap();
    node.server::<Worker>(a).crash();
    until(async || tree.count_children().await.unwrap().active == 1).await;
    let counts = tree.count_children().await.unwrap();
    assert_eq!(
        (counts.specs, counts.workers, counts.supervisors),
        (1, 2, 0)
    );
    tree.terminate_pid(a).await.unwrap();
    assert_eq!(tree.count_children().await.unwrap().workers, 1);
}

#[tokio::test]
async fn reports_say_who_and_why_and_what_came_of_it() {
    let (node, log) = (node().await, Log::default());
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    let spec = Supervisor::one_for_one().child(child("a", &log));
    let supervisor = node.spawn(spec.spec()).name("top").await.unwrap();
    let Some(Update::Event(Report::Progress { name, child, .. })) = reports.next().await else {
        panic!("a child that started is told")
    };
    assert_eq!(
        (name, child.id),
        (Some(Atom::new("top").unwrap()), "a".into())
    );
    assert!(child.starts.ends_with("Worker"));
    let before = pid(&supervisor, "a").await;
    assert_eq!(child.pid, before);
    supervisor.child::<Worker>("a").await.unwrap().crash();
    let problem = next_problem(&mut reports).await;
    assert_eq!(
        problem,
        (
            Context::ChildTerminated,
            "a".into(),
            "{panic,<<\"asked to\">>}".into()
        )
    );
    restarted(&supervisor, "a", before).await;
    supervisor.child::<Worker>("a").await.unwrap().crash();
    assert_eq!(next_problem(&mut reports).await.0, Context::ChildTerminated);
    assert_eq!(next_problem(&mut reports).await.0, Context::Shutdown);
}

/// What an Erlang caller sends and gets, within the node.
async fn ask(node: &Node, request: Term) -> Term {
    node.call::<Term>("sup", &request).await.unwrap()
}

fn atom(text: &'static str) -> Term {
    Term::from(Atom::from_static(text))
}

fn tagged(tag: &'static str, what: impl Into<Term>) -> Term {
    Term::tuple([atom(tag), what.into()])
}

#[tokio::test]
async fn encoded_requests_get_the_answers_of_otp() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .child(child("a", &log))
        .child(Child::new("b", Supervisor::one_for_one().spec()));
    let supervisor = node.spawn(spec.spec()).name("sup").await.unwrap();
    let a = pid(&supervisor, "a").await.unwrap();
    let listed = ask(&node, atom("which_children")).await;
    let [b, last] = listed.as_list().unwrap() else {
        panic!("{listed}")
    };
    assert_eq!(b.as_tuple().unwrap()[2], atom("supervisor"));
    let [id, child, kind, modules] = last.as_tuple().unwrap() else {
        panic!("{last}")
    };
    assert_eq!(
        (id, child, kind),
        (&atom("a"), &Term::from(a), &atom("worker"))
    );
    assert!(modules.to_string().contains("Worker"));
    let counts = ask(&node, atom("count_children")).await;
    assert_eq!(
        counts.to_string(),
        "[{specs,2},{active,2},{supervisors,1},{workers,1}]"
    );
    let one = ask(&node, tagged("which_child", atom("a"))).await;
    assert!(
        one.to_string()
            .starts_with(&format!("{{ok,{{a,{a},worker,[")),
        "{one}"
    );
    let spec = ask(&node, tagged("get_childspec", atom("b"))).await;
    let [ok, spec] = spec.as_tuple().unwrap() else {
        panic!("{spec}")
    };
    assert_eq!(*ok, atom("ok"));
    let spec = spec.as_map().unwrap();
    for (key, value) in [
        ("id", "b"),
        ("restart", "permanent"),
        ("shutdown", "infinity"),
        ("type", "supervisor"),
        ("significant", "false"),
    ] {
        assert_eq!(spec.field(key).unwrap().to_string(), value);
    }
    for (tag, id, answer) in [
        ("restart_child", "a", "{error,running}"),
        ("delete_child", "a", "{error,running}"),
        ("terminate_child", "x", "{error,not_found}"),
        ("get_childspec", "x", "{error,not_found}"),
        ("which_child", "x", "{error,not_found}"),
        ("terminate_child", "a", "ok"),
        ("delete_child", "a", "ok"),
        ("restart_child", "a", "{error,not_found}"),
        ("start_child", "a", "{error,code_from_outside}"),
    ] {
        assert_eq!(
            ask(&node, tagged(tag, atom(id))).await.to_string(),
            answer,
            "{tag} {id}"
        );
    }
    let refused = node.call::<Term>("sup", &atom("unheard_of")).await;
    assert!(matches!(refused, Err(CallError::Exit(_))), "{refused:?}");
}

#[tokio::test]
async fn extra_arguments_from_elsewhere_make_a_child_only_when_it_takes_them() {
    struct Pair(i64, Atom);
    #[gen_server]
    impl Pair {
        #[init]
        fn new(pair: (i64, Atom)) -> Self {
            Pair(pair.0, pair.1)
        }
        #[call]
        fn get(&self) -> (i64, Atom) {
            (self.0, self.1)
        }
    }
    let node = node().await;
    let pairs = Supervisor::simple_one_for_one(Child::dynamic_remote("pair", Pair::spec));
    node.spawn(pairs.spec()).name("sup").await.unwrap();
    let started = ask(
        &node,
        tagged("start_child", Term::list([Term::from(5), atom("x")])),
    )
    .await;
    let pid = started.as_tuple().unwrap()[1].as_pid().unwrap();
    assert_eq!(
        node.server::<Pair>(pid).get().await.unwrap(),
        (5, Atom::new("x").unwrap())
    );
    let wrong = ask(&node, tagged("start_child", Term::list([atom("x")]))).await;
    assert!(
        wrong.to_string().starts_with("{error,{wrong_argument,"),
        "{wrong}"
    );
    let listed = ask(&node, atom("which_children")).await;
    assert_eq!(
        listed.as_list().unwrap()[0].as_tuple().unwrap()[0],
        atom("undefined")
    );
    assert_eq!(
        ask(&node, tagged("terminate_child", pid)).await.to_string(),
        "ok"
    );
    for tag in ["terminate_child", "restart_child", "delete_child"] {
        let answer = ask(&node, tagged(tag, atom("pair"))).await;
        assert_eq!(answer.to_string(), "{error,simple_one_for_one}", "{tag}");
    }
    let local = Supervisor::simple_one_for_one(Child::dynamic("pair", Pair::spec));
    let local = start(&node, local).await;
    assert_eq!(
        local.start_with_terms([Term::from(1)]).await,
        Err(SupervisorError::LocalOnly)
    );
}

/// A notice of what is no child is not taken for one.
#[tokio::test]
async fn exits_of_others_and_foreign_messages_leave_a_supervisor_as_it_is() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_all().child(child("a", &log));
    let supervisor = start(&node, spec).await;
    let before = pid(&supervisor, "a").await;
    let Dest::Pid(to) = supervisor.dest() else {
        panic!()
    };
    node.exit(to, "a stranger's");
    node.send(to, &atom("hello"));
    assert_eq!(pid(&supervisor, "a").await, before);
}

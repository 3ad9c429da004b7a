//! Against real Erlang: the judge.

use super::erl::Erl;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlang_connects_to_us_and_we_to_it() {
    let port = free_port();
    let a = TestNode::start("a", port).await;
    let mut visible = config("v", port);
    visible.hidden = false;
    let v = TestNode::with(visible).await;
    let mut erl = Erl::start("e", port, &[]).await;
    assert_eq!(
        erl.eval("net_kernel:connect_node('a@127.0.0.1')").await,
        "true"
    );
    assert_eq!(a.next_up().await.0, erl.name);
    assert_eq!(
        erl.eval("{nodes(), nodes(hidden)}").await,
        "{[],['a@127.0.0.1']}"
    );
    v.net.connect(erl.name).await.unwrap();
    // It sends its last word of the handshake before it lists the node.
    let wait = "(fun W(0) -> ok; W(N) -> case nodes() of [] -> timer:sleep(5), W(N - 1); _ -> ok end end)(1000)";
    assert_eq!(erl.eval(wait).await, "ok");
    assert_eq!(
        erl.eval("{nodes(), nodes(hidden)}").await,
        "{['v@127.0.0.1'],['a@127.0.0.1']}"
    );
    assert_eq!(v.net.nodes(), [(erl.name, false)]);
    assert_eq!(a.net.nodes(), [(erl.name, true)]);
    // The same link both ways.
    erl.eval("{any, 'a@127.0.0.1'} ! {hello, self()}").await;
    let Seen::Signal(Control::RegSend { from, .. }, Some(payload)) = a.next().await else {
        panic!()
    };
    let term = payload.decoder().term().unwrap();
    assert_eq!(
        term.as_tuple().unwrap()[0],
        kista_etf::Term::from(Atom::from_static("hello"))
    );
    assert_eq!(
        from.creation,
        a.net.connected(erl.name).unwrap().peer_creation()
    );
    assert_eq!(erl.eval("register(me, self())").await, "true");
    let mut payload = Encoder::with_atom_table();
    payload.tuple(2);
    payload.atom_str("from_rust").unwrap();
    payload.int(42);
    let _ = a
        .net
        .connection(erl.name)
        .unwrap()
        .send(reg_send(a.pid(3), "me"), Some(&payload))
        .unwrap();
    assert_eq!(
        erl.eval("receive M -> M after 5000 -> none end").await,
        "{from_rust,42}"
    );
    // Each side cuts, the other one sees it.
    assert_eq!(
        erl.eval("erlang:disconnect_node('a@127.0.0.1')").await,
        "true"
    );
    assert_eq!(
        a.next_down().await,
        (erl.name, true, "connection_closed".to_owned())
    );
    a.net.connect(erl.name).await.unwrap();
    assert_eq!(
        erl.eval("erlang:monitor_node('a@127.0.0.1', true)").await,
        "true"
    );
    a.net.disconnect(erl.name);
    assert_eq!(
        erl.eval("receive M2 -> M2 after 5000 -> none end").await,
        "{nodedown,'a@127.0.0.1'}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_and_many_messages_pass_both_ways() {
    let port = free_port();
    let a = TestNode::start("a", port).await;
    let mut erl = Erl::start("e", port, &[]).await;
    a.net.connect(erl.name).await.unwrap();
    a.next_up().await;
    erl.eval("[{any, 'a@127.0.0.1'} ! {N, binary:copy(<<7>>, (N rem 10) * 100000)} || N <- lists:seq(1, 200)], ok").await;
    for n in 1..=200 {
        let Seen::Signal(_, Some(payload)) = a.next().await else {
            panic!()
        };
        let mut d = payload.decoder();
        assert_eq!((d.tuple().unwrap(), d.int().unwrap()), (2, n));
        assert_eq!(d.binary().unwrap().len() as i64, n % 10 * 100_000);
    }
    erl.eval("register(me, self())").await;
    let blob = vec![9u8; 300_000];
    let connection = a.net.connection(erl.name).unwrap();
    for n in 0..3000 {
        let mut payload = Encoder::with_atom_table();
        payload.tuple(3);
        payload.int(n);
        payload.atom(Atom::new(&format!("atom_{n}")).unwrap());
        payload.binary(if n % 100 == 0 { &blob } else { b"" });
        let _ = connection
            .send(reg_send(a.pid(3), "me"), Some(&payload))
            .unwrap();
    }
    let check = "lists:foldl(fun(N, ok) -> A = list_to_atom(\"atom_\" ++ integer_to_list(N)), \
        S = case N rem 100 of 0 -> 300000; _ -> 0 end, \
        receive {N2, A2, B} when N2 =:= N, A2 =:= A, byte_size(B) =:= S -> ok after 5000 -> {missing, N} end; \
        (_, E) -> E end, ok, lists:seq(0, 2999))";
    assert_eq!(erl.eval(check).await, "ok");
    assert!(a.net.connected(erl.name).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlang_and_we_dial_each_other_at_once() {
    let port = free_port();
    for alive in ["a", "z"] {
        // A handshake that could only end by its time would never end here.
        let mut patient = config(alive, port);
        patient.setup_time = LIMIT * 100;
        let a = TestNode::with(patient).await;
        let mut erl = Erl::start("e", port, &[]).await;
        let mut flaps = 0;
        for round in 0..40 {
            let expression = format!("net_kernel:connect_node('{}')", a.name.as_str());
            let ours = tokio::time::timeout(LIMIT, a.net.connect(erl.name));
            let (ours, theirs) = tokio::join!(ours, async {
                tokio::time::sleep(Duration::from_micros(round * 20)).await;
                let name = erl.name;
                (erl.eval(&expression).await, name)
            });
            ours.expect("it is answered").unwrap();
            assert_eq!(theirs.0, "true", "round {round}");
            until("it is up", || a.net.nodes().len() == 1).await;
            a.net.disconnect(erl.name);
            until("it is down", || a.net.nodes().is_empty()).await;
            erl.eval("(fun W() -> case nodes(connected) of [] -> ok; _ -> timer:sleep(1), W() end end)()").await;
        }
        while let Ok(seen) = a.seen.lock().try_recv() {
            flaps += i32::from(matches!(seen, Seen::Up(..)));
        }
        assert_eq!(flaps, 40, "one connection each time");
        a.net.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_net_ticktime_is_survived_by_both() {
    let port = free_port();
    let mut config = config("a", port);
    config.net_ticktime = Duration::from_secs(8);
    let a = TestNode::with(config).await;
    let mut erl = Erl::start("e", port, &["-kernel", "net_ticktime", "8"]).await;
    a.net.connect(erl.name).await.unwrap();
    a.next_up().await;
    tokio::time::sleep(Duration::from_secs(22)).await;
    a.saw_nothing();
    assert_eq!(erl.eval("nodes(connected)").await, "['a@127.0.0.1']");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nameless_erlang_gets_a_name() {
    let port = free_port();
    let mut config = NetConfig::new(
        NodeName::parse("a@localhost").unwrap(),
        Cookie::from(COOKIE),
    );
    config.epmd = EpmdMode::Embedded;
    config.epmd_port = port;
    let a = TestNode::with(config).await;
    let mut erl = Erl::spawn("nonode@nohost", port, &["-setcookie", COOKIE]).await;
    erl.know_localhost().await;
    let start =
        "element(1, net_kernel:start(undefined, #{name_domain => shortnames, hidden => true}))";
    assert_eq!(erl.eval(start).await, "ok");
    assert_eq!(erl.eval("erlang:set_cookie(secret)").await, "true");
    assert_eq!(
        erl.eval("net_kernel:connect_node('a@localhost')").await,
        "true"
    );
    let (name, _) = a.next_up().await;
    assert_eq!(
        erl.eval("atom_to_list(node())").await,
        format!("{:?}", name.as_str())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlang_with_a_wrong_cookie_stays_out_and_with_the_right_one_comes_in() {
    let port = free_port();
    let a = TestNode::start("a", port).await;
    let mut erl = Erl::start("e", port, &[]).await;
    erl.eval("erlang:set_cookie('a@127.0.0.1', wrong)").await;
    assert_eq!(
        erl.eval("net_kernel:connect_node('a@127.0.0.1')").await,
        "false"
    );
    let error = a.net.connect(erl.name).await.unwrap_err().to_string();
    assert!(error.contains("cookie"), "{error}");
    assert!(!a.next_down().await.1);
    erl.eval("erlang:set_cookie('a@127.0.0.1', secret)").await;
    assert_eq!(
        erl.eval("net_kernel:connect_node('a@127.0.0.1')").await,
        "true"
    );
    assert_eq!(a.next_up().await.0, erl.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erlang_that_is_killed_is_down_at_once_and_comes_back_as_another() {
    let port = free_port();
    let a = TestNode::start("a", port).await;
    let mut erl = Erl::start("e", port, &[]).await;
    a.net.connect(erl.name).await.unwrap();
    a.next_up().await;
    let first = a.net.connected(erl.name).unwrap().peer_creation();
    erl.child.kill().await.unwrap();
    assert!(a.next_down().await.1);
    let mut erl = Erl::start("e", port, &[]).await;
    assert_eq!(
        erl.eval("net_kernel:connect_node('a@127.0.0.1')").await,
        "true"
    );
    a.next_up().await;
    assert_ne!(a.net.connected(erl.name).unwrap().peer_creation(), first);
}

//! New certificates while a node runs.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_certificates_under_traffic_lose_nothing() {
    let ca = Ca::new("CA");
    let dir = Scratch::new();
    install(
        &dir.0,
        &ca,
        &ca.certificate(&["127.0.0.1", "first.example"]),
    );
    let a = start("a", Tls::from_dir(&dir.0)).await;
    let b = start("b", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    dial(&b, &a).await.unwrap();
    let names = |of: &Node| {
        let info = of.connection_info("a@127.0.0.1").unwrap();
        info.tls.unwrap().peer_names
    };
    assert!(names(&b).contains(&"first.example".to_owned()));
    let creation = b.connection_info("a@127.0.0.1").unwrap().up_for;
    let traffic = tokio::spawn({
        let b = b.clone();
        async move {
            for n in 0..2_000i64 {
                assert_eq!(echo(&b, "a@127.0.0.1", n).await, Term::from(n));
            }
        }
    });
    let mut last = String::new();
    let mut rounds = 0;
    while !traffic.is_finished() || rounds < 5 {
        last = format!("n{rounds}.example");
        install(&dir.0, &ca, &ca.certificate(&["127.0.0.1", &last]));
        // By somebody new, whose connection sees the new ones.
        let alive = format!("c{rounds}");
        let c = start(&alive, ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
        dial(&c, &a).await.unwrap();
        assert!(names(&c).contains(&last), "{:?}", names(&c));
        c.stop().await;
        rounds += 1;
    }
    traffic.await.unwrap();
    assert!(
        names(&b).contains(&"first.example".to_owned()),
        "the old one goes on"
    );
    assert!(b.connection_info("a@127.0.0.1").unwrap().up_for > creation);
    b.disconnect("a@127.0.0.1");
    until("the old connection is gone", || b.connections().is_empty()).await;
    dial(&b, &a).await.unwrap();
    assert!(names(&b).contains(&last));
}

#[tokio::test]
async fn files_that_do_not_fit_together_change_nothing() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let dir = Scratch::new();
    let first = ca.certificate(&["127.0.0.1", "first.example"]);
    install(&dir.0, &ca, &first);
    let a = start("a", Tls::from_dir(&dir.0)).await;
    let b = start("b", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    // Half of a change: the certificate without its key.
    let second = ca.certificate(&["127.0.0.1", "second.example"]);
    replace(&dir.0, "cert.pem", &second.pem);
    assert!(matches!(a.reload_tls(), Err(TlsError::Mismatch)));
    replace(&dir.0, "cert.pem", &second.pem);
    dial(&b, &a).await.unwrap();
    let names = |of: &Node| {
        let info = of.connection_info("a@127.0.0.1").unwrap();
        info.tls.unwrap().peer_names
    };
    assert_eq!(names(&b), ["first.example", "127.0.0.1"]);
    until("a line", || {
        !lines
            .with(&[
                "does not belong to the certificate",
                "the old ones are used on",
            ])
            .is_empty()
    })
    .await;
    // The other half.
    replace(&dir.0, "key.pem", &second.key);
    b.disconnect("a@127.0.0.1");
    until("it is gone", || b.connections().is_empty()).await;
    dial(&b, &a).await.unwrap();
    assert_eq!(names(&b), ["second.example", "127.0.0.1"]);
    fs::remove_file(dir.0.join("ca.pem")).unwrap();
    assert!(matches!(a.reload_tls(), Err(TlsError::Read { .. })));
    assert_eq!(b.connections().len(), 1);
}

#[tokio::test]
async fn a_ca_that_is_no_longer_trusted_lets_nobody_in() {
    let (ca, new) = (Ca::new("CA"), Ca::new("New"));
    let dir = Scratch::new();
    install(&dir.0, &ca, &ca.certificate(&["127.0.0.1"]));
    let a = start("a", Tls::from_dir(&dir.0)).await;
    let b = start("b", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    dial(&b, &a).await.unwrap();
    install(&dir.0, &new, &new.certificate(&["127.0.0.1"]));
    a.reload_tls().unwrap();
    // Who is in stays; no session of old times brings anybody in.
    echo(&b, "a@127.0.0.1", 1).await;
    b.disconnect("a@127.0.0.1");
    until("it is gone", || b.connections().is_empty()).await;
    let error = dial(&b, &a).await.unwrap_err();
    assert!(
        error.contains("not of a CA that this node trusts"),
        "{error}"
    );
}

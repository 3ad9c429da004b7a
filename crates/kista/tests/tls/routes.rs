//! TLS of single routes and listeners.

use super::*;

#[tokio::test]
async fn a_route_has_its_own_tls_and_cookie() {
    let (ca, theirs) = (Ca::new("CA"), Ca::new("Theirs"));
    let ours = ca.tls(&ca.certificate(&["127.0.0.1"]));
    let a = start("a", ours).await;
    let there = theirs.tls(&theirs.certificate(&["127.0.0.1"]));
    let b = builder("b")
        .cookie("theirs")
        .tls(there.clone())
        .start()
        .await
        .unwrap();
    let plain = builder("plain").start().await.unwrap();
    assert!(dial(&a, &b).await.is_err());
    let route = Route::to("127.0.0.1", address(&b).port());
    a.add_route("b@127.0.0.1", route.tls(there).cookie("theirs"))
        .unwrap();
    a.connect("b@127.0.0.1").await.unwrap();
    assert!(dial(&a, &plain).await.is_err());
    let route = Route::to("127.0.0.1", address(&plain).port());
    a.add_route("plain@127.0.0.1", route.plain()).unwrap();
    a.connect("plain@127.0.0.1").await.unwrap();
    assert!(a.connection_info("plain@127.0.0.1").unwrap().tls.is_none());
    assert!(a.connection_info("b@127.0.0.1").unwrap().tls.is_some());
}

#[tokio::test]
async fn a_peer_whose_route_is_over_tls_does_not_come_in_without() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let tls = ca.tls(&ca.certificate(&["127.0.0.1"]));
    let a = builder("a")
        .listen_at_tls(([127, 0, 0, 1], 0), tls.clone())
        .route("b@127.0.0.1", Route::to("127.0.0.1", 9).tls(tls.clone()))
        .start()
        .await
        .unwrap();
    let liar = builder("b").start().await.unwrap();
    let error = dial(&liar, &a).await.unwrap_err();
    assert!(error.contains("does not allow"), "{error}");
    one_line(
        &lines,
        &["connection closed", "over TLS, and it came without"],
    )
    .await;
    liar.stop().await;
    // The same by the other listener, over TLS, is let in; and others by the plain one.
    let b = builder("b").tls(tls).start().await.unwrap();
    let route = Route::to("127.0.0.1", a.listens_on()[1].port());
    b.add_route("a@127.0.0.1", route).unwrap();
    b.connect("a@127.0.0.1").await.unwrap();
    let c = builder("c").start().await.unwrap();
    dial(&c, &a).await.unwrap();
}

#[tokio::test]
async fn a_node_with_tls_can_have_a_plain_listener_beside() {
    let ca = Ca::new("CA");
    let tls = ca.tls(&ca.certificate(&["127.0.0.1"]));
    let a = builder("a")
        .tls(tls.clone())
        .listen_at_plain(([127, 0, 0, 1], 0))
        .start()
        .await
        .unwrap();
    let b = start("b", tls.tls13_only()).await;
    dial(&b, &a).await.unwrap();
    let c = builder("c").start().await.unwrap();
    assert!(dial(&c, &a).await.is_err());
    c.add_route(
        "a@127.0.0.1",
        Route::to("127.0.0.1", a.listens_on()[1].port()),
    )
    .unwrap();
    c.connect("a@127.0.0.1").await.unwrap();
}

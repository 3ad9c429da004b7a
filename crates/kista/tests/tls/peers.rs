//! Whose certificates are good, and whose are refused.

use super::*;

#[tokio::test]
async fn two_nodes_of_one_ca_talk() {
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1", "a.example"]))).await;
    let b = start("b", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    dial(&a, &b).await.unwrap();
    let large = Term::from(&[7u8; 3_000_000][..]);
    for (from, to) in [(&a, &b), (&b, &a)] {
        let to = to.name().as_str();
        assert_eq!(echo(from, to, 7).await, Term::from(7));
        assert_eq!(echo(from, to, large.clone()).await, large);
    }
    let seen = b.connection_info("a@127.0.0.1").unwrap().tls.unwrap();
    assert_eq!(seen.version, "1.3");
    assert!(seen.cipher_suite.starts_with("TLS13_"), "{seen:?}");
    assert_eq!(seen.peer_names, ["a.example", "127.0.0.1"]);
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_refused_by_both_sides() {
    let (lines, _guard) = Lines::capture();
    let (ca, other) = (Ca::new("CA"), Ca::new("Other"));
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    // It trusts ours and shows one of its own.
    let b = start("b", ca.tls(&other.certificate(&["127.0.0.1"]))).await;
    let error = dial(&a, &b).await.unwrap_err();
    assert!(
        error.contains("not of a CA that this node trusts"),
        "{error}"
    );
    one_line(&lines, &["it does not trust the CA of our certificate"]).await;
    let error = dial(&b, &a).await.unwrap_err();
    assert!(error.contains("it does not trust the CA of our"), "{error}");
    one_line(
        &lines,
        &[
            "connection closed",
            "a@127.0.0.1",
            "not of a CA that this node trusts",
        ],
    )
    .await;
    assert!(a.connections().is_empty() && b.connections().is_empty());
}

#[tokio::test]
async fn an_expired_certificate_is_refused_by_both_sides() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    let b = start("b", ca.tls(&ca.expired())).await;
    let error = dial(&a, &b).await.unwrap_err();
    assert!(error.contains("expired 3 days ago"), "{error}");
    let error = dial(&b, &a).await.unwrap_err();
    assert!(error.contains("our certificate has expired"), "{error}");
    one_line(
        &lines,
        &["connection closed", "a@127.0.0.1", "expired 3 days ago"],
    )
    .await;
    let c = start("c", ca.tls(&ca.not_yet())).await;
    let error = dial(&a, &c).await.unwrap_err();
    assert!(error.contains("is valid only in 2"), "{error}");
}

#[tokio::test]
async fn a_right_ca_with_the_wrong_name_is_refused_by_both_sides() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    let b = start("b", ca.tls(&ca.certificate(&["10.9.8.7", "b.example"]))).await;
    let why = r#"is for ["b.example", "10.9.8.7"] and not for the host of its name, "127.0.0.1""#;
    let error = dial(&a, &b).await.unwrap_err();
    assert!(error.contains(why), "{error}");
    // The one who dials learns that it is not allowed to; we say why.
    let error = dial(&b, &a).await.unwrap_err();
    assert!(error.contains("does not allow"), "{error}");
    let shown = why.replace('"', "\\\"");
    until("a line", || {
        !lines
            .with(&["connection closed", "(b@127.0.0.1, unproved)", why])
            .is_empty()
            || !lines
                .with(&["connection closed", "unproved", &shown])
                .is_empty()
    })
    .await;
    assert!(a.connections().is_empty() && b.connections().is_empty());
}

#[tokio::test]
async fn whose_names_are_checked_is_an_option() {
    let ca = Ca::new("CA");
    let elsewhere = ca.certificate(&["b.example"]);
    let right = ca.certificate(&["127.0.0.1"]);
    let b = start("b", ca.tls(&elsewhere)).await;
    let a = start("a", ca.tls(&right).names(NameCheck::Dialled)).await;
    assert!(dial(&a, &b).await.is_err());
    dial(&b, &a).await.unwrap();
    let c = start("c", ca.tls(&right).names(NameCheck::Off)).await;
    dial(&c, &b).await.unwrap();
}

#[tokio::test]
async fn names_are_judged_as_erlang_judges_them() {
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    // The address as a name, as OTP 25 wants it; the common name where there is no other; and not where there is.
    let address_as_name = ca.with(&[], |params| {
        let name = "127.0.0.1".try_into().unwrap();
        params.subject_alt_names = vec![rcgen::SanType::DnsName(name)];
    });
    let not_counted = ca.with(&["b.example"], |params| {
        let called = rcgen::DnType::CommonName;
        params.distinguished_name.push(called, "127.0.0.1");
    });
    for (alive, certificate, good) in [
        ("b", address_as_name, true),
        ("c", ca.called("127.0.0.1"), true),
        ("d", ca.called("127.0.0.10"), false),
        ("e", not_counted, false),
    ] {
        let node = start(alive, ca.tls(&certificate)).await;
        assert_eq!(dial(&a, &node).await.is_ok(), good, "{alive}");
    }
}

#[tokio::test]
async fn without_a_client_certificate_nobody_comes_in() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    let to = address(&a);
    let end = tokio::task::spawn_blocking(move || shake_hands(to, &ca, None));
    let end = end.await.unwrap().to_string();
    assert!(end.contains("CertificateRequired"), "{end}");
    one_line(
        &lines,
        &["connection closed", "the peer showed no certificate"],
    )
    .await;
    assert_eq!(a.handshakes().failed, 1);
}

#[tokio::test]
async fn a_wrong_cookie_is_refused_over_tls_as_well() {
    let ca = Ca::new("CA");
    let tls = ca.tls(&ca.certificate(&["127.0.0.1"]));
    let a = start("a", tls.clone()).await;
    let b = builder("b")
        .tls(tls)
        .cookie("another")
        .start()
        .await
        .unwrap();
    let error = dial(&b, &a).await.unwrap_err();
    assert!(error.contains("cookie"), "{error}");
}

//! Certificates of one's own: generated, issued, read from files, and what is wrong with them.

use super::*;

#[tokio::test]
async fn generated_certificates_are_of_one_ca_whoever_makes_it() {
    let dir = Scratch::new();
    let tls = dir.0.join("not/yet/there");
    let all = (0..8).map(|n| {
        let tls = Tls::generated_in(&tls);
        tokio::spawn(async move { start(&format!("n{n}"), tls).await })
    });
    let mut nodes = Vec::new();
    for node in all.collect::<Vec<_>>() {
        nodes.push(node.await.unwrap());
    }
    for other in &nodes[1..] {
        dial(&nodes[0], other).await.unwrap();
    }
    let files: Vec<_> = fs::read_dir(&tls)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files.len(), 2, "{files:?}");
    // Another CA is another cluster.
    let stranger = start("stranger", Tls::generated_in(dir.0.join("other"))).await;
    assert!(dial(&stranger, &nodes[0]).await.is_err());
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Scratch::new();
    let authority = Authority::open(&dir.0).unwrap();
    assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
    let key = dir.0.join("ca-key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = builder("a")
        .tls(Tls::generated_in(&dir.0))
        .start()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
    assert!(matches!(
        error,
        NodeError::Tls(TlsError::Exposed { mode: 0o640, .. })
    ));
}

#[tokio::test]
async fn a_key_of_ones_own_that_everybody_can_read_is_said_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let ca = Ca::new("CA");
    for (mode, told) in [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)] {
        let (lines, _guard) = Lines::capture();
        let dir = Scratch::new();
        install(&dir.0, &ca, &ca.certificate(&["127.0.0.1"]));
        let key = dir.0.join("key.pem");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let a = start("a", Tls::from_dir(&dir.0)).await;
        let b = start("b", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
        dial(&a, &b).await.unwrap();
        b.disconnect("a@127.0.0.1");
        dial(&b, &a).await.unwrap();
        let found = lines.with(&["WARN", "key.pem", "chmod 600"]);
        assert_eq!(found.len(), told, "{mode:o}: {found:#?}");
        assert!(
            found
                .iter()
                .all(|line| line.contains(&format!("{mode:04o}")))
        );
    }
}

#[tokio::test]
async fn a_certificate_of_ones_own_for_another_host_is_said_once() {
    let ca = Ca::new("CA");
    for (hosts, says) in [
        (&["127.0.0.1", "b.example"][..], None),
        (
            &["b.example", "10.0.0.7"],
            Some("is for b.example, 10.0.0.7, and not for its host 127.0.0.1"),
        ),
        (
            &[],
            Some("is for rcgen self signed cert, and not for its host 127.0.0.1"),
        ),
    ] {
        let (lines, _guard) = Lines::capture();
        let a = start("a", ca.tls(&ca.certificate(hosts))).await;
        let found = lines.with(&["WARN", "certificate", "peers will refuse it"]);
        assert_eq!(found.len(), usize::from(says.is_some()), "{found:#?}");
        assert!(found.iter().all(|line| line.contains(says.unwrap())));
        // Who wants it so is not told.
        let b = start("b", ca.tls(&ca.certificate(hosts)).names(NameCheck::Off)).await;
        assert_eq!(
            lines.with(&["WARN", "peers will refuse it"]).len(),
            found.len()
        );
        drop((a, b));
    }
    // What is made for the node is for its host.
    let (lines, _guard) = Lines::capture();
    let dir = Scratch::new();
    start("c", Tls::generated_in(&dir.0)).await;
    assert!(lines.with(&["WARN"]).is_empty());
}

#[tokio::test]
async fn an_issued_certificate_is_as_good_as_a_generated_one() {
    let dir = Scratch::new();
    let authority = Authority::open(&dir.0).unwrap();
    authority
        .issue("127.0.0.1")
        .unwrap()
        .write(&dir.0, "nut")
        .unwrap();
    let file = |name: &str| dir.0.join(name);
    let tls = Tls::from_files(file("ca.pem"), file("nut-cert.pem"), file("nut-key.pem"));
    let a = start("a", tls).await;
    let b = start("b", Tls::generated_in(&dir.0)).await;
    dial(&a, &b).await.unwrap();
    assert!(authority.issue("no host\u{e9}").is_err());
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let ca = Ca::new("CA");
    let (one, two) = (
        ca.certificate(&["127.0.0.1"]),
        ca.certificate(&["127.0.0.1"]),
    );
    let missing = Tls::from_files("/nonexistent/ca.pem", "/c", "/k");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (tls, words) in [
        (missing, "/nonexistent/ca.pem"),
        (
            Tls::from_pem("", &*one.pem, &*one.key),
            "the CA's certificates, the text given: no certificate in PEM there",
        ),
        (
            Tls::from_pem(&*ca.pem, &*one.key, &*one.key),
            "this node's certificate, the text given: no certificate",
        ),
        (
            Tls::from_pem(&*ca.pem, &*one.pem, &*one.pem),
            "no private key there",
        ),
        (
            Tls::from_pem(&*ca.pem, &*one.pem, encrypted),
            "not encrypted",
        ),
        (
            Tls::from_pem(&*ca.pem, &*one.pem, &*two.key),
            "does not belong to the certificate",
        ),
        (
            Tls::from_pem(&*ca.pem.replace('M', "N"), &*one.pem, &*one.key),
            "certificate",
        ),
    ] {
        let shown = format!("{tls:?}");
        assert!(!shown.contains("BEGIN"), "{shown}");
        let error = builder("a").tls(tls).start().await.unwrap_err();
        assert!(matches!(error, NodeError::Tls(_)), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

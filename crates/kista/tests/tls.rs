//! Distribution over TLS: who is let in, who is not and what the log says of it, and new certificates while a node runs. What Erlang says is
//! in `interop/`.
#![cfg(feature = "tls")]

mod support;

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/log.rs"]
mod log;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use certificates::{Ca, Certificate};
use kista::tls::{Authority, NameCheck, TlsError};
use kista::{EpmdMode, Node, NodeBuilder, NodeError, Route, Term, Tls, spec};
use log::Lines;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use support::Echo;

/// A guard against hanging, not a promise.
const LIMIT: Duration = Duration::from_secs(30);

fn builder(alive: &str) -> NodeBuilder {
    Node::builder(format!("{alive}@127.0.0.1"))
        .cookie("secret")
        .epmd(EpmdMode::Off)
}

async fn start(alive: &str, tls: Tls) -> Node {
    let node = builder(alive).tls(tls).start().await.unwrap();
    node.spawn(spec::<Echo>(())).name("echo").await.unwrap();
    node
}

fn address(node: &Node) -> SocketAddr {
    node.listens_on()[0]
}

fn know(node: &Node, other: &Node) {
    let route = Route::to("127.0.0.1", address(other).port());
    node.add_route(other.name().as_str(), route).unwrap();
}

/// `a` dials `b`; with an error, what it says.
async fn dial(a: &Node, b: &Node) -> Result<(), String> {
    know(a, b);
    let connected = a.connect(b.name().as_str()).await;
    connected.map_err(|error| error.to_string())
}

/// Asks the echo server of another node.
async fn echo(on: &Node, of: &'static str, request: impl Into<Term>) -> Term {
    let answer = on.call(("echo", of), &request.into()).await;
    answer.unwrap()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for a line with these words, and sees that there is only one.
async fn one_line(lines: &Lines, words: &[&str]) {
    until(&format!("a line with {words:?}"), || {
        !lines.with(words).is_empty()
    })
    .await;
    let found = lines.with(words);
    assert_eq!(found.len(), 1, "{found:#?}");
}

/// A directory that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("kista-tls-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// As deployments do it: each file is replaced as a whole.
fn replace(dir: &Path, name: &str, text: &str) {
    let new = dir.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, dir.join(name)).unwrap();
}

fn install(dir: &Path, ca: &Ca, certificate: &Certificate) {
    replace(dir, "ca.pem", &ca.pem);
    replace(dir, "cert.pem", &certificate.pem);
    replace(dir, "key.pem", &certificate.key);
}

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

/// Shakes hands with a node as somebody that trusts everybody's CA `ca` and shows `certificate`, if any; then reads to the end.
fn shake_hands(to: SocketAddr, ca: &Ca, certificate: Option<&Certificate>) -> std::io::Error {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match certificate {
        None => config.with_no_client_auth(),
        Some(certificate) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(to).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    let mut stream = rustls::StreamOwned::new(session, socket);
    stream
        .write_all(b"hello")
        .and_then(|()| stream.read_exact(&mut [0; 1]))
        .unwrap_err()
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
async fn a_chain_without_end_is_cut_at_its_limit() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    let to = address(&a);
    let end = tokio::task::spawn_blocking(move || shake_hands(to, &ca, Some(&ca.long())));
    end.await.unwrap();
    one_line(&lines, &["connection closed", "longer than 32768 bytes"]).await;
}

/// What a client says first that speaks TLS up to this version (3.2 is TLS 1.1), and no cipher suites but these.
fn old_hello(minor: u8, suites: &[[u8; 2]]) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend_from_slice(&[9; 32]);
    hello.extend_from_slice(&[0, 0, 2 * u8::try_from(suites.len()).unwrap()]);
    hello.extend(suites.iter().flatten());
    hello.extend_from_slice(&[1, 0]);
    if minor >= 3 {
        // Points as they are, on P-256, signed by ECDSA with SHA-256.
        let points = [0, 11, 0, 2, 1, 0];
        let groups = [0, 10, 0, 4, 0, 2, 0, 0x17];
        let signatures = [0, 13, 0, 4, 0, 2, 4, 3];
        hello.extend_from_slice(&[0, 22]);
        hello.extend_from_slice(&points);
        hello.extend_from_slice(&groups);
        hello.extend_from_slice(&signatures);
    }
    let mut message = vec![1, 0, 0, u8::try_from(hello.len()).unwrap()];
    message.append(&mut hello);
    let mut record = vec![22, 3, 1, 0, u8::try_from(message.len()).unwrap()];
    record.append(&mut message);
    record
}

#[tokio::test]
async fn tls_1_1_is_refused_by_both_sides() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    let hello = old_hello(2, &[[0, 0x2f]]);
    let answer = answer_to(address(&a), hello, usize::MAX).await;
    assert_eq!(answer, HANDSHAKE_FAILURE);
    one_line(
        &lines,
        &["connection closed", "speaks only TLS 1.1 or older"],
    )
    .await;

    let error = dial_who_chooses(&a, 2, [0, 0x2f]).await;
    assert!(error.contains("speaks only TLS 1.1 or older"), "{error}");
}

/// A fatal alert of that name.
const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];

/// What a node answers first to this, up to so many bytes.
async fn answer_to(node: SocketAddr, hello: Vec<u8>, most: usize) -> Vec<u8> {
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(node).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.write_all(&hello).unwrap();
        let mut answer = Vec::new();
        let _ = socket.take(most as u64).read_to_end(&mut answer);
        answer
    });
    answer.await.unwrap()
}

/// Dials a server that chooses this version and cipher suite, whatever is offered: what is said of it.
async fn dial_who_chooses(node: &Node, minor: u8, suite: [u8; 2]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]);
        let mut hello = vec![22, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
        hello.extend_from_slice(&[9; 32]);
        hello.extend_from_slice(&[0, suite[0], suite[1], 0]);
        let _ = socket.write_all(&hello);
        let _ = socket.read(&mut [0; 4096]);
    });
    node.add_route("old@127.0.0.1", Route::to("127.0.0.1", port))
        .unwrap();
    node.connect("old@127.0.0.1").await.unwrap_err().to_string()
}

#[tokio::test]
async fn cipher_suites_without_certificates_are_refused() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    // DH_anon and ECDH_anon with AES, and nothing at all.
    let nameless = [[0, 0x34], [0, 0xa6], [0xc0, 0x18], [0, 0]];
    let answer = answer_to(address(&a), old_hello(3, &nameless), usize::MAX).await;
    assert_eq!(answer, HANDSHAKE_FAILURE);
    one_line(&lines, &["connection closed", "CipherSuite"]).await;
    // The same with one that has certificates is answered by a handshake.
    let answer = answer_to(address(&a), old_hello(3, &[[0xc0, 0x2b]]), 1).await;
    assert_eq!(answer, [22]);
    for suite in nameless {
        let error = dial_who_chooses(&a, 3, suite).await;
        assert!(error.contains("CipherSuite"), "{error}");
    }
}

#[tokio::test]
async fn cas_that_signed_each_other_are_a_chain_to_nobody() {
    let (ca, x, y) = (Ca::new("CA"), Ca::new("X"), Ca::new("Y"));
    let leaf = x.certificate(&["127.0.0.1"]);
    let (x_by_y, y_by_x) = (x.signed_by(&y), y.signed_by(&x));
    let chain = [&leaf.pem, &x_by_y, &y_by_x, &x_by_y, &y_by_x].map(|pem| &**pem);
    let in_circles = || Tls::from_pem(&*ca.pem, chain.concat(), &*leaf.key);
    let ours = ca.certificate(&["127.0.0.1"]);
    let a = start("a", ca.tls(&ours)).await;
    let b = start("b", in_circles()).await;
    let error = dial(&a, &b).await.unwrap_err();
    assert!(
        error.contains("not of a CA that this node trusts"),
        "{error}"
    );
    assert!(dial(&b, &a).await.is_err());
    // To whom trusts one of the two it is a chain like any other.
    let c = start("c", Tls::from_pem(&*y.pem, &*ours.pem, &*ours.key)).await;
    dial(&c, &b).await.unwrap();
}

#[tokio::test]
async fn who_speaks_plain_distribution_to_a_tls_port_is_told_apart() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    let plain = builder("plain").start().await.unwrap();
    let error = dial(&plain, &a).await.unwrap_err();
    one_line(
        &lines,
        &["node=\"a@127.0.0.1\"", "the peer speaks plain distribution"],
    )
    .await;
    assert!(
        error.contains("closed the connection in the handshake"),
        "{error}"
    );
    // Neither of the two.
    let to = address(&a);
    let web = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(to).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        socket.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    });
    web.await.unwrap();
    one_line(
        &lines,
        &["node=\"a@127.0.0.1\"", "what the peer speaks is not TLS"],
    )
    .await;
}

#[tokio::test]
async fn who_speaks_tls_to_a_plain_port_is_told_apart() {
    let (lines, _guard) = Lines::capture();
    let ca = Ca::new("CA");
    let a = start("a", ca.tls(&ca.certificate(&["127.0.0.1"]))).await;
    let plain = builder("plain").start().await.unwrap();
    let error = dial(&a, &plain).await.unwrap_err();
    assert!(
        error.contains("TLS: closed by the peer in the handshake"),
        "{error}"
    );
    one_line(
        &lines,
        &[
            "node=\"plain@127.0.0.1\"",
            "the peer speaks TLS, and this is a port for plain",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_node_that_answers_in_tls_to_a_plain_dial_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.write_all(&[21, 3, 3, 0, 2, 2, 10]);
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let plain = builder("plain").start().await.unwrap();
    plain
        .add_route("t@127.0.0.1", Route::to("127.0.0.1", port))
        .unwrap();
    let error = plain.connect("t@127.0.0.1").await.unwrap_err().to_string();
    assert!(
        error.contains("the peer speaks TLS, and this node dialled it without"),
        "{error}"
    );
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

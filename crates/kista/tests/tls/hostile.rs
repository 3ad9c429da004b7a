//! What no node says: old versions, suites without certificates, chains without end, no TLS at all.

use super::*;

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

//! Distribution over TLS: who is let in, who is not and what the log says of it, and new certificates while a node runs. What Erlang says is
//! in `interop/`.
#![cfg(feature = "tls")]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/log.rs"]
mod log;

mod hostile;
mod own;
mod peers;
mod renewal;
mod routes;

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

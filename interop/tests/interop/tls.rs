//! Distribution over TLS: `erl -proto_dist inet_tls` and our nodes, both dialling.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kista::etf::atoms;
use kista::{Atom, NodeBuilder, Term, Tls};
use kista_interop::{Bed, Otp, Program, Subject};

#[expect(dead_code, reason = "some are for the tests of the crate alone")]
#[path = "../../../crates/kista/tests/support/certificates.rs"]
mod certificates;

use certificates::{Ca, Certificate};

const NAME: &str = "demo@127.0.0.1";
const ERL: &str = "erl@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(120);
/// What a demanding peer says: whoever connects shows a certificate, and the one who is dialled is the one who was meant.
const DEMANDING: &str = "{verify, verify_peer}, {fail_if_no_peer_cert, true}";

/// A directory with certificates, which both sides can read. It goes with the value.
struct Papers {
    /// As Erlang sees it.
    inside: PathBuf,
    dir: PathBuf,
    ca: Ca,
}

impl Papers {
    /// Good ones for the demo, and the CA's.
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let otp = Otp::current();
        let inside = otp.temporary(&format!("kista-tls-{}-{n}", std::process::id()));
        let dir = otp.outside(&inside);
        fs::create_dir_all(&dir).expect("a temporary directory");
        let papers = Self {
            inside,
            dir,
            ca: Ca::new("Test CA"),
        };
        papers.put("ca.pem", &papers.ca.pem);
        papers.install("nut", &papers.good());
        papers
    }

    /// For a node on this machine, also in the eyes of OTP 25, which holds addresses against names.
    fn good(&self) -> Certificate {
        self.ca.with(&["127.0.0.1"], |params| {
            let name = "127.0.0.1".try_into().expect("it is ASCII");
            params.subject_alt_names.push(rcgen::SanType::DnsName(name));
        })
    }

    fn put(&self, name: &str, text: &str) {
        let new = self.dir.join(format!("{name}.new"));
        fs::write(&new, text).expect("a file is written");
        fs::rename(new, self.dir.join(name)).expect("a file is renamed");
    }

    fn install(&self, name: &str, certificate: &Certificate) {
        self.put(&format!("{name}-cert.pem"), &certificate.pem);
        self.put(&format!("{name}-key.pem"), &certificate.key);
    }

    /// The options of an Erlang node that has this certificate and says this besides.
    fn erl(&self, certificate: &Certificate, more: &str) -> Vec<String> {
        self.install("erl", certificate);
        let files = format!(
            "{{certfile, {:?}}}, {{keyfile, {:?}}}, {{cacertfile, {:?}}}",
            self.inside.join("erl-cert.pem"),
            self.inside.join("erl-key.pem"),
            self.inside.join("ca.pem")
        );
        self.options(&format!("{files}, {more}"))
    }

    fn options(&self, all: &str) -> Vec<String> {
        let client = all.replace("{fail_if_no_peer_cert, true}", "{depth, 2}");
        self.put(
            "dist.conf",
            &format!("[{{server, [{all}]}}, {{client, [{client}]}}]."),
        );
        let conf = self.inside.join("dist.conf").display().to_string();
        ["-proto_dist", "inet_tls", "-ssl_dist_optfile", &conf]
            .map(str::to_owned)
            .into()
    }

    fn demo(&self, bed: &Bed) -> Program {
        let dir = self.dir.display().to_string();
        Subject::Demo.start(bed, NAME, &["--tls", &dir])
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn erlang(bed: &Bed, options: &[String], name: &str, module: &str, function: &str) -> Program {
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    bed.erlang_with(&options, name, bed.cookie(), module, function, &[NAME])
}

/// The versions that a release speaks here, as an option.
const VERSIONS: [&str; 2] = ["'tlsv1.2'", "'tlsv1.3'"];

/// Runs scenarios of the other suites on an Erlang node that dials the demo over TLS, in each version.
fn scenarios(module: &str, functions: &[&str], more: &str) {
    for version in VERSIONS {
        let bed = Bed::plain();
        let papers = Papers::new();
        let _demo = papers.demo(&bed);
        let options = format!("{{versions, [{version}]}}, {DEMANDING}{more}");
        let options = papers.erl(&papers.good(), &options);
        for function in functions {
            erlang(&bed, &options, ERL, module, function).expect_ok(PATIENCE);
        }
    }
}

#[test]
fn calls_go_over_tls_as_they_do_without() {
    scenarios(
        "calls",
        &[
            "ping",
            "echo",
            "plain_messages",
            "links",
            "concurrent",
            "late_reply",
        ],
        "",
    );
}

#[test]
fn groups_and_global_names_go_over_tls() {
    scenarios("membership", &["demo"], "");
}

#[test]
fn large_messages_and_many_atoms_go_over_tls() {
    scenarios("terms", &["big_binaries", "many_atoms"], "");
    scenarios("order", &["through"], "");
}

#[test]
fn an_erlang_that_says_nothing_of_versions_is_understood() {
    let bed = Bed::plain();
    let papers = Papers::new();
    let _demo = papers.demo(&bed);
    let options = papers.erl(&papers.good(), DEMANDING);
    erlang(&bed, &options, ERL, "calls", "echo").expect_ok(PATIENCE);
}

#[test]
fn new_keys_of_erlang_in_the_middle_of_the_traffic_lose_nothing() {
    let bed = Bed::plain();
    let papers = Papers::new();
    let _demo = papers.demo(&bed);
    let options = format!("{{versions, ['tlsv1.3']}}, {{key_update_at, 100000}}, {DEMANDING}");
    let options = papers.erl(&papers.good(), &options);
    for function in ["big_binaries", "random"] {
        erlang(&bed, &options, ERL, "terms", function).expect_ok(PATIENCE);
    }
}

fn builder(bed: &Bed) -> NodeBuilder {
    bed.node("ours@127.0.0.1").visible()
}

/// The demo's servers, in Erlang.
fn reference(bed: &Bed, options: &[String]) -> Program {
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let mut erl = bed.erlang_with(&options, ERL, bed.cookie(), "demo_reference", "start", &[]);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    erl
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_dial_reaches_erlang_over_tls_in_each_version() {
    for (version, seen) in [("'tlsv1.2'", "1.2"), ("'tlsv1.3'", "1.3")] {
        let bed = Bed::plain();
        let papers = Papers::new();
        let options = format!("{{versions, [{version}]}}, {DEMANDING}");
        let _erl = reference(&bed, &papers.erl(&papers.good(), &options));
        let tls = papers.ca.tls(&papers.good());
        let node = builder(&bed)
            .tls(tls)
            .start()
            .await
            .expect("our node starts");
        node.connect(ERL).await.expect("connected");
        let info = node.connection_info(ERL).expect("it is up").tls;
        let info = info.expect("it is over TLS");
        assert_eq!(info.version, seen);
        assert!(info.peer_names.contains(&"127.0.0.1".to_owned()));
        for size in [0, 1 << 10, 64 << 10, 5 << 20] {
            let sent = Term::from(&vec![7u8; size][..]);
            let back: Term = node.call(("echo", ERL), &sent).await.expect("an answer");
            assert_eq!(back, sent);
        }
        let total: i64 = node
            .call(("counter", ERL), &(Atom::from_static("add"), 42))
            .await
            .expect("an answer");
        assert_eq!(total, 42);
        node.stop().await;
    }
}

/// An Erlang node with these options dials the demo in vain, and the demo says this.
fn refused(options: impl FnOnce(&Papers) -> Vec<String>, words: &[&str]) {
    let bed = Bed::plain();
    let papers = Papers::new();
    let mut demo = papers.demo(&bed);
    let options = options(&papers);
    let mut erl = erlang(&bed, &options, ERL, "calls", "refused");
    erl.expect_ok(PATIENCE);
    demo.line(&format!("{words:?}"), PATIENCE, |line| {
        line.contains("connection closed") && words.iter().all(|word| line.contains(word))
    });
    // Others are let in.
    let options = papers.erl(&papers.good(), DEMANDING);
    erlang(&bed, &options, "good@127.0.0.1", "calls", "echo").expect_ok(PATIENCE);
}

#[test]
fn an_erlang_of_another_ca_is_refused() {
    let other =
        |papers: &Papers| papers.erl(&Ca::new("Other").certificate(&["127.0.0.1"]), DEMANDING);
    refused(other, &["not of a CA that this node trusts"]);
}

#[test]
fn an_erlang_whose_certificate_has_expired_is_refused() {
    refused(
        |papers| papers.erl(&papers.ca.expired(), DEMANDING),
        &["expired 3 days ago"],
    );
}

#[test]
fn an_erlang_with_another_hosts_certificate_is_refused() {
    let elsewhere = |papers: &Papers| papers.erl(&papers.ca.certificate(&["b.example"]), DEMANDING);
    refused(
        elsewhere,
        &[
            "erl@127.0.0.1, unproved",
            "b.example",
            "not for the host of its name",
        ],
    );
}

#[test]
fn an_erlang_without_a_certificate_is_refused() {
    let without = |papers: &Papers| {
        papers.install("erl", &papers.good());
        let file = |name: &str| papers.inside.join(name);
        let server = format!(
            "{{certfile, {:?}}}, {{keyfile, {:?}}}",
            file("erl-cert.pem"),
            file("erl-key.pem")
        );
        let client = format!(
            "{{cacertfile, {:?}}}, {{verify, verify_peer}}",
            file("ca.pem")
        );
        let options = papers.options("");
        papers.put(
            "dist.conf",
            &format!("[{{server, [{server}]}}, {{client, [{client}]}}]."),
        );
        options
    };
    refused(without, &["the peer showed no certificate"]);
}

#[test]
fn an_erlang_without_tls_is_refused() {
    refused(
        |_| Vec::new(),
        &["the peer speaks plain distribution, without TLS"],
    );
}

#[test]
fn an_erlang_of_tls_1_1_is_refused() {
    let old = |papers: &Papers| {
        papers.erl(
            &papers.good(),
            &format!("{{versions, ['tlsv1.1']}}, {DEMANDING}"),
        )
    };
    refused(old, &["speaks only TLS 1.1 or older"]);
}

#[test]
fn an_erlang_with_tls_is_refused_at_a_plain_port() {
    let bed = Bed::plain();
    let papers = Papers::new();
    let mut demo = Subject::Demo.start(&bed, NAME, &[]);
    let options = papers.erl(&papers.good(), DEMANDING);
    erlang(&bed, &options, ERL, "calls", "refused").expect_ok(PATIENCE);
    demo.line("what the peer speaks", PATIENCE, |line| {
        line.contains("the peer speaks TLS, and this is a port for plain distribution")
    });
    bed.erlang("plain@127.0.0.1", "calls", "echo", &[NAME])
        .expect_ok(PATIENCE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_dial_refuses_an_erlang_with_a_bad_certificate_and_says_why() {
    let other = Ca::new("Other");
    for (bad, words) in [
        ("ca", "not of a CA that this node trusts"),
        ("expired", "expired 3 days ago"),
        ("name", "not for the host of its name"),
        ("ours", "the peer refused us"),
    ] {
        let bed = Bed::plain();
        let papers = Papers::new();
        let theirs = match bad {
            "ca" => other.certificate(&["127.0.0.1"]),
            "expired" => papers.ca.expired(),
            "name" => papers.ca.certificate(&["b.example"]),
            _ => papers.good(),
        };
        let ours = match bad {
            "ours" => other.certificate(&["127.0.0.1"]),
            _ => papers.good(),
        };
        let _erl = reference(&bed, &papers.erl(&theirs, DEMANDING));
        let node = builder(&bed)
            .tls(papers.ca.tls(&ours))
            .start()
            .await
            .expect("our node starts");
        let error = node
            .connect(ERL)
            .await
            .expect_err("it is refused")
            .to_string();
        assert!(error.contains(words), "{bad}: {error}");
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_certificates_under_traffic_with_erlang_lose_nothing() {
    let bed = Bed::plain();
    let papers = Papers::new();
    let options = papers.erl(&papers.good(), DEMANDING);
    let _erl = reference(&bed, &options);
    let file = |name: &str| papers.dir.join(name);
    let tls = Tls::from_files(file("ca.pem"), file("nut-cert.pem"), file("nut-key.pem"));
    let node = builder(&bed)
        .tls(tls)
        .start()
        .await
        .expect("our node starts");
    node.connect(ERL).await.expect("connected");
    let traffic = tokio::spawn({
        let node = node.clone();
        async move {
            for n in 0..3_000i64 {
                let back: i64 = node.call(("echo", ERL), &n).await.expect("an answer");
                assert_eq!(back, n);
            }
        }
    });
    // From another CA, which only those trust that come later.
    let new = Ca::new("New CA");
    papers.put("ca.pem", &format!("{}{}", papers.ca.pem, new.pem));
    let certificate = new.with(&["127.0.0.1"], |params| {
        let name = "127.0.0.1".try_into().expect("it is ASCII");
        params.subject_alt_names.push(rcgen::SanType::DnsName(name));
    });
    papers.install("nut", &certificate);
    node.reload_tls().expect("they are good");
    assert!(!traffic.is_finished(), "it is under traffic");
    papers.put("new-ca.pem", &new.pem);
    let theirs = new.with(&["127.0.0.1"], |_| {});
    papers.install("late", &theirs);
    let all = format!(
        "{{certfile, {:?}}}, {{keyfile, {:?}}}, {{cacertfile, {:?}}}, {DEMANDING}",
        papers.inside.join("late-cert.pem"),
        papers.inside.join("late-key.pem"),
        papers.inside.join("new-ca.pem")
    );
    let late = papers.options(&all);
    let late: Vec<_> = late.iter().map(String::as_str).collect();
    bed.erlang_with(
        &late,
        "late@127.0.0.1",
        bed.cookie(),
        "calls",
        "connects",
        &["ours@127.0.0.1"],
    )
    .expect_ok(PATIENCE);
    traffic.await.expect("nothing is lost");
    let reply: Term = node
        .call(("echo", ERL), &atoms::OK)
        .await
        .expect("an answer");
    assert_eq!(reply, Term::from(atoms::OK));
    node.stop().await;
}

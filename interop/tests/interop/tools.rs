//! Real tools that are not ours, against a node of ours and the EPMD that it serves.

use std::time::Duration;

use kista::{EpmdInUse, EpmdMode, Node};
use kista_interop::{Bed, Program};

const OURS: &str = "ours@127.0.0.1";
const ERL: &str = "erl@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);

/// A bed on which our node is the EPMD.
async fn embedded() -> (Bed, Node) {
    let bed = Bed::without_epmd();
    let node = bed
        .node(OURS)
        .epmd(EpmdMode::Embedded)
        .visible()
        .start()
        .await
        .expect("our node starts");
    assert_eq!(node.epmd(), EpmdInUse::Embedded);
    (bed, node)
}

/// What a tool prints, when it ends well.
fn output(bed: &Bed, program: &str, arguments: &[&str]) -> String {
    let output = bed
        .command(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn server(bed: &Bed) -> Program {
    let mut erl = bed.erlang(ERL, "tools", "serve", &[]);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    erl
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epmd_lists_the_names_of_our_epmd() {
    let (bed, node) = embedded().await;
    let _erl = server(&bed);
    let port = bed.epmd_port().to_string();
    let names = output(&bed, "epmd", &["-port", &port, "-names"]);
    assert!(
        names.contains(&format!("running on port {port} with data:")),
        "{names}"
    );
    assert!(
        names.contains(&format!("name ours at port {}", node.port())),
        "{names}"
    );
    assert!(names.contains("name erl at port "), "{names}");
    // It is asked to end, and does not: names are registered.
    let kill = bed.command("epmd").args(["-port", &port, "-kill"]).output();
    let kill = String::from_utf8_lossy(&kill.expect("epmd runs").stdout).into_owned();
    assert!(kill.contains("Killing not allowed"), "{kill}");
    output(&bed, "epmd", &["-port", &port, "-names"]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn net_adm_finds_the_nodes_of_our_epmd() {
    let (bed, node) = embedded().await;
    bed.erlang(ERL, "tools", "names", &[OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

/// `erl_call` is a node in C: it asks our EPMD for the way to an `erl`, and has it compute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erl_call_finds_an_erl_by_our_epmd() {
    let (bed, node) = embedded().await;
    let _erl = server(&bed);
    let answer = output(
        &bed,
        "erl_call",
        &[
            "-c",
            bed.cookie(),
            "-name",
            ERL,
            "-a",
            "lists sum [[1,2,39]]",
        ],
    );
    assert_eq!(answer, "42");
    node.stop().await;
}

/// The same node in C against ours: another implementation of the handshake, which comes in and is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erl_call_runs_what_we_exposed_and_nothing_else() {
    let (bed, node) = embedded().await;
    node.expose("demo", "add", async |a: i64, b: i64| a + b)
        .expect("it is exposed");
    let mut events = node.events();
    let call = |what| {
        let call = bed
            .command("erl_call")
            .args(["-c", bed.cookie(), "-name", OURS, "-a", what])
            .output()
            .expect("erl_call runs");
        String::from_utf8_lossy(&[call.stdout, call.stderr].concat()).into_owned()
    };
    assert_eq!(call("demo add [2,40]"), "42");
    let up = tokio::time::timeout(PATIENCE, events.next())
        .await
        .expect("it comes in");
    assert!(
        matches!(up, Some(kista::NodeEvent::Up { hidden: true, .. })),
        "{up:?}"
    );
    let refused = call("nobody nothing []");
    assert!(refused.contains("undef"), "{refused}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elixir_pings_us_by_our_epmd() {
    let (bed, node) = embedded().await;
    bed.elixir("ex@127.0.0.1", "peer", &["ping", OURS])
        .expect_ok(PATIENCE);
    node.stop().await;
}

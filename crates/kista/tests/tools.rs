//! Programs of Erlang that were written for Erlang's EPMD and nodes, against ours.

#[path = "support/port.rs"]
mod port;

use std::process::Stdio;

use kista::{EpmdInUse, EpmdMode, Node};
use port::free_port;
use tokio::process::Command;

/// A node that is its own EPMD.
async fn node(epmd_port: u16) -> Node {
    let builder = Node::builder("tools@127.0.0.1").cookie("tools");
    let node = builder
        .epmd(EpmdMode::Embedded)
        .epmd_port(epmd_port)
        .start()
        .await
        .unwrap();
    assert_eq!(node.epmd(), EpmdInUse::Embedded);
    node
}

/// What a program prints, when it asks the EPMD at this port.
async fn output(program: &str, epmd_port: u16, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("ERL_EPMD_PORT", epmd_port.to_string())
        .stdin(Stdio::null())
        .output()
        .await
        .expect("this test needs Erlang: apt-get install erlang-base erlang-dev");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlangs_tools_list_the_nodes_that_our_epmd_knows() {
    let port = free_port();
    let node = node(port).await;
    let names = output("epmd", port, &["-names"]).await;
    assert!(names.contains(&format!("port {port} with data")), "{names}");
    assert!(
        names.contains(&format!("name tools at port {}", node.port())),
        "{names}"
    );
    let ask = "io:format(\"~0p\", [net_adm:names('127.0.0.1')]), halt().";
    let names = output("erl", port, &["-noinput", "-eval", ask]).await;
    assert_eq!(names, format!("{{ok,[{{\"tools\",{}}}]}}", node.port()));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erl_call_finds_a_node_by_our_epmd_and_calls_what_it_exposes() {
    let port = free_port();
    let node = node(port).await;
    node.expose("demo", "add", async |a: i64, b: i64| a + b)
        .unwrap();
    let called = [
        "-c",
        "tools",
        "-name",
        "tools@127.0.0.1",
        "-a",
        "demo add [20, 22]",
    ];
    assert_eq!(output("erl_call", port, &called).await.trim(), "42");
    let not_exposed = [
        "-c",
        "tools",
        "-name",
        "tools@127.0.0.1",
        "-a",
        "erlang halt []",
    ];
    assert!(
        output("erl_call", port, &not_exposed)
            .await
            .contains("undef")
    );
    node.stop().await;
}

//! Erlang, as it comes: `erl` from the PATH, without any option that makes it faster or slower.

use std::cell::OnceCell;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::papers::Papers;
use super::{Peer, roles};
use crate::row::{Pattern, Row, Work};

/// Plain messages between processes, `gen_server:call`, the real distribution between two nodes, and the BIFs
/// `term_to_binary` and `binary_to_term`.
#[derive(Default)]
pub(super) struct Erl(OnceCell<Setup>);

struct Setup {
    papers: OnceCell<Papers>,
    directory: PathBuf,
    epmd: Child,
    epmd_port: u16,
}

impl Peer for Erl {
    fn name(&self) -> &'static str {
        "erl"
    }

    fn missing(&self) -> Option<String> {
        let runs = Command::new("erl")
            .args(["-noshell", "-eval", "halt()."])
            .output()
            .is_ok();
        (!runs).then(|| {
            "no `erl` on the PATH (apt-get install --no-install-recommends erlang-base)".to_owned()
        })
    }

    fn processes(&self, row: &Row) -> Option<Vec<Command>> {
        let setup = self.0.get_or_init(Setup::new);
        let command = |role: &super::Role| {
            let role = format!("{role:?}").to_lowercase();
            let mut command = Command::new("erl");
            command
                .env("ERL_EPMD_PORT", setup.epmd_port.to_string())
                .arg("-noshell")
                .arg("-pz")
                .arg(&setup.directory);
            if matches!(row.work, Work::Network(..)) {
                command.args(["-name", &format!("{role}@127.0.0.1"), "-setcookie", "bench"]);
            }
            if row.work.over_tls() {
                let papers = setup.papers.get_or_init(|| Papers::new("erl"));
                command
                    .args(["-proto_dist", "inet_tls", "-ssl_dist_optfile"])
                    .arg(papers.dir().join("dist.conf"));
            }
            // More than its default of 262,144 processes.
            command.args(["+P", "2000000", "-run", "bench", "run", row.name, &role]);
            command
        };
        match row.work {
            // One `erl` is one node.
            Work::Network(Pattern::Nodes { .. }, _) => None,
            Work::Codec(document, _) => {
                let file = setup.directory.join(format!("{document:?}"));
                std::fs::write(&file, document.bytes()).expect("the directory can be written");
                let mut only = command(&super::Role::Only);
                only.env("KISTA_BENCH_DOCUMENT", file);
                Some(vec![only])
            }
            _ => Some(roles(row).iter().map(command).collect()),
        }
    }
}

impl Erl {
    /// The port of the EPMD of its nodes.
    pub(super) fn epmd_port(&self) -> u16 {
        self.0.get_or_init(Setup::new).epmd_port
    }
}

impl Setup {
    /// Compiles the module, and starts an EPMD of its own, so that the machine's is not needed.
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("kista-bench-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory can be made");
        let source = directory.join("bench.erl");
        std::fs::write(&source, include_str!("../../erlang/bench.erl"))
            .expect("the directory can be written");
        let erlc = Command::new("erlc")
            .arg("-o")
            .arg(&directory)
            .arg(&source)
            .status();
        assert!(
            erlc.is_ok_and(|status| status.success()),
            "erlc does not compile the benchmark's module"
        );

        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let epmd_port = listener.local_addr().expect("bound").port();
        drop(listener);
        let epmd = Command::new("epmd")
            .args(["-address", "127.0.0.1", "-port", &epmd_port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("epmd comes with erl");
        while TcpStream::connect((Ipv4Addr::LOCALHOST, epmd_port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            papers: OnceCell::new(),
            directory,
            epmd,
            epmd_port,
        }
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        let _ = self.epmd.kill();
        let _ = self.epmd.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

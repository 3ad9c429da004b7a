//! One test's surroundings.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use kista::{EpmdMode, Node, NodeBuilder};

use crate::papers::Papers;
use crate::{Otp, Program, modules};

/// The cookie of all nodes on a bed, as the demo's contract has it.
const COOKIE: &str = "kista";

/// One test's surroundings: a release of OTP, a private EPMD through which the test's nodes find each other, and what they speak: TLS
/// when `KISTA_TLS` is set, else plain distribution.
#[derive(Debug)]
pub struct Bed {
    otp: &'static Otp,
    papers: Option<&'static Papers>,
    epmd_port: u16,
    /// Keeps the port from the beds of other processes, which look for theirs the same way. Whoever else speaks TCP there is not in its way.
    _held: Option<UdpSocket>,
    /// It is killed with the bed; somebody else's is not here.
    epmd: Option<Program>,
}

impl Bed {
    /// A new bed on the release that [`Otp::current`] names.
    ///
    /// # Panics
    ///
    /// When EPMD does not start.
    #[expect(
        clippy::new_without_default,
        reason = "it starts a program; that is nobody's default value"
    )]
    pub fn new() -> Self {
        Self::with(asked_for())
    }

    /// A bed whose nodes speak plain distribution, whatever is asked for: for what reads the wire, or brings certificates of its own.
    ///
    /// # Panics
    ///
    /// As [`Bed::new`].
    pub fn plain() -> Self {
        Self::with(None)
    }

    fn with(papers: Option<&'static Papers>) -> Self {
        let otp = Otp::current();
        // Someone who is no bed may take the free port before EPMD does; then it ends, and another port is tried.
        for _ in 0..20 {
            let (epmd_port, held) = free_port();
            let mut epmd = start_epmd(otp, epmd_port);
            if listens(epmd_port) && epmd.is_running() {
                return Self {
                    otp,
                    papers,
                    epmd_port,
                    _held: Some(held),
                    epmd: Some(epmd),
                };
            }
        }
        panic!("epmd does not start");
    }

    /// A bed on the same release whose EPMD is somebody else's, at this port. Its nodes speak plain distribution: it is for those who stand
    /// between them, and for tools that know no other.
    pub fn on_epmd(epmd_port: u16) -> Self {
        Self {
            otp: Otp::current(),
            papers: None,
            epmd_port,
            _held: None,
            epmd: None,
        }
    }

    /// A plain bed without any EPMD, at a port where one may be started.
    pub fn without_epmd() -> Self {
        let (epmd_port, held) = free_port();
        Self {
            _held: Some(held),
            ..Self::on_epmd(epmd_port)
        }
    }

    /// Kills the bed's EPMD and starts another, which knows nobody, on the same port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart_epmd(&mut self) {
        // Dropped, it is killed.
        self.epmd = None;
        let epmd = self.epmd.insert(start_epmd(self.otp, self.epmd_port));
        assert!(
            listens(self.epmd_port) && epmd.is_running(),
            "{:?}",
            epmd.printed()
        );
    }

    /// Whether the bed's EPMD knows a node of this name, without its host.
    pub fn is_registered(&self, alive: &str) -> bool {
        let length = u16::try_from(alive.len() + 1).expect("a short name");
        let asked =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.epmd_port)).and_then(|mut epmd| {
                epmd.write_all(&length.to_be_bytes())?;
                // PORT_PLEASE2_REQ; the answer is PORT2_RESP and 0 when there is one.
                epmd.write_all(&[b"z", alive.as_bytes()].concat())?;
                let mut answer = [0; 2];
                epmd.read_exact(&mut answer).map(|()| answer)
            });
        asked.is_ok_and(|answer| answer == [119, 0])
    }

    /// The release that this bed's peers are.
    pub fn otp(&self) -> &'static Otp {
        self.otp
    }

    /// The port of the bed's private EPMD.
    pub fn epmd_port(&self) -> u16 {
        self.epmd_port
    }

    /// The cookie of every node on the bed.
    pub fn cookie(&self) -> &'static str {
        COOKIE
    }

    /// A command for a program of ours that takes `--cookie`, and `--tls DIR` as the demo does, when the bed's nodes speak that; after these
    /// arguments.
    pub fn our_command(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
        let mut command = self.outside_command(program);
        command.args(arguments).args(["--cookie", COOKIE]);
        if let Some(papers) = self.papers {
            command.arg("--tls").arg(papers.dir());
        }
        command
    }

    /// Whether its nodes speak TLS.
    pub fn is_tls(&self) -> bool {
        self.papers.is_some()
    }

    /// A node of ours on the bed, hidden as long as nothing else is said.
    pub fn node(&self, name: &str) -> NodeBuilder {
        let builder = Node::builder(name)
            .cookie(COOKIE)
            .epmd(EpmdMode::Running)
            .epmd_port(self.epmd_port);
        match self.papers {
            Some(papers) => builder.tls(papers.tls()),
            None => builder,
        }
    }

    /// Starts a visible Erlang node of this full name that runs `module:function(Arguments)`, each argument a string.
    pub fn erlang(&self, name: &str, module: &str, function: &str, arguments: &[&str]) -> Program {
        self.erlang_with(&[], name, COOKIE, module, function, arguments)
    }

    /// As [`Bed::erlang`], with options of `erl` (such as `-hidden` or `-kernel net_ticktime 8`) and a cookie.
    pub fn erlang_with(
        &self,
        options: &[&str],
        name: &str,
        cookie: &str,
        module: &str,
        function: &str,
        arguments: &[&str],
    ) -> Program {
        let mut command = self.command("erl");
        command.args(["-noshell", "-name", name, "-setcookie", cookie]);
        command
            .arg("-pz")
            .arg(modules::directory(self.otp))
            .args(options);
        command
            .args(["-run", "scenario", "run", module, function])
            .args(arguments);
        Program::start(&format!("erl {name} {module}:{function}"), command)
    }

    /// Starts a visible Elixir node of this full name that runs `elixir/SCRIPT.exs` with these arguments.
    pub fn elixir(&self, name: &str, script: &str, arguments: &[&str]) -> Program {
        let mut command = self.command("elixir");
        command.args(["--name", name, "--cookie", COOKIE]);
        command
            .arg(modules::directory(self.otp).join(format!("{script}.exs")))
            .args(arguments);
        Program::start(
            &format!("elixir {name} {script} {}", arguments.join(" ")),
            command,
        )
    }

    /// A command for a program of the release, which will find this bed's EPMD.
    pub fn command(&self, program: &str) -> Command {
        let mut command = self.with_epmd(self.otp.command(program));
        if let Some(papers) = self.papers {
            // Every `erl` reads the first, also those that Elixir starts; peers that make their frames by hand the second.
            command
                .env("ERL_FLAGS", papers.flags())
                .env("KISTA_TLS_DIR", papers.inside());
        }
        command
    }

    /// A command for any other program, which will find this bed's EPMD.
    pub fn outside_command(&self, program: impl AsRef<OsStr>) -> Command {
        self.with_epmd(Command::new(program))
    }

    fn with_epmd(&self, mut command: Command) -> Command {
        command.env("ERL_EPMD_PORT", self.epmd_port.to_string());
        command
    }
}

/// What the environment asks for.
fn asked_for() -> Option<&'static Papers> {
    std::env::var_os("KISTA_TLS").map(|_| Papers::of(Otp::current()))
}

fn start_epmd(otp: &Otp, port: u16) -> Program {
    let mut command = otp.command("epmd");
    command.args(["-address", "127.0.0.1", "-port", &port.to_string()]);
    Program::start("epmd", command)
}

/// A port that is free, and what holds it; none that the system gives to others who ask for any: between the look and the use
/// somebody would get it now and then.
fn free_port() -> (u16, UdpSocket) {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let process = (std::process::id() % 13) as u16;
        let port = 30_000 + process * 200 + NEXT.fetch_add(1, Ordering::Relaxed) % 200;
        if let Ok(held) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
            && TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
        {
            return (port, held);
        }
    }
}

fn listens(port: u16) -> bool {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

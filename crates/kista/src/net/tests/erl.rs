//! A real Erlang node that is told what to evaluate.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::*;

/// An `erl` that evaluates what is written to it.
pub(super) struct Erl {
    pub(super) child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    pub(super) name: Atom,
}

/// Reads expressions, one a line, and prints their values behind a mark.
const LOOP: &str = "F = fun F(B) -> case io:get_line([]) of eof -> halt(0); L -> \
    {ok, T, _} = erl_scan:string(L), {ok, E} = erl_parse:parse_exprs(T), \
    {V, B2} = try {value, X, Y} = erl_eval:exprs(E, B), {X, Y} catch C:R -> {{C, R}, B} end, \
    io:format(\"=> ~0p~n\", [V]), F(B2) end end, \
    io:format(\"=> ready~n\"), F([]).";

impl Erl {
    pub(super) async fn start(alive: &str, epmd_port: u16, more: &[&str]) -> Self {
        let name = format!("{alive}@127.0.0.1");
        let mut args = vec!["-name", &name, "-setcookie", COOKIE];
        args.extend_from_slice(more);
        Self::spawn(&name, epmd_port, &args).await
    }

    pub(super) async fn spawn(name: &str, epmd_port: u16, args: &[&str]) -> Self {
        let mut child = command()
            .args(["-noshell", "-start_epmd", "false"])
            .args(args)
            .args(["-eval", LOOP])
            .env("ERL_EPMD_PORT", epmd_port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("this test needs Erlang: apt-get install erlang-base");
        let mut erl = Self {
            stdin: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            name: Atom::new(name).unwrap(),
        };
        assert_eq!(erl.answer().await, "ready");
        erl
    }

    async fn answer(&mut self) -> String {
        loop {
            let line = tokio::time::timeout(Duration::from_secs(30), self.lines.next_line())
                .await
                .unwrap()
                .unwrap();
            if let Some(value) = line.expect("erl ended").strip_prefix("=> ") {
                return value.to_owned();
            }
        }
    }

    pub(super) async fn eval(&mut self, expression: &str) -> String {
        self.stdin.write_all(expression.as_bytes()).await.unwrap();
        self.stdin.write_all(b".\n").await.unwrap();
        self.answer().await
    }

    /// Makes `localhost` known to it, also where no file of hosts tells.
    pub(super) async fn know_localhost(&mut self) {
        let know =
            "inet_db:add_host({127,0,0,1}, [\"localhost\"]), inet_db:set_lookup([file, native])";
        assert_eq!(self.eval(know).await, "ok");
    }
}

/// This machine's `erl`, or that of the release in `KISTA_OTP_ROOT`, as `./test --otp` sets it.
fn command() -> Command {
    match std::env::var_os("KISTA_OTP_ROOT") {
        Some(root) if root != "/" => {
            let mut command = Command::new("chroot");
            command.arg(root).arg("erl");
            command.env("HOME", "/tmp").current_dir("/");
            command
        }
        _ => Command::new("erl"),
    }
}

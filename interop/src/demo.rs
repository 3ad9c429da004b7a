//! The node that peers test: the demo, or its reference in Erlang.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crate::{Bed, Program};

/// What a scenario is run against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The demo node, in Rust.
    Demo,
    /// The same contract in plain Erlang (`erlang/demo_reference.erl`): proves that a scenario asks for what OTP does.
    Reference,
}

impl Subject {
    /// Starts it under this full name and returns when it accepts connections. `options` are the demo's: `--hidden`,
    /// `--net-ticktime SECONDS`.
    ///
    /// # Panics
    ///
    /// When it is not ready within 20 seconds.
    #[track_caller]
    pub fn start(self, bed: &Bed, name: &str, options: &[&str]) -> Program {
        let mut program = match self {
            Self::Demo => {
                let mut command = bed.our_command(demo_binary(), &["--name", name]);
                command.args(options);
                Program::start(&format!("demo {name}"), command)
            }
            Self::Reference => {
                let mut erl = Vec::new();
                let mut options = options.iter();
                while let Some(&option) = options.next() {
                    match option {
                        "--hidden" => erl.push("-hidden"),
                        "--net-ticktime" => {
                            erl.extend([
                                "-kernel",
                                "net_ticktime",
                                options.next().expect("seconds follow"),
                            ]);
                        }
                        other => panic!("the reference does not know {other}"),
                    }
                }
                bed.erlang_with(&erl, name, bed.cookie(), "demo_reference", "start", &[])
            }
        };
        program.expect(&format!("ready {name}"), Duration::from_secs(20));
        program
    }
}

/// The demo's executable: `KISTA_DEMO` when that is set, else built now in release mode.
///
/// # Panics
///
/// When it does not build.
pub fn demo_binary() -> &'static PathBuf {
    static DEMO: OnceLock<PathBuf> = OnceLock::new();
    DEMO.get_or_init(|| {
        if let Some(demo) = std::env::var_os("KISTA_DEMO") {
            return demo.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--quiet",
                "--package",
                "kista",
                "--example",
                "demo",
            ])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "the demo does not build: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        // A test is TARGET/PROFILE/deps/NAME, a program TARGET/PROFILE/NAME.
        let program = std::env::current_exe().expect("a running program has a path");
        let within = program.parent().expect("cargo's layout");
        let depth = if within.ends_with("deps") { 3 } else { 2 };
        let target = program.ancestors().nth(depth).expect("cargo's layout");
        target.join("release/examples/demo")
    })
}

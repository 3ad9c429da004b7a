//! Which Erlang/OTP the peers are, and how to start its programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One installed Erlang/OTP with its Elixir: this machine's own, or one in a directory that is entered by `chroot`.
///
/// Loopback is the same inside and outside a `chroot`, so nodes on both sides reach each other.
#[derive(Debug)]
pub struct Otp {
    root: PathBuf,
    release: u32,
}

impl Otp {
    /// The release that `KISTA_OTP_ROOT` names.
    ///
    /// # Panics
    ///
    /// When it has no working `erl`: a test that needs a peer fails, and says how to get one.
    pub fn current() -> &'static Self {
        static CURRENT: OnceLock<Otp> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let root = std::env::var_os("KISTA_OTP_ROOT")
                .map_or_else(|| PathBuf::from("/"), PathBuf::from);
            let mut otp = Self { root, release: 0 };
            otp.release = otp.ask_release();
            otp
        })
    }

    /// The release's number, such as 27.
    pub fn release(&self) -> u32 {
        self.release
    }

    /// A command that runs `program` (`erl`, `erlc`, `epmd`, `elixir`) of this release.
    pub fn command(&self, program: &str) -> Command {
        let mut command = if self.is_host() {
            Command::new(program)
        } else {
            let mut enter = if is_root() {
                Command::new("chroot")
            } else {
                let mut sudo = Command::new("sudo");
                sudo.args(["--preserve-env", "chroot"]);
                sudo
            };
            enter.arg(&self.root).arg(program);
            // The shell scripts that start Erlang look for `dirname` and the like.
            enter.env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            );
            enter.env("HOME", "/tmp");
            enter.current_dir("/");
            enter
        };
        // Elixir warns on stderr about any encoding but UTF-8.
        command
            .env("ERL_CRASH_DUMP", "/dev/null")
            .env("LANG", "C.UTF-8")
            .env("LC_ALL", "C.UTF-8")
            .env("ELIXIR_ERL_OPTIONS", "+fnu");
        command
    }

    /// A path for a file of this name that both sides can use: as the release's own programs see it. Those of a `chroot` start
    /// in their root, and so find it from there.
    pub fn temporary(&self, name: &str) -> PathBuf {
        if self.is_host() {
            std::env::temp_dir().join(name)
        } else {
            Path::new("tmp").join(name)
        }
    }

    /// Where `inside`, a path as the release's own programs see it, is for us.
    pub fn outside(&self, inside: &Path) -> PathBuf {
        self.root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Where OTP's `observer` is, `etop` in it, as the release's own programs find it: those of others begin in their root.
    ///
    /// # Panics
    ///
    /// When it is nowhere.
    pub fn observer(&self) -> PathBuf {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(home?.join(".cache")));
        let inside = match self.is_host() {
            true => cache.unwrap_or_default().join("kista/observer-host"),
            false => PathBuf::from("observer"),
        };
        let found = inside.join("ebin");
        assert!(
            self.outside(&found).join("etop.beam").is_file(),
            "no etop in {}: `./test` puts it there, or run `scripts/otp host` (or the number of the release)",
            self.outside(&found).display()
        );
        found
    }

    fn is_host(&self) -> bool {
        self.root == Path::new("/")
    }

    fn ask_release(&self) -> u32 {
        let output = self
            .command("erl")
            .args([
                "-noshell",
                "-eval",
                "io:put_chars(erlang:system_info(otp_release)), halt().",
            ])
            .output();
        let found = output
            .ok()
            .and_then(|output| String::from_utf8(output.stdout).ok()?.trim().parse().ok());
        found.unwrap_or_else(|| {
            panic!(
                "these tests need a real Erlang, and `erl` does not run in {}: \
                 `./test` installs it, or run `scripts/otp host`",
                self.root.display()
            )
        })
    }
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| {
        Command::new("id")
            .arg("-u")
            .output()
            .is_ok_and(|output| output.stdout == b"0\n")
    })
}

//! Certificates for the nodes of a bed that speak TLS.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kista::Tls;
use kista::tls::{Authority, TlsError};

use crate::Otp;

/// Of one CA and for 127.0.0.1: one for our nodes, which the demo looks for too (`nut-cert.pem`), and one for Erlang's, with a file of
/// options that demand the same of whoever is met. A release's nodes find them from inside and ours from outside.
#[derive(Debug)]
pub(crate) struct Papers {
    inside: PathBuf,
    dir: PathBuf,
}

impl Papers {
    /// Made once, and kept: filled under another name and renamed when they are whole, as several test binaries may want them at once.
    ///
    /// # Panics
    ///
    /// When they cannot be made.
    pub(crate) fn of(otp: &Otp) -> &'static Self {
        static PAPERS: OnceLock<Papers> = OnceLock::new();
        PAPERS.get_or_init(|| {
            // What a user made no other one can read.
            let user = fs::metadata("/proc/self").map_or(0, |process| process.uid());
            let inside = Path::new("/tmp").join(format!("kista-interop-tls-{user}"));
            let dir = otp.outside(&inside);
            if !dir.is_dir() {
                let new = dir.with_extension(std::process::id().to_string());
                fill(&new, &inside).expect("certificates can be made");
                if fs::rename(&new, &dir).is_err() {
                    let _ = fs::remove_dir_all(&new);
                }
            }
            assert!(dir.is_dir(), "cannot make {}", dir.display());
            Self { inside, dir }
        })
    }

    /// Where they are for our programs.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where they are for programs of the release.
    pub(crate) fn inside(&self) -> &Path {
        &self.inside
    }

    /// What every `erl` has to be told, whoever starts it. Many that greet each other at once on a small machine have more to compute than
    /// the usual seven seconds hold.
    pub(crate) fn flags(&self) -> String {
        let conf = self.inside.join("dist.conf");
        let conf = conf.display();
        format!("-proto_dist inet_tls -ssl_dist_optfile {conf} -kernel net_setuptime 60")
    }

    /// What a node of ours has to be told.
    pub(crate) fn tls(&self) -> Tls {
        let file = |name| self.dir.join(name);
        Tls::from_files(file("ca.pem"), file("nut-cert.pem"), file("nut-key.pem"))
    }
}

/// `inside` is how the directory will be named in the end, to those who read the options.
fn fill(dir: &Path, inside: &Path) -> Result<(), TlsError> {
    let authority = Authority::open(dir)?;
    for name in ["nut", "erl"] {
        authority.issue("127.0.0.1")?.write(dir, name)?;
    }
    let file = |name| inside.join(name);
    let all = format!(
        "{{certfile, {:?}}}, {{keyfile, {:?}}}, {{cacertfile, {:?}}}, {{verify, verify_peer}}",
        file("erl-cert.pem"),
        file("erl-key.pem"),
        file("ca.pem")
    );
    let conf =
        format!("[{{server, [{all}, {{fail_if_no_peer_cert, true}}]}}, {{client, [{all}]}}].");
    let path = dir.join("dist.conf");
    fs::write(&path, conf).map_err(|source| TlsError::Write { path, source })
}

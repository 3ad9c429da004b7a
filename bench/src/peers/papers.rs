//! Certificates for the rows over TLS, the same for all peers: a CA, and one certificate for the host that all nodes are on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kista::tls::Authority;

/// A directory with `ca.pem`, `cert.pem` and `key.pem`, and `dist.conf` for Erlang's `-ssl_dist_optfile`; gone when dropped.
pub(super) struct Papers(PathBuf);

impl Papers {
    /// For `whom`, a word of the directory's name.
    pub(super) fn new(whom: &str) -> Self {
        let dir =
            std::env::temp_dir().join(format!("kista-bench-{}-{whom}-tls", std::process::id()));
        let authority = Authority::open(dir.join("authority")).expect("a CA can be made");
        let issued = authority.issue("127.0.0.1").expect("a host's address");
        let mut files = String::new();
        for (option, file, text) in [
            ("cacertfile", "ca.pem", authority.pem()),
            ("certfile", "cert.pem", &issued.certificate),
            ("keyfile", "key.pem", &issued.key),
        ] {
            let path = dir.join(file);
            std::fs::write(&path, text).expect("the directory can be written");
            write!(files, "{{{option}, {path:?}}}, ").expect("a string");
        }
        let conf = format!(
            "[{{server, [{files}{{verify, verify_peer}}, {{fail_if_no_peer_cert, true}}]}},
              {{client, [{files}{{verify, verify_peer}}]}}]."
        );
        std::fs::write(dir.join("dist.conf"), conf).expect("the directory can be written");
        Self(dir)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

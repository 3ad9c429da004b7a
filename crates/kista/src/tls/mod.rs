//! Distribution over TLS, as `erl -proto_dist inet_tls` speaks it: every connection is encrypted, and both sides prove by certificates of a
//! common CA who they are, before the cookie is asked for. Feature `tls`.
//!
//! 1. Both sides show a certificate, always. There is no way to accept one that no CA of ours has signed.
//! 2. TLS 1.3, and 1.2 for Erlang nodes before OTP 28, whose distribution offers nothing newer unless told to ([`Tls::tls13_only`]).
//! 3. A certificate is held against the host part of the node's name: see [`NameCheck`].
//! 4. No sessions are resumed, so that each connection is judged by the certificates and the CA of its own day.
//! 5. Files are looked at for each new connection. When they changed, and fit together, new connections use the new ones; those that are up go
//!    on. Files that do not fit together are said in the log, and the old ones are used on.
//! 6. What was read and will do harm is said in the log (warn), once: a private key that everybody on the machine can read, a certificate
//!    that is not for the host of this node's name, which peers refuse.

mod advice;
mod authority;
mod configs;
mod error;
mod failure;
mod live;
mod material;
mod names;
mod verify;

use std::fmt;
use std::path::PathBuf;

pub use authority::{Authority, Issued};
pub use error::TlsError;
pub(crate) use failure::Failure;
pub(crate) use live::{LiveTls, server_name};
pub(crate) use names::CertNames;

use material::{Pem, Source};

/// How a node speaks TLS with its peers; for [`NodeBuilder::tls`](crate::NodeBuilder::tls) and [`Route::tls`](crate::Route::tls).
///
/// ```
/// use kista::{Node, Tls};
/// # let dir = std::env::temp_dir().join(format!("kista-doc-{}", std::process::id()));
/// // Certificates of an own CA, as files.
/// let tls = Tls::from_files("/etc/kista/ca.pem", "/etc/kista/cert.pem", "/etc/kista/key.pem");
/// // Or made here: the CA lives in a directory that all nodes get a copy of.
/// let tls = Tls::generated_in(&dir);
/// let builder = Node::builder("demo@127.0.0.1").tls(tls);
/// ```
#[derive(Clone)]
#[must_use = "it is given to a node's builder or a route"]
pub struct Tls {
    source: Source,
    names: NameCheck,
    tls13_only: bool,
}

/// Which peers' certificates must be valid for the host part of their node's name: for a name or an address among the subject's
/// alternative names, or the common name where there are none of those, as Erlang judges it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameCheck {
    /// All peers', whoever dialled. A certificate of one machine is then of no use on another.
    #[default]
    Host,
    /// Those of peers that this node dials, as it is in Erlang with `verify_peer`. Whoever dials this node may use any host's name.
    Dialled,
    /// None: any certificate of the CA will do.
    Off,
}

impl Tls {
    /// With a CA of this user: made on first use in `kista/tls` of the directory for configurations (`XDG_CONFIG_HOME`, else `~/.config`),
    /// where all nodes of the user on this machine find it. For nodes elsewhere that directory is copied, as one copies the
    /// cookie. The node's own certificate is made at each start, for the host part of its name, and stays in memory.
    pub fn generated() -> Self {
        Self::new(Source::Generated { dir: None })
    }

    /// As [`Tls::generated`], with the CA in that directory: see [`Authority`].
    pub fn generated_in(dir: impl Into<PathBuf>) -> Self {
        Self::new(Source::Generated {
            dir: Some(dir.into()),
        })
    }

    /// From PEM files: the certificates of the CA's that are trusted, this node's own with those between it and its CA, if any, and
    /// its private key (PKCS#8, PKCS#1 or SEC1, not encrypted).
    pub fn from_files(
        ca: impl Into<PathBuf>,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        Self::new(Source::Given {
            ca: Pem::File(ca.into()),
            certificate: Pem::File(certificate.into()),
            key: Pem::File(key.into()),
        })
    }

    /// From the files `ca.pem`, `cert.pem` and `key.pem` of that directory.
    pub fn from_dir(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        Self::from_files(
            dir.join("ca.pem"),
            dir.join("cert.pem"),
            dir.join("key.pem"),
        )
    }

    /// From texts, as [`Tls::from_files`] reads them from files.
    pub fn from_pem(
        ca: impl Into<String>,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        Self::new(Source::Given {
            ca: Pem::Text(ca.into()),
            certificate: Pem::Text(certificate.into()),
            key: Pem::Text(key.into()),
        })
    }

    /// Whose certificates are held against the names of their nodes; [`NameCheck::Host`] by default.
    pub fn names(mut self, names: NameCheck) -> Self {
        self.names = names;
        self
    }

    /// Speaks TLS 1.3 only. Erlang nodes before OTP 28 need `{versions, ['tlsv1.3']}` among their options then.
    pub fn tls13_only(mut self) -> Self {
        self.tls13_only = true;
        self
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            names: NameCheck::default(),
            tls13_only: false,
        }
    }
}

/// Without what is secret.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("source", &self.source)
            .field("names", &self.names)
            .field("tls13_only", &self.tls13_only)
            .finish()
    }
}

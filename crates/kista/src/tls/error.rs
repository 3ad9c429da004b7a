use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why certificates cannot be used: a fault on our side. Each says what to change.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No certificate where one should be, or one that is none.
    #[error("{what}: {why}")]
    Certificate {
        /// Whose, and where.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// No private key that can be read.
    #[error(
        "{what}: {why} (a PKCS#8, PKCS#1 or SEC1 key in PEM that is not encrypted is asked for)"
    )]
    Key {
        /// Where.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The certificate is another key's.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// The CA's key lies open.
    #[error("{} can be read by others (mode {mode:o}): chmod 600 it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Nowhere to keep the CA.
    #[error("no home directory to keep a CA in: use Tls::generated_in or Tls::from_files")]
    NoHome,
    /// A file could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("no certificate made for {host:?}: {why}")]
    Generate {
        /// Whom it was for.
        host: String,
        /// Why not.
        why: String,
    },
    /// rustls does not take them.
    #[error("the certificates cannot be used: {0}")]
    Unusable(String),
}

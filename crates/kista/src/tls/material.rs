//! Certificates and keys, from wherever they come.

use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Authority, TlsError};

/// Where a node's certificates come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Given {
        ca: Pem,
        certificate: Pem,
        key: Pem,
    },
    /// `None`: where the user's CA is kept.
    Generated {
        dir: Option<PathBuf>,
    },
}

/// A text, or the file that holds it.
#[derive(Clone)]
pub(super) enum Pem {
    File(PathBuf),
    Text(String),
}

/// What a node needs to speak TLS.
pub(super) struct Material {
    pub(super) ca: Vec<CertificateDer<'static>>,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// What tells whether files are those that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp(Vec<Option<FileStamp>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct FileStamp {
    inode: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl Source {
    /// Reads or makes everything; `host` is the host part of the node's name.
    pub(super) fn load(&self, host: &str) -> Result<Material, TlsError> {
        match self {
            Self::Given {
                ca,
                certificate,
                key,
            } => Ok(Material {
                ca: certificates("the CA's certificates", ca)?,
                chain: certificates("this node's certificate", certificate)?,
                key: private_key(key)?,
            }),
            Self::Generated { dir } => {
                let authority = match dir {
                    Some(dir) => Authority::open(dir)?,
                    None => Authority::of_user()?,
                };
                let issued = authority.issue(host)?;
                Ok(Material {
                    ca: certificates(
                        "the CA's certificate",
                        &Pem::Text(authority.pem().to_owned()),
                    )?,
                    chain: certificates("this node's certificate", &Pem::Text(issued.certificate))?,
                    key: private_key(&Pem::Text(issued.key))?,
                })
            }
        }
    }

    /// What is to be seen of the files without reading them. Always the same where there are none, or when we make the certificates.
    pub(super) fn stamp(&self) -> Stamp {
        match self {
            Self::Given {
                ca,
                certificate,
                key,
            } => Stamp([ca, certificate, key].map(Pem::stamp).into()),
            Self::Generated { .. } => Stamp::default(),
        }
    }
}

impl Pem {
    fn read(&self) -> Result<Vec<u8>, TlsError> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::File(path) => read(path),
        }
    }

    fn stamp(&self) -> Option<FileStamp> {
        let Self::File(path) = self else {
            return None;
        };
        fs::metadata(path).ok().as_ref().map(FileStamp::of)
    }
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// A path, or that there is a text: not the text, which may be a key.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Text(_) => f.write_str("a text"),
        }
    }
}

/// For messages.
impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Text(_) => f.write_str("the text given"),
        }
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

fn certificates(whose: &str, pem: &Pem) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |why: String| TlsError::Certificate {
        what: format!("{whose}, {pem}"),
        why,
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.read()?).collect();
    match certificates {
        Ok(none) if none.is_empty() => Err(failed("no certificate in PEM there".to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(failed(error.to_string())),
    }
}

fn private_key(pem: &Pem) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&pem.read()?).map_err(|error| TlsError::Key {
        what: format!("this node's private key, {pem}"),
        why: match error {
            pem::Error::NoItemsFound => "no private key there".to_owned(),
            error => error.to_string(),
        },
    })
}

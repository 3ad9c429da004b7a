use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};

use super::TlsError;
use super::material::read;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long certificates are valid that are made here, from the day before.
const VALID: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";

/// A CA of one's own, in a directory: `ca.pem`, which everybody may see, and `ca-key.pem`, which nobody else may.
///
/// [`Tls::generated`](super::Tls::generated) uses one. By itself it makes certificates for nodes that are not ours:
///
/// ```
/// # let dir = std::env::temp_dir().join(format!("kista-authority-{}", std::process::id()));
/// let authority = kista::tls::Authority::open(&dir)?;
/// // erl -proto_dist inet_tls -ssl_dist_opt server_certfile ... reads such files.
/// authority.issue("10.0.0.7")?.write(&dir, "erlang")?;
/// assert!(dir.join("erlang-cert.pem").exists() && dir.join("erlang-key.pem").exists());
/// # std::fs::remove_dir_all(&dir).ok();
/// # Ok::<(), kista::tls::TlsError>(())
/// ```
pub struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that an [`Authority`] has signed, with its key, both in PEM.
#[non_exhaustive]
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: String,
}

impl Authority {
    /// The CA in that directory; what is missing is made. Of several who make it at the same time all get the same.
    ///
    /// # Errors
    /// A file cannot be read or written, or the key can be read by others.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, TlsError> {
        let dir = dir.as_ref();
        let key = key_in(dir)?;
        let path = dir.join(CERTIFICATE);
        if !path.exists() {
            // Any certificate that says the same of the same key does: it does not matter whose stays.
            let certificate = params_of_ca(&key).self_signed(&key);
            let certificate = certificate.map_err(|error| not_made("a CA", &error))?;
            write(&path, &certificate.pem(), 0o644)?;
        }
        let pem = String::from_utf8_lossy(&read(&path)?).into_owned();
        let issuer = Issuer::new(params_of_ca(&key), key);
        Ok(Self { pem, issuer })
    }

    /// The one of [`Tls::generated`](super::Tls::generated).
    ///
    /// # Errors
    /// See [`Authority::open`]; or there is no home directory.
    pub fn of_user() -> Result<Self, TlsError> {
        let config = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(std::env::home_dir()?.join(".config")))
            .ok_or(TlsError::NoHome)?;
        Self::open(config.join("kista").join("tls"))
    }

    /// Its certificate in PEM: what peers have to trust.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for nodes on that host (a name or an address), for both sides of a connection.
    ///
    /// # Errors
    /// The name cannot stand in a certificate.
    pub fn issue(&self, host: &str) -> Result<Issued, TlsError> {
        let failed = |error: rcgen::Error| not_made(host, &error);
        let key = KeyPair::generate().map_err(failed)?;
        let mut params = CertificateParams::new([host.to_owned()]).map_err(failed)?;
        if host.parse::<std::net::IpAddr>().is_ok() {
            // OTP 25 holds an address against the names.
            let name = SanType::DnsName(host.try_into().map_err(failed)?);
            params.subject_alt_names.push(name);
        }
        params.distinguished_name = called(host);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        limit(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Issued {
    /// Writes `NAME-cert.pem` and `NAME-key.pem` there, over what had these names.
    ///
    /// # Errors
    /// [`TlsError::Write`].
    pub fn write(&self, dir: impl AsRef<Path>, name: &str) -> Result<(), TlsError> {
        let dir = dir.as_ref();
        for (what, text, mode) in [
            ("cert", &self.certificate, 0o644),
            ("key", &self.key, 0o600),
        ] {
            let path = dir.join(format!("{name}-{what}.pem"));
            write(&path, text, mode)?;
        }
        Ok(())
    }
}

/// The CA's key there, made when it is missing.
fn key_in(dir: &Path) -> Result<KeyPair, TlsError> {
    let path = dir.join(KEY);
    if !path.exists() {
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir);
        made.map_err(|error| not_written(dir, error))?;
        let key = KeyPair::generate().map_err(|error| not_made("a CA", &error))?;
        let temporary = temporary(&path)?;
        let placed = write_new(&temporary, &key.serialize_pem(), 0o600)
            .and_then(|()| fs::hard_link(&temporary, &path));
        let _ = fs::remove_file(&temporary);
        match placed {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(not_written(&path, error));
            }
            // Somebody else's, if that was faster.
            _ => {}
        }
    }
    let metadata = fs::metadata(&path).map_err(|source| TlsError::Read {
        path: path.clone(),
        source,
    })?;
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TlsError::Exposed { path, mode });
    }
    let pem = String::from_utf8_lossy(&read(&path)?).into_owned();
    KeyPair::from_pem(&pem).map_err(|error| TlsError::Key {
        what: path.display().to_string(),
        why: error.to_string(),
    })
}

/// Whole or not at all, over what is there: a node may be looking.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let temporary = temporary(path)?;
    write_new(&temporary, text, mode)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| not_written(path, error))
}

fn write_new(path: &Path, text: &str, mode: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A name beside it that nobody else uses.
fn temporary(path: &Path) -> Result<PathBuf, TlsError> {
    let unique =
        getrandom::u64().map_err(|error| not_written(path, std::io::Error::other(error)))?;
    Ok(path.with_extension(format!("new-{unique:016x}")))
}

fn not_written(path: &Path, source: std::io::Error) -> TlsError {
    TlsError::Write {
        path: path.to_owned(),
        source,
    }
}

fn not_made(host: &str, error: &rcgen::Error) -> TlsError {
    TlsError::Generate {
        host: host.to_owned(),
        why: error.to_string(),
    }
}

/// What a CA's certificate says, by its key alone: so that nothing has to be read out of the certificate again.
fn params_of_ca(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let id: String = params
        .key_identifier(key)
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    params.distinguished_name = called(&format!("Kista CA {id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    limit(&mut params);
    params
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn limit(params: &mut CertificateParams) {
    let now = SystemTime::now();
    // Clocks differ.
    params.not_before = (now - DAY).into();
    params.not_after = (now + VALID).into();
}

use std::io;

use rustls::{
    AlertDescription, CertificateError, Error as Rustls, InvalidMessage, PeerIncompatible,
};
use thiserror::Error;

/// Why there is no TLS with somebody: a fault of the other side, or of the two together.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("TLS: {}", explain(.0))]
    Protocol(Rustls),
    #[error("TLS: the socket failed in the handshake: {0}")]
    Io(#[from] io::Error),
    #[error("TLS: closed by the peer in the handshake")]
    Closed,
    #[error(
        "TLS: the peer's side of the handshake is longer than {} bytes",
        Self::MOST
    )]
    TooLong,
    #[error("TLS: the peer speaks plain distribution, without TLS, and this is a TLS connection")]
    Plain,
    #[error("TLS: what the peer speaks is not TLS")]
    NotTls,
    #[error("TLS: {host:?} is no host that a certificate can be for")]
    Host { host: String },
}

impl Failure {
    /// Bytes that one side may say in a handshake.
    pub(crate) const MOST: usize = 32 * 1024;

    /// What somebody speaks who began with these bytes; `None` if that can be TLS.
    pub(crate) fn of_first_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            // Handshake, or an alert.
            [22 | 21, 3, ..] | [22 | 21] | [] => None,
            // A length of two bytes, then the name; or a status.
            [0, _, b'N' | b'n' | b's', ..] => Some(Self::Plain),
            _ => Some(Self::NotTls),
        }
    }
}

impl From<Rustls> for Failure {
    fn from(error: Rustls) -> Self {
        Self::Protocol(error)
    }
}

/// In words for who reads the log.
fn explain(error: &Rustls) -> String {
    match error {
        Rustls::InvalidCertificate(error) => bad_certificate(error),
        Rustls::NoCertificatesPresented => "the peer showed no certificate".to_owned(),
        Rustls::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            // Which TLS 1.2 brought.
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => "the peer speaks only TLS 1.1 or older; 1.2 or 1.3 is asked for".to_owned(),
        Rustls::PeerIncompatible(
            PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "the peer does not speak TLS 1.3, and this node nothing else".to_owned(),
        Rustls::PeerIncompatible(error) => format!("nothing that both sides can do: {error:?}"),
        Rustls::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "what the peer speaks is not TLS".to_owned()
        }
        Rustls::AlertReceived(alert) => refused(*alert),
        error => error.to_string(),
    }
}

fn bad_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the peer's certificate is not of a CA that this node trusts".to_owned()
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the peer's certificate, or one above it, expired {} ago",
            age(time.as_secs().saturating_sub(not_after.as_secs()))
        ),
        CertificateError::Expired => "the peer's certificate has expired".to_owned(),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the peer's certificate, or one above it, is valid only in {}",
            age(not_before.as_secs().saturating_sub(time.as_secs()))
        ),
        CertificateError::NotValidYet => "the peer's certificate is not valid yet".to_owned(),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => format!(
            "the peer's certificate is for {presented:?} and not for the host of its name, {:?}",
            expected.to_str()
        ),
        error => format!("the peer's certificate cannot be used: {error}"),
    }
}

fn refused(alert: AlertDescription) -> String {
    let why = match alert {
        AlertDescription::UnknownCA => "it does not trust the CA of our certificate",
        AlertDescription::CertificateExpired => "our certificate has expired",
        AlertDescription::CertificateRevoked => "our certificate was revoked",
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => "it does not accept our certificate",
        AlertDescription::CertificateRequired => "it asks for a certificate",
        AlertDescription::ProtocolVersion => "it speaks another version of TLS",
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "it found nothing that both sides can do, or no certificate that it likes"
        }
        _ => return format!("the peer gave up: {alert:?}"),
    };
    format!("the peer refused us: {why} ({alert:?})")
}

fn age(seconds: u64) -> String {
    match seconds {
        0..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

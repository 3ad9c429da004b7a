use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, Error, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion,
};

use super::material::Material;
use super::verify::DialVerifier;
use super::{Tls, TlsError};

/// What rustls is told, for either side.
pub(super) struct Configs {
    pub(super) client: Arc<ClientConfig>,
    pub(super) server: Arc<ServerConfig>,
}

static BOTH: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
static ONLY_13: &[&SupportedProtocolVersion] = &[&TLS13];

impl Configs {
    pub(super) fn new(tls: &Tls, material: Material) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in material.ca {
            roots
                .add(certificate)
                .map_err(|error| TlsError::Certificate {
                    what: "a CA's certificate".to_owned(),
                    why: error.to_string(),
                })?;
        }
        let roots = Arc::new(roots);
        let provider = Arc::new(ring::default_provider());
        let versions = match tls.tls13_only {
            true => ONLY_13,
            false => BOTH,
        };
        let by_dial = DialVerifier {
            roots: Arc::clone(&roots),
            algorithms: provider.signature_verification_algorithms,
            names: tls.names,
        };
        let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(by_dial))
            .with_client_auth_cert(material.chain.clone(), material.key.clone_key())
            .map_err(unusable)?;
        client.resumption = Resumption::disabled();
        // Without a certificate of a known CA nobody comes in.
        let of_clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(unusable)?
            .with_client_cert_verifier(of_clients)
            .with_single_cert(material.chain, material.key)
            .map_err(unusable)?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Self {
            client: Arc::new(client),
            server: Arc::new(server),
        })
    }
}

fn unusable(error: Error) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
        error => TlsError::Unusable(error.to_string()),
    }
}

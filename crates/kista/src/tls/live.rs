//! The certificates of a node that runs: those of the moment, and new ones when the files change.
//!
//! Looking at files is cheap; reading them is done when what is seen of them differs from what was read, and from what was read in vain.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ServerConfig};

use super::advice::advice;
use super::configs::Configs;
use super::material::Stamp;
use super::{Failure, NameCheck, Tls, TlsError, names};
use crate::log::Escaped;

pub(crate) struct LiveTls {
    tls: Tls,
    /// The host part of the node's own name.
    host: String,
    current: Mutex<Current>,
}

struct Current {
    configs: Arc<Configs>,
    /// Of the files that were read last, in vain or not.
    stamp: Stamp,
}

impl LiveTls {
    /// Reads or makes what is needed. Blocks on files.
    pub(crate) fn load(tls: &Tls, host: &str) -> Result<Arc<Self>, TlsError> {
        let stamp = tls.source.stamp();
        let configs = Arc::new(read(tls, host)?);
        Ok(Arc::new(Self {
            tls: tls.clone(),
            host: host.to_owned(),
            current: Mutex::new(Current { configs, stamp }),
        }))
    }

    /// Reads everything again, whether it changed or not. With an error what was there stays. Blocks on files.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        let stamp = self.tls.source.stamp();
        let configs = read(&self.tls, &self.host);
        let mut current = self.current.lock();
        current.stamp = stamp;
        current.configs = Arc::new(configs?);
        Ok(())
    }

    /// For a connection that somebody makes to us.
    pub(crate) async fn server(self: &Arc<Self>) -> Arc<ServerConfig> {
        Arc::clone(&self.up_to_date().await.server)
    }

    /// For a connection that we make.
    pub(crate) async fn client(self: &Arc<Self>) -> Arc<ClientConfig> {
        Arc::clone(&self.up_to_date().await.client)
    }

    /// Whether somebody with this certificate may be a node on `host` that dials us.
    pub(crate) fn admits(
        &self,
        certificate: &CertificateDer<'_>,
        host: &str,
    ) -> Result<(), Failure> {
        if self.tls.names != NameCheck::Host {
            return Ok(());
        }
        let name = server_name(host)?;
        names::check(certificate, &name).map_err(|error| Failure::from(rustls::Error::from(error)))
    }

    async fn up_to_date(self: &Arc<Self>) -> Arc<Configs> {
        let this = Arc::clone(self);
        match tokio::task::spawn_blocking(move || this.look()).await {
            Ok(Some(Ok(()))) => {
                tracing::info!(tls = ?self.tls, "new certificates are used from now on");
            }
            Ok(Some(Err(error))) => {
                tracing::warn!(%error, "the certificates have changed and cannot be used: the old ones are used on");
            }
            // Nothing new; or the runtime ends.
            Ok(None) | Err(_) => {}
        }
        Arc::clone(&self.current.lock().configs)
    }

    /// Reloads if there is something new.
    fn look(&self) -> Option<Result<(), TlsError>> {
        let changed = self.tls.source.stamp() != self.current.lock().stamp;
        changed.then(|| self.reload())
    }
}

fn read(tls: &Tls, host: &str) -> Result<Configs, TlsError> {
    let material = tls.source.load(host)?;
    let advice = advice(tls, host, &material);
    let configs = Configs::new(tls, material)?;
    for line in advice {
        tracing::warn!("{}", Escaped::up_to(1_000, line));
    }
    Ok(configs)
}

/// A host as certificates know it.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(host.to_owned()).map_err(|_| Failure::Host {
        host: host.to_owned(),
    })
}

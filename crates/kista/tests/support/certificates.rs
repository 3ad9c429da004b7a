//! Certificates of every kind, good ones and bad ones.

use std::time::{Duration, SystemTime};

use kista::Tls;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};

/// A CA that signs whatever it is asked to.
pub(crate) struct Ca {
    pub(crate) pem: String,
    name: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key: String,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = Self::params(name);
        Self {
            pem: params.self_signed(&key).unwrap().pem(),
            name: name.to_owned(),
            issuer: Issuer::new(params, key),
        }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    }

    /// For these names and addresses.
    pub(crate) fn certificate(&self, hosts: &[&str]) -> Certificate {
        self.with(hosts, |_| {})
    }

    /// As [`Ca::certificate`], with something changed.
    pub(crate) fn with(
        &self,
        hosts: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Certificate {
            pem: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }

    /// Valid until some days ago, and for 127.0.0.1.
    pub(crate) fn expired(&self) -> Certificate {
        self.with(&["127.0.0.1"], |params| {
            params.not_before = days_ago(30);
            params.not_after = days_ago(3);
        })
    }

    /// Valid from tomorrow on, and for 127.0.0.1.
    pub(crate) fn not_yet(&self) -> Certificate {
        self.with(&["127.0.0.1"], |params| {
            params.not_before = (SystemTime::now() + DAY).into();
        })
    }

    /// Without alternative names, and with this common name.
    pub(crate) fn called(&self, name: &str) -> Certificate {
        self.with(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
        })
    }

    /// With so many names that it is long.
    pub(crate) fn long(&self) -> Certificate {
        self.with(&["127.0.0.1"], |params| {
            let name = |n: u32| format!("{n}.{}.example", "x".repeat(60)).try_into();
            let names = (0..500).map(|n| SanType::DnsName(name(n).unwrap()));
            params.subject_alt_names.extend(names);
        })
    }

    /// This CA, as another one says that it is a CA.
    pub(crate) fn signed_by(&self, other: &Self) -> String {
        let params = Self::params(&self.name);
        params
            .signed_by(self.issuer.key(), &other.issuer)
            .unwrap()
            .pem()
    }

    /// What a node is given that trusts this CA and has that certificate.
    pub(crate) fn tls(&self, certificate: &Certificate) -> Tls {
        Tls::from_pem(&*self.pem, &*certificate.pem, &*certificate.key)
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn days_ago<T: From<SystemTime>>(days: u32) -> T {
    (SystemTime::now() - DAY * days).into()
}

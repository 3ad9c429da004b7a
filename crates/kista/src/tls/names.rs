//! For whom a certificate is.
//!
//! It is read after its signature was verified; all the same nothing here trusts a length, and nothing recurses.

use std::net::IpAddr;

use rustls::CertificateError;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// UTF8String, PrintableString, TeletexString, IA5String.
const TEXTS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// The names in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertNames {
    dns: Vec<String>,
    addresses: Vec<IpAddr>,
    /// Of those it has, the last one. It counts only where the certificate has no alternative names at all.
    common_name: Option<String>,
    has_alt_names: bool,
}

impl CertNames {
    /// All that can be read; nothing of what is no certificate.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Self {
        let mut names = Self::default();
        // What was read until something is not as it should be remains.
        let _ = names.read(certificate);
        names
    }

    /// As they are shown.
    pub(crate) fn list(&self) -> Vec<String> {
        let dns = self.dns.iter().cloned();
        let mut list: Vec<_> = dns
            .chain(self.addresses.iter().map(IpAddr::to_string))
            .collect();
        if let Some(name) = self.common_name.as_ref().filter(|_| !self.has_alt_names) {
            list.push(name.clone());
        }
        list
    }

    /// Whether one of them is exactly this one.
    fn has(&self, host: &str) -> bool {
        let is = |name: &String| name.eq_ignore_ascii_case(host);
        self.dns.iter().any(is)
            || (!self.has_alt_names && self.common_name.as_ref().is_some_and(is))
    }

    fn read(&mut self, certificate: &[u8]) -> Option<()> {
        let mut outer = Der(certificate);
        let mut certificate = Der(outer.expect(SEQUENCE)?);
        let mut tbs = Der(certificate.expect(SEQUENCE)?);
        if tbs.tag() == Some(VERSION) {
            tbs.next()?;
        }
        // Serial number, algorithm, issuer, validity.
        for _ in 0..4 {
            tbs.next()?;
        }
        let mut subject = Der(tbs.expect(SEQUENCE)?);
        while let Some(content) = subject.expect(SET) {
            let mut attribute = Der(Der(content).expect(SEQUENCE)?);
            let object = attribute.expect(OBJECT)?;
            let (tag, value) = attribute.next()?;
            if object == COMMON_NAME && TEXTS.contains(&tag) {
                self.common_name = Some(String::from_utf8_lossy(value).into_owned());
            }
        }
        while let Some((tag, content)) = tbs.next() {
            if tag == EXTENSIONS {
                self.read_extensions(content)?;
            }
        }
        Some(())
    }

    fn read_extensions(&mut self, content: &[u8]) -> Option<()> {
        let mut extensions = Der(Der(content).expect(SEQUENCE)?);
        while let Some(content) = extensions.expect(SEQUENCE) {
            let mut extension = Der(content);
            if extension.expect(OBJECT)? != SUBJECT_ALT_NAME {
                continue;
            }
            self.has_alt_names = true;
            let mut value = extension.next()?;
            if value.0 != OCTETS {
                // It was said whether it is critical.
                value = extension.next()?;
            }
            let mut names = Der(Der(value.1).expect(SEQUENCE)?);
            while let Some((tag, name)) = names.next() {
                match tag {
                    DNS_NAME => self.dns.push(String::from_utf8_lossy(name).into_owned()),
                    IP_ADDRESS => self.addresses.extend(address(name)),
                    _ => {}
                }
            }
        }
        Some(())
    }
}

/// Whether `certificate` is for `host`; the error says for whom it is instead.
pub(super) fn check(
    certificate: &CertificateDer<'_>,
    host: &ServerName<'_>,
) -> Result<(), CertificateError> {
    let parsed = ParsedCertificate::try_from(certificate);
    let valid = parsed.is_ok_and(|parsed| verify_server_name(&parsed, host).is_ok());
    let names = CertNames::of(certificate);
    if valid || names.has(&host.to_str()) {
        return Ok(());
    }
    Err(CertificateError::NotValidForNameContext {
        expected: host.to_owned(),
        presented: names.list(),
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// Elements of a certificate's encoding, one after the other:
///
/// ```text
/// tag: 1 | length: 1, or 1 + n when the first has its highest bit set (the rest of it is n) | content
/// ```
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.tag()? == tag)
            .then(|| self.next())?
            .map(|(_, content)| content)
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let (bytes, behind) = rest.split_at_checked(count)?;
            length = bytes.iter().fold(0, |n, &byte| n << 8 | usize::from(byte));
            rest = behind;
        }
        let (content, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(hosts: &[&str], called: Option<&str>) -> CertificateDer<'static> {
        let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        if let Some(name) = called {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "not this");
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn all_kinds_of_names_are_read() {
        let names = CertNames::of(&certificate(&["a.example", "10.0.0.7", "::1"], Some("cn")));
        assert_eq!(names.list(), ["a.example", "10.0.0.7", "::1"]);
        assert_eq!(names.common_name.as_deref(), Some("cn"));
        assert!(names.has("A.EXAMPLE") && !names.has("cn"));
        let names = CertNames::of(&certificate(&[], Some("cn")));
        assert_eq!(names.list(), ["cn"]);
        assert!(names.has("CN"));
    }

    #[test]
    fn a_wildcard_is_for_one_label() {
        let wild = certificate(&["*.example.org"], None);
        let good = |host: &str| check(&wild, &ServerName::try_from(host).unwrap()).is_ok();
        assert!(good("a.example.org"));
        assert!(!good("a.b.example.org") && !good("example.org") && !good("a.example.com"));
    }

    #[test]
    fn damage_anywhere_never_makes_a_panic() {
        let good = certificate(&["a.example", "10.0.0.7"], Some("cn"));
        for at in 0..good.len() {
            for value in [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut bad = good.to_vec();
                bad[at] = value;
                CertNames::of(&CertificateDer::from(bad));
            }
            CertNames::of(&CertificateDer::from(&good[..at]));
        }
    }
}

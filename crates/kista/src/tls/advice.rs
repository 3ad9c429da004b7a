//! What is said of certificates that can be used, once for each time that they are read: what an operator would learn from peers, or too late.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use rustls::pki_types::CertificateDer;

use super::material::{Material, Pem, Source};
use super::names::{self, CertNames};
use super::{NameCheck, Tls, server_name};

/// Reading and writing, for those who are neither the owner nor of its group.
const OTHERS: u32 = 0o006;

/// What a line of the log is to say, each.
pub(super) fn advice(tls: &Tls, host: &str, material: &Material) -> Vec<String> {
    let certificate = material.chain.first();
    let certificate = certificate.filter(|_| tls.names != NameCheck::Off);
    let of_host = certificate.and_then(|certificate| for_another_host(certificate, host));
    open_key(&tls.source).into_iter().chain(of_host).collect()
}

fn open_key(source: &Source) -> Option<String> {
    let Source::Given {
        key: Pem::File(path),
        ..
    } = source
    else {
        return None;
    };
    let mode = fs::metadata(path).ok()?.mode() & 0o777;
    (mode & OTHERS != 0).then(|| {
        let path = path.display();
        format!("the private key {path} is open to everybody on this machine (mode {mode:04o}): chmod 600 it")
    })
}

fn for_another_host(certificate: &CertificateDer<'_>, host: &str) -> Option<String> {
    let is_for = |name| names::check(certificate, &name).is_ok();
    if server_name(host).is_ok_and(is_for) {
        return None;
    }
    let names = match CertNames::of(certificate).list() {
        none if none.is_empty() => "nobody".to_owned(),
        names => names.join(", "),
    };
    Some(format!(
        "this node's certificate is for {names}, and not for its host {host}: peers will refuse it"
    ))
}

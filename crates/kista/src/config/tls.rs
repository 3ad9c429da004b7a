//! The keys of `[node.tls]`: one source of certificates, and what is asked of peers'.

use super::ConfigError;
use super::setting::Setting;
use crate::Tls;
use crate::tls::NameCheck;

const KNOWN: &str =
    "there are dir, ca, certificate, key, generated, generated_in, names and tls13_only";
const ONE_SOURCE: &str = "one of: dir; ca, certificate and key; generated = true; generated_in";

pub(super) fn tls(table: &Setting) -> Result<Tls, ConfigError> {
    let settings = table.clone().table()?;
    for (name, setting) in &settings {
        match &**name {
            "dir" | "ca" | "certificate" | "key" | "generated" | "generated_in" | "names"
            | "tls13_only" => {}
            _ => return Err(setting.unknown(KNOWN)),
        }
    }
    let find = |wanted: &str| {
        let mut found = settings.iter().filter(|(name, _)| name == wanted);
        found.next().map(|(_, setting)| setting)
    };
    let text = |name: &str| find(name).map(Setting::text).transpose();
    let generated = match find("generated") {
        Some(setting) => setting.bool()?,
        None => false,
    };
    let files = (text("ca")?, text("certificate")?, text("key")?);
    let tls = match (text("dir")?, files, generated, text("generated_in")?) {
        (Some(dir), (None, None, None), false, None) => Tls::from_dir(dir),
        (None, (Some(ca), Some(certificate), Some(key)), false, None) => {
            Tls::from_files(ca, certificate, key)
        }
        (None, (None, None, None), true, None) => Tls::generated(),
        (None, (None, None, None), false, Some(dir)) => Tls::generated_in(dir),
        _ => return Err(table.wrong(ONE_SOURCE)),
    };
    let tls = match find("names") {
        None => tls,
        Some(names) => tls.names(names.one_of(
            "host, dialled or off",
            &[
                ("host", NameCheck::Host),
                ("dialled", NameCheck::Dialled),
                ("off", NameCheck::Off),
            ],
        )?),
    };
    Ok(match find("tls13_only").map(Setting::bool).transpose()? {
        Some(true) => tls.tls13_only(),
        _ => tls,
    })
}

//! The keys of `[node.http]`.

use std::net::IpAddr;

use super::ConfigError;
use super::setting::Setting;
use crate::health::Http;

const KNOWN: &str = "there are port, listen_on, connections, timeout and metrics, the last with the feature prometheus";

pub(super) fn http(table: &Setting) -> Result<Http, ConfigError> {
    let settings = table.clone().table()?;
    let port = settings.iter().find(|(name, _)| name == "port");
    let mut http = match port {
        Some((_, port)) => Http::new(port.integer("a port, or 0 for one that the system chooses")?),
        None => Http::new(0),
    };
    for (name, setting) in &settings {
        http = match &**name {
            "port" => http,
            "listen_on" => http.listen_on(setting.parsed::<IpAddr>("an IP address")?),
            "connections" => {
                let expected = "a number of connections, 1 at least";
                match setting.integer(expected)? {
                    0 => return Err(setting.wrong(expected)),
                    connections => http.connections(connections),
                }
            }
            "timeout" => http.timeout(setting.seconds()?),
            #[cfg(feature = "prometheus")]
            "metrics" => match setting.bool()? {
                true => http.metrics(),
                false => http,
            },
            _ => return Err(setting.unknown(KNOWN)),
        };
    }
    // Not before what is spelt wrong was named.
    match port {
        Some(_) => Ok(http),
        None => Err(ConfigError::Missing("node.http.port")),
    }
}

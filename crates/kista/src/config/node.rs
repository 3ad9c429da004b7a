//! The keys of `[node]`.

use std::net::IpAddr;

use super::setting::Setting;
use super::{Config, ConfigError};
use crate::node::{Node, NodeBuilder, Visibility};
use crate::{EpmdMode, Peers};

const KNOWN: &str = "there are name, cookie, cookie_file, listen_on, port, ports, visible, network, epmd, epmd_port, \
                     net_ticktime, tls, queue_alarm, inspectable, stoppable, stop_timeout, stop_on_signals, http and metrics_interval; tls, \
                     http and metrics_interval with the features tls, http and metrics";
const PORT: &str = "a port from 1 to 65535";

impl Node {
    /// Begins to configure a node as a configuration says, its name among it.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] without a name; see [`NodeBuilder::config`].
    pub fn configured(config: &Config) -> Result<NodeBuilder, ConfigError> {
        let name = config.node.iter().find(|(name, _)| name == "name");
        let Some((_, name)) = name else {
            // What is spelt wrong may be just that.
            Self::builder("nobody@localhost").config(config).map(drop)?;
            return Err(ConfigError::Missing("node.name"));
        };
        Self::builder(name.text()?).config(config)
    }
}

impl NodeBuilder {
    /// What a configuration says, over what was said before. A name in it counts only for [`Node::configured`].
    ///
    /// # Errors
    /// A key of `[node]` that is not known, or has a value that it can not have.
    pub fn config(mut self, config: &Config) -> Result<Self, ConfigError> {
        for (name, setting) in &config.node {
            self = apply(self, name, setting)?;
        }
        for (key, value) in config.env() {
            self = self.env(key, value);
        }
        Ok(self.configure_applications(config.applications()))
    }
}

fn apply(builder: NodeBuilder, name: &str, setting: &Setting) -> Result<NodeBuilder, ConfigError> {
    Ok(match name {
        "name" => {
            setting.text()?;
            builder
        }
        "cookie" => builder.cookie(setting.text()?),
        "cookie_file" => builder.cookie_file(setting.text()?),
        "listen_on" => builder.listen_on(setting.parsed::<IpAddr>("an IP address")?),
        "port" => builder.port(port(setting)?),
        "ports" => {
            let expected = "the first and the last port of a range";
            match *setting.integers::<u16>(expected)? {
                [first, last] if first > 0 && first <= last => builder.ports(first..=last),
                _ => return Err(setting.wrong(expected)),
            }
        }
        "visible" => builder.visibility(match setting.bool()? {
            true => Visibility::Visible,
            false => Visibility::Hidden,
        }),
        "network" => match setting.bool()? {
            true => builder,
            false => builder.no_network(),
        },
        "epmd" => builder.epmd(setting.one_of(
            "auto, running, spawn, embedded or off",
            &[
                ("auto", EpmdMode::Auto),
                ("running", EpmdMode::Running),
                ("spawn", EpmdMode::Spawn),
                ("embedded", EpmdMode::Embedded),
                ("off", EpmdMode::Off),
            ],
        )?),
        "epmd_port" => builder.epmd_port(port(setting)?),
        "net_ticktime" => builder.net_ticktime(setting.seconds()?),
        #[cfg(feature = "tls")]
        "tls" => builder.tls(super::tls::tls(setting)?),
        "queue_alarm" => builder.queue_alarm(setting.integer("a number of messages")?),
        "inspectable" => builder.inspectable_by(match setting.bool()? {
            true => Peers::any(),
            false => Peers::none(),
        }),
        "stoppable" => builder.stoppable_by(match setting.bool()? {
            true => Peers::any(),
            false => Peers::none(),
        }),
        "stop_timeout" => builder.stop_timeout(setting.seconds()?),
        "stop_on_signals" => match setting.bool()? {
            true => builder.stop_on_signals(),
            false => builder,
        },
        #[cfg(feature = "http")]
        "http" => builder.http(super::http::http(setting)?),
        #[cfg(feature = "metrics")]
        "metrics_interval" => builder.metrics(setting.seconds()?),
        _ => return Err(setting.unknown(KNOWN)),
    })
}

fn port(setting: &Setting) -> Result<u16, ConfigError> {
    match setting.integer(PORT)? {
        0 => Err(setting.wrong(PORT)),
        port => Ok(port),
    }
}

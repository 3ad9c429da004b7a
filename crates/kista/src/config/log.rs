//! The keys of `[log]`.

use super::{Config, ConfigError};
use crate::log::{Format, Log, Output, parse};

const KNOWN: &str = "there are filter, format, output and ansi";

impl Log {
    /// What a configuration says in `[log]`, over what was said before.
    ///
    /// # Errors
    /// A key that is not known, or has a value that it can not have.
    pub fn config(mut self, config: &Config) -> Result<Self, ConfigError> {
        for (name, setting) in &config.log {
            self = match &**name {
                "filter" => {
                    let filter = setting.text()?;
                    match parse(filter) {
                        Ok(_) => self.filter(filter),
                        Err(_) => {
                            return Err(
                                setting.wrong("directives such as info, or warn,kista::net=debug")
                            );
                        }
                    }
                }
                "format" => self.format(setting.one_of(
                    "full, compact or json",
                    &[
                        ("full", Format::Full),
                        ("compact", Format::Compact),
                        ("json", Format::Json),
                    ],
                )?),
                "output" => self.output(setting.one_of(
                    "stderr or stdout",
                    &[("stderr", Output::Stderr), ("stdout", Output::Stdout)],
                )?),
                "ansi" => self.ansi(setting.bool()?),
                _ => return Err(setting.unknown(KNOWN)),
            };
        }
        Ok(self)
    }
}

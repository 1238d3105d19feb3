//! Configuration of `serve` and `stand-in`: a TOML file, overridden by environment variables and
//! flags.

use std::{net::SocketAddr, path::Path, path::PathBuf};

use anyhow::{Context, bail};
use beseda_engine::{Disputes, Orders};
use beseda_server::{LimitPreset, ServerSettings, TransportSettings, Unversioned};
use beseda_webhook::sender::{AddressPolicy, SenderSettings};
use secrecy::SecretString;
use serde::Deserialize;

use crate::args::{LimitsArg, OrdersArg, ServeArgs, StandInArgs, UnversionedArg};

/// Configuration file. An unknown key is an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Address to listen on. Defaults to 127.0.0.1:8080 for `serve` and 127.0.0.1:8090 for
    /// `stand-in`.
    pub(crate) listen: Option<SocketAddr>,
    /// Folder of the database and the attachments.
    pub(crate) data: Option<PathBuf>,
    /// Address at which clients reach the server.
    pub(crate) public_url: Option<String>,
    /// Rule for orders that were not registered.
    orders: OrderRule,
    /// Place of disputes: the same chat or a new one.
    disputes: DisputeRule,
    /// True if a buyer's first message leaves the chat's status `NEW`.
    new_until_answered: bool,
    /// True if `/notification` is appended to the address of every subscription.
    append_notification: bool,
    /// Logging.
    pub(crate) log: LogConfig,
    /// Rate limits, keys, and choices where the published API is silent.
    pub(crate) server: ServerSettings,
    /// Connections and TLS.
    pub(crate) transport: TransportSettings,
}

/// Logging.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// Filter such as `info` or `beseda_server=debug`. Defaults to `info` for `serve` and `warn`
    /// for `stand-in`.
    pub(crate) level: Option<String>,
    /// True to log each line as a JSON object.
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OrderRule {
    #[default]
    Strict,
    Open,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DisputeRule {
    #[default]
    OwnChat,
    InPlace,
}

impl Config {
    /// Loads the file of `serve`, if given, and applies environment and flags.
    pub(crate) fn load(args: &ServeArgs) -> anyhow::Result<Self> {
        let mut config = Self::read(args.config.as_deref())?;
        config.listen = args.listen.or(config.listen);
        config.data = args.data.clone().or(config.data);
        config.public_url = args.public_url.clone().or(config.public_url);
        config.apply(args.limits, args.orders, args.unversioned);
        config.server.market_key = key("BESEDA_MARKET_KEY").or(config.server.market_key);
        config.server.admin_key = key("BESEDA_ADMIN_KEY").or(config.server.admin_key);
        if config.data.is_none() {
            bail!("no data folder: give --data DIR, BESEDA_DATA, or `data` in the configuration");
        }
        config.check()?;
        Ok(config)
    }

    /// Loads the file of `stand-in`, if given, and applies flags. Keys are not read from the
    /// environment, where those of a running stand-in are expected.
    pub(crate) fn load_for_stand_in(args: &StandInArgs) -> anyhow::Result<Self> {
        let mut config = Self::read(args.config.as_deref())?;
        config.listen = args.listen.or(config.listen);
        config.data = args.data.clone().or(config.data);
        config.apply(args.limits, args.orders, args.unversioned);
        let limits = &mut config.server.limits;
        limits.hourly = args.hourly_limit.or(limits.hourly);
        limits.parallel = args.parallel_limit.or(limits.parallel);
        config.check()?;
        Ok(config)
    }

    /// Applies the flags.
    fn apply(
        &mut self,
        limits: Option<LimitsArg>,
        orders: Option<OrdersArg>,
        unversioned: Option<UnversionedArg>,
    ) {
        if let Some(limits) = limits {
            self.server.limits.preset = limits.into();
        }
        match orders {
            Some(OrdersArg::Strict) => self.orders = OrderRule::Strict,
            Some(OrdersArg::Open) => self.orders = OrderRule::Open,
            None => {}
        }
        if let Some(unversioned) = unversioned {
            self.server.unversioned = unversioned.into();
        }
    }

    fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("can't read the configuration {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in the configuration {}", path.display()))
    }

    fn check(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.public_url {
            let known = url.starts_with("http://") || url.starts_with("https://");
            if !known || url.ends_with('/') || url.len() > 1900 {
                bail!(
                    "public_url must be an address such as https://chats.example.org, without a trailing slash"
                );
            }
        }
        self.server.check().context("in [server]")?;
        self.transport.check().context("in [transport]")
    }

    /// Returns the settings of the webhook sender, which never sends to private networks.
    pub(crate) fn webhook_sender(&self) -> SenderSettings {
        let mut settings = SenderSettings::new(AddressPolicy::Public);
        settings.append_notification = self.append_notification;
        settings
    }

    /// Returns the builder of a configured stand-in.
    pub(crate) fn stand_in(self) -> beseda_stand_in::StandInBuilder {
        let engine = self.engine(String::new());
        let listen = self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8090)));
        let mut builder = beseda_stand_in::StandIn::builder().listen(listen).on_disk();
        builder = builder.engine(engine).append_notification(self.append_notification);
        if let Some(folder) = self.data {
            builder = builder.data(folder);
        }
        builder.server(self.server).transport(self.transport)
    }

    /// Returns the engine settings for a server at this address.
    pub(crate) fn engine(&self, local_url: String) -> beseda_engine::EngineSettings {
        beseda_engine::EngineSettings {
            public_url: self.public_url.clone().unwrap_or(local_url),
            orders: match self.orders {
                OrderRule::Strict => Orders::Strict,
                OrderRule::Open => Orders::Open,
            },
            disputes: match self.disputes {
                DisputeRule::OwnChat => Disputes::OwnChat,
                DisputeRule::InPlace => Disputes::InPlace,
            },
            new_until_answered: self.new_until_answered,
        }
    }
}

impl From<UnversionedArg> for Unversioned {
    fn from(unversioned: UnversionedArg) -> Self {
        match unversioned {
            UnversionedArg::Y2024 => Self::Y2024,
            UnversionedArg::Today => Self::Today,
        }
    }
}

impl From<LimitsArg> for LimitPreset {
    fn from(limits: LimitsArg) -> Self {
        match limits {
            LimitsArg::Y2024 => Self::Y2024,
            LimitsArg::Y2026 => Self::Y2026,
            LimitsArg::Off => Self::Off,
        }
    }
}

/// Returns a key from the environment; an empty variable counts as not set.
fn key(variable: &str) -> Option<SecretString> {
    std::env::var(variable).ok().filter(|key| !key.is_empty()).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use beseda_server::Unversioned;

    use super::Config;

    fn read(text: &str) -> Result<Config, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        for text in
            ["lisen = \"127.0.0.1:1\"", "[server]\norderid = true", "[server.limits]\nhuorly = 1"]
        {
            let refused = read(text).unwrap_err().to_string();
            assert!(refused.contains("unknown field") && refused.contains("line"), "{refused}");
        }
    }

    #[test]
    fn every_section_reads() {
        let config = read(
            "listen = '0.0.0.0:443'\ndata = '/data'\norders = 'open'\ndisputes = 'in-place'\n\
             [log]\njson = true\n[server]\norder_id = false\nunversioned = 'today'\nfiles = 'required'\n\
             api_key_format = 'any'\n[server.limits]\npreset = 'off'\n[server.limits.operations]\ngetChats = 5\n\
             [transport]\ndrain_seconds = 3\n[transport.tls]\ncert = 'a.pem'\nkey = 'b.pem'\n",
        )
        .unwrap();
        assert_eq!(config.listen.unwrap().port(), 443);
        assert_eq!(config.server.limits.operations["getChats"], 5);
        assert!(!config.server.order_id);
        assert_eq!(config.server.api_key_format, beseda_server::ApiKeyFormat::Any);
        assert_eq!(config.server.unversioned, Unversioned::Today);
    }

    #[test]
    fn an_unknown_form_of_the_unversioned_paths_is_refused_with_its_line_and_the_known_ones() {
        let refused = read("[server]\nunversioned = '2026'").unwrap_err().to_string();
        assert!(refused.contains("line 2") && refused.contains("`2024` or `today`"), "{refused}");
    }

    #[test]
    fn a_public_address_with_a_slash_at_its_end_is_refused() {
        let mut config = read("data = '/data'\npublic_url = 'https://chats.example.org/'").unwrap();
        assert!(config.check().unwrap_err().to_string().contains("public_url"));
        config.public_url = Some("https://chats.example.org".to_owned());
        config.check().unwrap();
    }
}

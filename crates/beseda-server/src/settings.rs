//! Server settings: rate limits, keys, timeouts, and choices where the published API is silent.

use std::{collections::BTreeMap, fmt, time::Duration};

use beseda_api::{Endpoint, MAX_BODY_BYTES};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Settings of a server. Every field has a default, so a TOML section may be partial.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Hourly and concurrency limits.
    pub limits: LimitSettings,
    /// Sends `orderId` in responses and accepts `orderIds` as a filter. `false` is the strictest
    /// form announced for October 2026. 2024 responses have it in any case.
    pub order_id: bool,
    /// Form of the responses on unversioned paths.
    pub unversioned: Unversioned,
    /// Rejects requests with more than one of `orderIds`, `contexts`, `contextTypes`.
    pub one_context_filter: bool,
    /// Authorization of file downloads.
    pub files: FileAccess,
    /// Accepted format of Api-Keys.
    pub api_key_format: ApiKeyFormat,
    /// Timeout of a request in seconds.
    pub request_timeout_seconds: u64,
    /// Timeout of a request with a file in seconds.
    pub upload_timeout_seconds: u64,
    /// Timeout for receiving a JSON body, and maximum silence of the sender of a file, in seconds.
    pub body_timeout_seconds: u64,
    /// Maximum size of a JSON body in bytes.
    pub max_body_bytes: usize,
    /// Maximum number of headers.
    pub max_headers: usize,
    /// Maximum total size of headers in bytes.
    pub max_header_bytes: usize,
    /// Time for which a valid credential is cached, in seconds of the clock; fractions are allowed.
    pub credential_cache_seconds: f64,
    /// Key of the marketplace API, which is disabled without it.
    pub market_key: Option<SecretString>,
    /// Key of administration, which is disabled without it.
    pub admin_key: Option<SecretString>,
    /// Serves `/docs` and `/openapi.json`.
    pub docs: bool,
    /// Serves `/metrics`.
    pub metrics: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            limits: LimitSettings::default(),
            order_id: true,
            unversioned: Unversioned::default(),
            one_context_filter: false,
            files: FileAccess::default(),
            api_key_format: ApiKeyFormat::default(),
            request_timeout_seconds: 10,
            upload_timeout_seconds: 60,
            body_timeout_seconds: 5,
            max_body_bytes: MAX_BODY_BYTES,
            max_headers: 64,
            max_header_bytes: 16 * 1024,
            credential_cache_seconds: 1.0,
            market_key: None,
            admin_key: None,
            docs: true,
            metrics: true,
        }
    }
}

impl ServerSettings {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first invalid setting.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |text: String| Err(SettingsError(text));
        for name in self.limits.operations.keys() {
            if !Endpoint::ALL.iter().any(|endpoint| endpoint.name == name) {
                return wrong(format!("limits.operations: there is no operation '{name}'"));
            }
        }
        for (name, seconds) in [
            ("request_timeout_seconds", self.request_timeout_seconds),
            ("upload_timeout_seconds", self.upload_timeout_seconds),
            ("body_timeout_seconds", self.body_timeout_seconds),
        ] {
            if seconds == 0 {
                return wrong(format!("{name} must be at least 1"));
            }
        }
        if !(0.0..=600.0).contains(&self.credential_cache_seconds) {
            return wrong("credential_cache_seconds must be between 0 and 600".to_owned());
        }
        for (name, key) in [("market_key", &self.market_key), ("admin_key", &self.admin_key)] {
            if key.as_ref().is_some_and(|key| key.expose_secret().len() < 16) {
                return wrong(format!("{name} must have at least 16 characters"));
            }
        }
        Ok(())
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds.max(1))
    }

    pub(crate) fn upload_timeout(&self) -> Duration {
        Duration::from_secs(self.upload_timeout_seconds.max(1))
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds.max(1))
    }
}

/// Error of invalid settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(String);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

/// Rate limits: a preset with overrides.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Preset.
    pub preset: LimitPreset,
    /// Maximum number of concurrent requests.
    pub parallel: Option<u32>,
    /// Requests per hour for every operation.
    pub hourly: Option<u32>,
    /// Requests per hour by operation (`getChats = 100`); takes precedence over `hourly`.
    pub operations: BTreeMap<String, u32>,
}

/// Published limits of a year, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum LimitPreset {
    /// Two concurrent requests per login.
    #[serde(rename = "2024")]
    Y2024,
    /// Four concurrent requests per cabinet.
    #[default]
    #[serde(rename = "2026")]
    Y2026,
    /// No limits.
    #[serde(rename = "off")]
    Off,
}

impl std::str::FromStr for LimitPreset {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        match text {
            "2024" => Ok(Self::Y2024),
            "2026" => Ok(Self::Y2026),
            "off" => Ok(Self::Off),
            other => {
                Err(SettingsError(format!("unknown limits '{other}'; known ones: 2024 2026 off")))
            }
        }
    }
}

/// Form of the responses on unversioned paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Unversioned {
    /// As in the document of September 2024: no further fields, and every required one. Chats
    /// without an order can't be expressed and are not shown.
    #[default]
    #[serde(rename = "2024")]
    Y2024,
    /// Current, as under `/v2`.
    #[serde(rename = "today")]
    Today,
}

impl std::str::FromStr for Unversioned {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        match text {
            "2024" => Ok(Self::Y2024),
            "today" => Ok(Self::Today),
            other => Err(SettingsError(format!(
                "unknown form of the unversioned paths '{other}'; known ones: 2024 today"
            ))),
        }
    }
}

impl From<LimitPreset> for LimitSettings {
    fn from(preset: LimitPreset) -> Self {
        Self { preset, ..Self::default() }
    }
}

/// Accepted format of Api-Keys; others are answered with 401 without asking the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyFormat {
    /// `ACMA:` + 40 letters and digits + `:` + 8 hexadecimal digits, the published format.
    #[default]
    Acma,
    /// Any visible ASCII characters.
    Any,
}

/// Authorization of file downloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileAccess {
    /// Anyone with the link.
    #[default]
    Open,
    /// Anyone with the link and a credential for the cabinet.
    Required,
}

#[cfg(test)]
mod tests {
    use super::ServerSettings;

    #[test]
    fn the_defaults_make_sense_and_an_unknown_setting_is_refused() {
        assert_eq!(ServerSettings::default().check(), Ok(()));
        assert!(serde_json::from_str::<ServerSettings>(r#"{"ordre_id":true}"#).is_err());
    }

    #[test]
    fn an_unknown_form_of_the_unversioned_paths_is_refused_with_the_known_ones() {
        let refused =
            serde_json::from_str::<ServerSettings>(r#"{"unversioned":"2026"}"#).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("2026") && said.contains("`2024` or `today`"), "{said}");
        let said = "2026".parse::<super::Unversioned>().unwrap_err().to_string();
        assert!(said.contains("'2026'") && said.contains("2024 today"), "{said}");
    }

    #[test]
    fn a_limit_for_an_unknown_operation_is_refused() {
        let settings: ServerSettings =
            serde_json::from_str(r#"{"limits":{"operations":{"getChat5":3}}}"#).unwrap();
        assert!(settings.check().unwrap_err().to_string().contains("getChat5"));
    }

    #[test]
    fn a_key_never_shows_in_debug_output() {
        let settings: ServerSettings =
            serde_json::from_str(r#"{"market_key":"very-secret-market-key"}"#).unwrap();
        assert!(!format!("{settings:?}").contains("very-secret"));
    }
}

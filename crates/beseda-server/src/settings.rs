//! What can be set: limits, keys, timeouts and the choices where the published API is silent. Reading files and flags is the binary's business.

use std::{collections::BTreeMap, fmt, time::Duration};

use beseda_api::{Endpoint, MAX_BODY_BYTES};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// How the server behaves. Every field has a default, so a TOML section may name only what differs.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Hourly and parallel limits.
    pub limits: LimitSettings,
    /// Whether answers carry `orderId` and requests may filter by `orderIds`. `false` is the strictest form
    /// announced for October 2026. Answers of 2024 have it in any case.
    pub order_id: bool,
    /// Which document the answers on paths without a version follow.
    pub unversioned: Unversioned,
    /// Whether more than one of `orderIds`, `contexts`, `contextTypes` in a request is refused.
    pub one_context_filter: bool,
    /// Who may download files.
    pub files: FileAccess,
    /// Which Api-Keys are looked up at all.
    pub api_key_format: ApiKeyFormat,
    /// Seconds a request may take in all.
    pub request_timeout_seconds: u64,
    /// Seconds a request with a file may take in all.
    pub upload_timeout_seconds: u64,
    /// Seconds in which a JSON body must have come, and for which the sender of a file may be silent.
    pub body_timeout_seconds: u64,
    /// The largest JSON body.
    pub max_body_bytes: usize,
    /// The most headers a request may have.
    pub max_headers: usize,
    /// The most bytes of headers a request may have.
    pub max_header_bytes: usize,
    /// Seconds of the clock for which a good credential isn't asked about again; fractions are allowed.
    pub credential_cache_seconds: f64,
    /// The key of the marketplace's side; without it its paths are unknown.
    pub market_key: Option<SecretString>,
    /// The key of administration; without it its paths are unknown.
    pub admin_key: Option<SecretString>,
    /// Whether `/docs` and `/openapi.json` are served.
    pub docs: bool,
    /// Whether `/metrics` is served.
    pub metrics: bool,
}

impl Default for Settings {
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

impl Settings {
    /// Whether these settings make sense together.
    ///
    /// # Errors
    /// The first one that doesn't.
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

/// Settings that make no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError(String);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

/// The limits: a preset and what differs from it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    /// Where to begin.
    pub preset: LimitPreset,
    /// Requests at once.
    pub parallel: Option<u32>,
    /// Requests an hour, for every operation.
    pub hourly: Option<u32>,
    /// Requests an hour by operation (`getChats = 100`); stronger than `hourly`.
    pub operations: BTreeMap<String, u32>,
}

/// The published limits of a year, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum LimitPreset {
    /// Two requests at once for a login.
    #[serde(rename = "2024")]
    Y2024,
    /// Four requests at once for a cabinet.
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

/// Which published document the answers on paths without a version follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Unversioned {
    /// That of September 2024: no field that it doesn't have, every field that it requires. Chats without an order
    /// can't be expressed in it and are not shown.
    #[default]
    #[serde(rename = "2024")]
    Y2024,
    /// Today's, the same as under `/v2`.
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

/// Which Api-Keys are looked up at all; all others are refused with 401 before anybody is asked about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyFormat {
    /// `ACMA:` + 40 letters and digits + `:` + 8 hexadecimal digits, the published form.
    #[default]
    Acma,
    /// Any text of visible ASCII characters.
    Any,
}

/// Who may download files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileAccess {
    /// Whoever has the link.
    #[default]
    Open,
    /// Whoever has the link and a credential that opens the cabinet.
    Required,
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn the_defaults_make_sense_and_an_unknown_setting_is_refused() {
        assert_eq!(Settings::default().check(), Ok(()));
        assert!(serde_json::from_str::<Settings>(r#"{"ordre_id":true}"#).is_err());
    }

    #[test]
    fn an_unknown_form_of_the_unversioned_paths_is_refused_with_the_known_ones() {
        let refused = serde_json::from_str::<Settings>(r#"{"unversioned":"2026"}"#).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("2026") && said.contains("`2024` or `today`"), "{said}");
        let said = "2026".parse::<super::Unversioned>().unwrap_err().to_string();
        assert!(said.contains("'2026'") && said.contains("2024 today"), "{said}");
    }

    #[test]
    fn a_limit_for_an_unknown_operation_is_refused() {
        let settings: Settings =
            serde_json::from_str(r#"{"limits":{"operations":{"getChat5":3}}}"#).unwrap();
        assert!(settings.check().unwrap_err().to_string().contains("getChat5"));
    }

    #[test]
    fn a_key_never_shows_in_debug_output() {
        let settings: Settings =
            serde_json::from_str(r#"{"market_key":"very-secret-market-key"}"#).unwrap();
        assert!(!format!("{settings:?}").contains("very-secret"));
    }
}

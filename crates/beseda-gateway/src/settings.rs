//! Gateway settings and errors of opening a gateway.

use std::{path::PathBuf, sync::Arc};

use beseda_api::{BusinessId, Clock, Credential, Error, SystemClock};
use beseda_client::{Client, SecretString, SendOnceOptions};
use beseda_server::Unversioned;
use beseda_webhook::sender::AddressPolicy;

/// Settings of a [`Gateway`](crate::Gateway).
///
/// ```no_run
/// # fn settings(client: beseda_client::Client) {
/// use beseda_gateway::{FileLinkMode, GatewaySettings};
///
/// let settings = GatewaySettings {
///     public_url: "https://chats.example.com".to_owned(),
///     file_links: FileLinkMode::Proxy,
///     ..GatewaySettings::new(client, "archive")
/// };
/// # drop(settings); }
/// ```
#[derive(Clone)]
pub struct GatewaySettings {
    /// Client of the upstream, with the gateway's credential.
    pub client: Client,
    /// The same credential. Requests to the gateway with it have access to every cabinet. Only its
    /// hash is kept.
    pub credential: Option<Credential>,
    /// Archive folder. The gateway keeps its own files in the subfolder `gateway`.
    pub archive: PathBuf,
    /// Cabinets to serve. Empty: every cabinet the credential has access to.
    pub businesses: Vec<BusinessId>,
    /// Maximum number of concurrent upstream calls per cabinet. Defaults to 4.
    pub parallel: u32,
    /// Key of the admin API. `None`: a key derived from the secret in the gateway's folder.
    pub admin_key: Option<SecretString>,
    /// Timeout of a request in seconds, including queueing. Defaults to 10.
    pub request_timeout_seconds: u64,
    /// Form of the responses on unversioned paths.
    pub unversioned: Unversioned,
    /// Options of the reconciliation after a send without a clear response.
    pub send_once: SendOnceOptions,
    /// Sync the archive in the background, at the lowest priority. Defaults to `false`.
    pub sync: bool,
    /// Allowed addresses of webhook subscriptions. Defaults to public HTTPS addresses and this
    /// machine.
    pub policy: AddressPolicy,
    /// Rewriting of attachment links.
    pub file_links: FileLinkMode,
    /// Public base URL of the gateway, without a trailing slash. Rewritten attachment links start
    /// with it.
    pub public_url: String,
    /// Retention of the audit log in days. Defaults to 90.
    pub audit_days: u32,
    /// Clock. Defaults to the system clock.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for GatewaySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewaySettings")
            .field("archive", &self.archive)
            .field("businesses", &self.businesses)
            .finish_non_exhaustive()
    }
}

impl GatewaySettings {
    /// Returns the default settings for an upstream client and an archive folder.
    #[must_use]
    pub fn new(client: Client, archive: impl Into<PathBuf>) -> Self {
        Self {
            client,
            credential: None,
            archive: archive.into(),
            businesses: Vec::new(),
            parallel: 4,
            admin_key: None,
            request_timeout_seconds: 10,
            unversioned: Unversioned::default(),
            send_once: SendOnceOptions::default(),
            sync: false,
            policy: AddressPolicy::Loopback,
            file_links: FileLinkMode::default(),
            public_url: "http://127.0.0.1:8070".to_owned(),
            audit_days: 90,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Rewriting of attachment links in responses.
///
/// ```
/// use beseda_gateway::FileLinkMode;
///
/// assert_eq!("proxy".parse(), Ok(FileLinkMode::Proxy));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileLinkMode {
    /// Keeps links that open without a credential and replaces the others with links to the
    /// gateway.
    #[default]
    Auto,
    /// Replaces all links with links to the gateway.
    Proxy,
    /// Keeps all links as the upstream wrote them.
    Upstream,
}

impl std::str::FromStr for FileLinkMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "proxy" => Ok(Self::Proxy),
            "upstream" => Ok(Self::Upstream),
            other => {
                Err(format!("unknown file link mode '{other}'; expected auto, proxy or upstream"))
            }
        }
    }
}

/// Error of opening a gateway or its folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayOpenError {
    /// The database of keys can't be opened, or another gateway uses it.
    #[error(transparent)]
    Engine(#[from] beseda_engine::EngineOpenError),
    /// The gateway's database can't be opened.
    #[error("failed to open the gateway's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The archive can't be opened.
    #[error(transparent)]
    Archive(#[from] beseda_archive::Error),
    /// The gateway's database has a newer schema than this version supports.
    #[error(
        "the gateway's database was written by a newer version of this program (schema version {0})"
    )]
    NewerSchema(i64),
    /// A folder or file can't be created or opened.
    #[error("failed to open {}: {}", .0.display(), .1)]
    Folder(PathBuf, std::io::Error),
    /// The archive folder has no gateway folder.
    #[error("no gateway has run on {} yet: start one first", .0.display())]
    NoGateway(PathBuf),
    /// The credential has access to no cabinet, or to none of the requested ones.
    #[error(
        "the upstream's credential has access to no cabinet: if the cabinet has no shops, give its id with --business"
    )]
    NoCabinet,
    /// The upstream refused the credential, or can't be reached at the first start.
    #[error(transparent)]
    Upstream(#[from] Error),
}

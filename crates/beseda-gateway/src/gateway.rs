//! The gateway: opens its folder, starts its tasks, and provides the services of the HTTP server.

use std::{sync::Arc, time::Duration};

use beseda_api::SystemTimer;
use beseda_api::{BusinessId, Campaign};
use beseda_archive::Archive;
use beseda_client::SecretString;
use beseda_engine::Engine;
use beseda_server::{LimitPreset, LimitSettings, LocalizedText, Services, StartPage, Unversioned};
use beseda_webhook::{receiver::EventSink, sender::WebhookSender};

use crate::{
    background::{ArchiveSync, Maintenance, UpstreamWebhooks},
    db::GatewayDb,
    derived_keys::DerivedKeys,
    file_proxy::FileProxy,
    folder,
    keys::{GatewayDirectory, KeyStore},
    per_call::PerCall,
    settings::{GatewayOpenError, GatewaySettings},
    state::GatewayState,
    upstream::{CabinetDirectory, UpstreamCredential},
};

/// Maximum time that sends in progress may take at shutdown.
const SEND_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);
/// Interval at which shutdown checks for other owners of the engine.
const RELEASE_INTERVAL: Duration = Duration::from_millis(5);
/// Maximum number of these checks.
const RELEASE_CHECKS: u32 = 400;

/// Rate limiting proxy in front of a cabinet: API keys, quotas, shared reads, and an audit log of
/// sends.
///
/// The [crate's front page](crate) has an example.
pub struct Gateway {
    shared: Arc<GatewayState>,
    keys: KeyStore,
    directory: Arc<GatewayDirectory>,
    cabinets: Arc<CabinetDirectory>,
    api_keys: Vec<(BusinessId, Option<String>)>,
    admin_key: SecretString,
    request_timeout_seconds: u64,
    unversioned: Unversioned,
    maintenance: Maintenance,
    webhook_sender: WebhookSender,
    archive_sync: Option<ArchiveSync>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl Gateway {
    /// Opens the gateway's folder, loads the cabinets from the upstream, and starts the background
    /// tasks.
    ///
    /// # Errors
    /// If the folder can't be opened or another gateway uses it, if the upstream refuses the
    /// credential, or if it can't be reached at the first start.
    pub async fn open(settings: GatewaySettings) -> Result<Self, GatewayOpenError> {
        let folder = folder::create(&settings.archive)?;
        let db = GatewayDb::open(&folder.join("gateway.sqlite"))?;
        let archive = Archive::open(&settings.archive)?;
        let derived_keys = DerivedKeys::open(&folder)
            .map_err(|error| GatewayOpenError::Folder(folder.clone(), error))?;
        let engine = open_engine(&folder, &settings).await?;
        let cabinets = Arc::new(CabinetDirectory::load(&settings, db.clone()).await?);
        let names = cabinets.cabinets();
        if names.is_empty() {
            return Err(GatewayOpenError::NoCabinet);
        }
        let api_keys = folder::provision(&engine, &derived_keys, &names).await?;
        let credential = UpstreamCredential::resolve(&settings).await;
        let webhook_sender = start_webhook_sender(&engine, &settings);
        db.mark_interrupted_sends().await?;
        let shared = Arc::new(GatewayState::new(&settings, archive, db.clone(), &derived_keys));
        let businesses: Vec<BusinessId> = names.into_keys().collect();
        let keys = KeyStore { engine: Arc::clone(&engine), db };
        shared.reload_quotas(&keys, &businesses).await?;
        let archive_sync = settings.sync.then(|| ArchiveSync::start(&shared, businesses.clone()));
        let (tasks, days) = (Arc::clone(&shared), settings.audit_days);
        Ok(Self {
            maintenance: Maintenance::start(tasks, keys.clone(), businesses, days),
            directory: Arc::new(GatewayDirectory::new(engine, credential, Arc::clone(&cabinets))),
            admin_key: settings.admin_key.unwrap_or_else(|| derived_keys.admin_key().into()),
            request_timeout_seconds: settings.request_timeout_seconds,
            unversioned: settings.unversioned,
            shared,
            keys,
            cabinets,
            api_keys,
            webhook_sender,
            archive_sync,
        })
    }

    /// Returns the services for [`beseda_server::router`].
    #[must_use]
    pub fn services(&self) -> Services {
        let files = FileProxy {
            db: self.shared.db.clone(),
            archive: self.shared.archive.clone(),
            client: self.shared.client.clone(),
        };
        Services::new(Arc::new(self.shared.client.clone()))
            .directory(self.directory.clone())
            .files(Arc::new(files))
            .admin(Arc::new(self.keys.clone()))
            .subscriptions(self.webhook_sender.subscriptions())
            .clock(Arc::clone(&self.shared.clock))
            .per_call(Arc::new(PerCall(Arc::clone(&self.shared))))
            .start_page(StartPage::new().keys(LocalizedText::new(
                "This is a gateway. Its operator issues keys: beseda gateway keys create.",
                "Это шлюз. Ключи выдаёт его администратор: beseda gateway keys create.",
            )))
    }

    /// Returns the server settings. The server's own rate limiter is off because the gateway has
    /// its own.
    #[must_use]
    pub fn server_settings(&self) -> beseda_server::ServerSettings {
        beseda_server::ServerSettings {
            limits: LimitSettings { preset: LimitPreset::Off, ..LimitSettings::default() },
            admin_key: Some(self.admin_key.clone()),
            request_timeout_seconds: self.request_timeout_seconds,
            unversioned: self.unversioned,
            ..beseda_server::ServerSettings::default()
        }
    }

    /// Returns the cabinets with their derived API keys; a revoked key is `None`.
    #[must_use]
    pub fn cabinets(&self) -> &[(BusinessId, Option<String>)] {
        &self.api_keys
    }

    /// Returns the key of the admin API.
    #[must_use]
    pub fn admin_key(&self) -> &SecretString {
        &self.admin_key
    }

    /// Returns the campaigns of a cabinet.
    pub async fn campaigns(&self, business: BusinessId) -> Vec<Campaign> {
        self.cabinets.campaigns(&[business]).await
    }

    /// Returns the keys of the gateway and their quotas.
    #[must_use]
    pub fn keys(&self) -> &KeyStore {
        &self.keys
    }

    /// Returns the sink for the upstream's webhooks.
    ///
    /// A webhook expires shared reads of its cabinet, is forwarded to the gateway's subscriptions,
    /// and triggers the archive sync if [`sync`](GatewaySettings::sync) is on.
    #[must_use]
    pub fn webhook_sink(&self) -> Arc<dyn EventSink> {
        Arc::new(UpstreamWebhooks {
            shared: Arc::clone(&self.shared),
            engine: Arc::clone(&self.keys.engine),
            hints: self.archive_sync.as_ref().map(ArchiveSync::hints),
        })
    }

    /// Shuts down the gateway after its server: waits up to 15 seconds for sends in progress, stops
    /// the background tasks, and releases the folder.
    pub async fn shutdown(self) {
        drop(self.maintenance);
        if let Some(archive_sync) = self.archive_sync {
            archive_sync.shutdown().await;
        }
        self.webhook_sender.stop().await;
        self.shared.send_tasks.close();
        let sends = self.shared.send_tasks.wait();
        if tokio::time::timeout(SEND_SHUTDOWN_TIMEOUT, sends).await.is_err() {
            tracing::warn!("shut down with sends in progress: see the audit log");
        }
        let engine = Arc::clone(&self.keys.engine);
        drop((self.shared, self.keys, self.directory, self.cabinets));
        // Connections that are closing may hold the engine for a moment. It is dropped here, after
        // them, so that the folder is unlocked when this returns.
        for _ in 0..RELEASE_CHECKS {
            if Arc::strong_count(&engine) == 1 {
                break;
            }
            tokio::time::sleep(RELEASE_INTERVAL).await;
        }
        drop(engine);
    }
}

async fn open_engine(
    folder: &std::path::Path,
    settings: &GatewaySettings,
) -> Result<Arc<Engine>, GatewayOpenError> {
    let clock = Arc::clone(&settings.clock);
    let engine =
        Engine::open_sqlite(folder, beseda_engine::EngineSettings::default(), clock).await?;
    Ok(Arc::new(engine))
}

fn start_webhook_sender(engine: &Engine, settings: &GatewaySettings) -> WebhookSender {
    WebhookSender::start(
        engine.notification_queue(),
        beseda_webhook::sender::SenderSettings::new(settings.policy),
        Arc::clone(&settings.clock),
        Arc::new(SystemTimer),
    )
}

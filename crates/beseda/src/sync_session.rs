//! Setup shared by `sync` and `watch`: the archive, the client, and the webhook listener.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{BusinessId, Campaign, FileStream, notification::Notification};
use beseda_archive::{Archive, AttachmentFetcher, Depth, Error, Schedule, Syncer};
use beseda_client::{Client, ErrorExt, RetryPolicy};
use beseda_server::TransportSettings;
use beseda_webhook::receiver::Receiver;
use tokio::sync::{mpsc, oneshot};

use crate::{
    archive_access::to_error,
    args::{CabinetsArgs, ConnectionArgs, SyncOptions},
    connect,
    exit_status::UsageError,
};

/// Capacity of the queue of received notifications. Market repeats those that do not fit.
const QUEUE_CAPACITY: usize = 1_024;

/// Client and cabinets of a sync. Calls have background priority and wait for rate limits.
pub(crate) struct SyncSession {
    pub(crate) client: Client,
    pub(crate) cabinets: Vec<BusinessId>,
}

impl SyncSession {
    /// Connects to the service. Lists the campaigns if no cabinet is given or the names of some are
    /// unknown; with `tolerant`, goes on without the names if the service is unavailable.
    pub(crate) async fn connect(
        archive: &Archive,
        connection: &ConnectionArgs,
        cabinets: &CabinetsArgs,
        trusted: &[String],
        tolerant: bool,
    ) -> anyhow::Result<Self> {
        let client = connect::client(connection, cabinets.generation, trusted)?;
        let mut businesses = cabinets.business.clone();
        businesses.sort_unstable();
        businesses.dedup();
        let has_no_name = |business: &BusinessId| {
            let known = archive.cabinet(*business).ok().flatten();
            known.is_none_or(|cabinet| cabinet.name.is_none())
        };
        if businesses.is_empty() || businesses.iter().any(has_no_name) {
            match client.campaigns().await {
                Ok(shops) => {
                    let list_all = businesses.is_empty();
                    if list_all {
                        businesses = cabinets_of(&shops);
                    }
                    let is_selected = |shop: &Campaign| {
                        let business = shop.business.as_ref().and_then(|business| business.id);
                        business.is_some_and(|business| businesses.contains(&business))
                    };
                    let shops: Vec<Campaign> = shops.into_iter().filter(is_selected).collect();
                    archive.set_campaigns(&shops).map_err(to_error)?;
                }
                Err(error) if businesses.is_empty() || (!tolerant && error.is_retryable()) => {
                    return Err(error.into());
                }
                Err(error) => tracing::info!(%error, "can't list the campaigns to get their names"),
            }
        }
        if businesses.is_empty() {
            return Err(UsageError::error(
                "can't determine the cabinet from the credential: give --business",
            ));
        }
        let patience =
            RetryPolicy { deadline: connection.background_deadline(), ..RetryPolicy::default() };
        Ok(Self { client: client.background().with_retry_policy(patience), cabinets: businesses })
    }

    /// Returns a syncer of these cabinets.
    pub(crate) fn syncer(&self, archive: &Archive, files: bool) -> Result<Syncer, Error> {
        let api = Arc::new(self.client.clone());
        let syncer = Syncer::new(archive.clone(), api, self.cabinets.iter().copied())?;
        Ok(if files {
            syncer.with_attachments(Arc::new(AttachmentDownloader(self.client.clone())))
        } else {
            syncer
        })
    }
}

fn cabinets_of(shops: &[Campaign]) -> Vec<BusinessId> {
    let ids = shops.iter().filter_map(|shop| shop.business.as_ref()?.id);
    let mut ids: Vec<BusinessId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Downloads attachments through the client.
struct AttachmentDownloader(Client);

#[async_trait]
impl AttachmentFetcher for AttachmentDownloader {
    async fn fetch(&self, url: &str) -> beseda_api::Result<FileStream> {
        Ok(self.0.download(url).await?.content)
    }
}

/// Returns the schedule of syncs.
pub(crate) fn schedule(
    every: Option<u64>,
    default: u64,
    options: &SyncOptions,
    first: Option<Depth>,
) -> Schedule {
    let default = if options.listen.is_some() { 300 } else { default };
    Schedule {
        every: Duration::from_secs(every.unwrap_or(default)),
        full_every: Duration::from_secs(options.full_every),
        first,
    }
}

/// Running webhook listener, stopped when dropped.
pub(crate) struct NotificationListener {
    pub(crate) url: String,
    notifications: mpsc::Receiver<Notification>,
    shutdown: ListenerGuard,
}

/// Guard that keeps a webhook listener running.
pub(crate) struct ListenerGuard(
    #[expect(dead_code, reason = "the listener stops when this is dropped")] oneshot::Sender<()>,
);

impl NotificationListener {
    /// Splits the listener into its notifications and the guard that keeps it running.
    pub(crate) fn split(
        this: Option<Self>,
    ) -> (Option<mpsc::Receiver<Notification>>, Option<ListenerGuard>) {
        match this {
            Some(listener) => (Some(listener.notifications), Some(listener.shutdown)),
            None => (None, None),
        }
    }
}

/// Starts a webhook listener if `--listen` is given.
pub(crate) async fn listen(
    options: &SyncOptions,
    cabinets: &[BusinessId],
) -> anyhow::Result<Option<NotificationListener>> {
    let Some(address) = options.listen else { return Ok(None) };
    let mut receiver = Receiver::builder().path(&options.path);
    receiver = receiver.trusted_proxies(options.trust_proxy.iter().copied());
    if options.any_source {
        receiver = receiver.any_source();
    } else if !options.source.is_empty() {
        receiver = receiver.sources(options.source.iter().copied());
    }
    let receiver =
        cabinets.iter().fold(receiver, |receiver, business| receiver.business(*business));
    let (router, mut events) = receiver.build()?;
    let (listener, address) = beseda_server::listen(address).await?;
    let url = format!(
        "{}{}",
        beseda_server::local_url(address, "http"),
        options.path.trim_end_matches('/')
    );
    let (shutdown, stopped) = oneshot::channel::<()>();
    let (send, notifications) = mpsc::channel(QUEUE_CAPACITY);
    let transport = TransportSettings {
        provide_peer_address: true,
        drain_seconds: 0,
        ..TransportSettings::default()
    };
    tokio::spawn(async move {
        let pass_on = async {
            while let Some(event) = events.recv().await {
                if send.send(event.notification).await.is_err() {
                    return;
                }
            }
        };
        let shutdown = async { drop(stopped.await) };
        let serve = beseda_server::serve(listener, router, transport, shutdown);
        tokio::select! {
            served = serve => {
                if let Err(error) = served {
                    tracing::error!(%error, "the webhook listener has stopped");
                }
            }
            () = pass_on => {}
        }
    });
    Ok(Some(NotificationListener { url, notifications, shutdown: ListenerGuard(shutdown) }))
}

//! Setup shared by `sync` and `watch`: the archive, the client, and the webhook listener.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda::host;
use beseda_api::{BusinessId, Campaign, FileStream, notification::Notification};
use beseda_archive::{Archive, Depth, Error, Fetch, Schedule, Syncer};
use beseda_client::{Client, ErrorExt, Patience, receiver::Receiver};
use beseda_server::Transport;
use tokio::sync::{mpsc, oneshot};

use crate::{
    args::{Cabinets, Connection, KeepArgs},
    connect,
    exit_status::Usage,
};

/// Capacity of the queue of received notifications. Market repeats those that do not fit.
const HINTS: usize = 1_024;

/// Opens an archive, creating it if missing; an unusable folder is a usage error.
pub(crate) fn open(folder: &Path) -> anyhow::Result<Archive> {
    Archive::open(folder).map_err(failed)
}

/// Converts an archive's error so that errors of the service keep their exit status.
pub(crate) fn failed(error: Error) -> anyhow::Error {
    match error {
        Error::Service(error) => error.into(),
        error @ (Error::Folder { .. } | Error::Locked { .. } | Error::NothingToSearch) => {
            Usage::error(error.to_string())
        }
        error => error.into(),
    }
}

/// Client and cabinets of a sync. Calls have background priority and wait for rate limits.
pub(crate) struct Kept {
    pub(crate) client: Client,
    pub(crate) cabinets: Vec<BusinessId>,
}

impl Kept {
    /// Connects to the service. Lists the campaigns if no cabinet is given or the names of some are
    /// unknown; with `tolerant`, goes on without the names if the service is unavailable.
    pub(crate) async fn reach(
        archive: &Archive,
        connection: &Connection,
        cabinets: &Cabinets,
        trusted: &[String],
        patient: bool,
    ) -> anyhow::Result<Self> {
        let client = connect::client(connection, cabinets.generation, trusted)?;
        let mut wanted = cabinets.business.clone();
        wanted.sort_unstable();
        wanted.dedup();
        let nameless = |business: &BusinessId| {
            let known = archive.cabinet(*business).ok().flatten();
            known.is_none_or(|cabinet| cabinet.name.is_none())
        };
        if wanted.is_empty() || wanted.iter().any(nameless) {
            match client.campaigns().await {
                Ok(shops) => {
                    let of_all = wanted.is_empty();
                    if of_all {
                        wanted = opened(&shops);
                    }
                    let of_wanted = |shop: &Campaign| {
                        let business = shop.business.as_ref().and_then(|business| business.id);
                        business.is_some_and(|business| wanted.contains(&business))
                    };
                    let shops: Vec<Campaign> = shops.into_iter().filter(of_wanted).collect();
                    archive.set_campaigns(&shops).map_err(failed)?;
                }
                Err(error) if wanted.is_empty() || (!patient && error.is_retryable()) => {
                    return Err(error.into());
                }
                Err(error) => tracing::info!(%error, "the names of the shops could not be had"),
            }
        }
        if wanted.is_empty() {
            return Err(Usage::error(
                "the credential sees no shop that tells its cabinet: give --business",
            ));
        }
        let patience = Patience { longest: connection.long_wait(), ..Patience::default() };
        Ok(Self { client: client.background().with_patience(patience), cabinets: wanted })
    }

    /// Returns a syncer of these cabinets.
    pub(crate) fn syncer(&self, archive: &Archive, files: bool) -> Result<Syncer, Error> {
        let api = Arc::new(self.client.clone());
        let syncer = Syncer::new(archive.clone(), api, self.cabinets.iter().copied())?;
        Ok(if files { syncer.fetching(Arc::new(Download(self.client.clone()))) } else { syncer })
    }
}

fn opened(shops: &[Campaign]) -> Vec<BusinessId> {
    let ids = shops.iter().filter_map(|shop| shop.business.as_ref()?.id);
    let mut ids: Vec<BusinessId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Downloads attachments through the client.
struct Download(Client);

#[async_trait]
impl Fetch for Download {
    async fn fetch(&self, url: &str) -> beseda_api::Result<FileStream> {
        Ok(self.0.download(url).await?.content)
    }
}

/// Returns the schedule of syncs.
pub(crate) fn schedule(
    every: Option<u64>,
    default: u64,
    keep: &KeepArgs,
    first: Option<Depth>,
) -> Schedule {
    let default = if keep.listen.is_some() { 300 } else { default };
    Schedule {
        every: Duration::from_secs(every.unwrap_or(default)),
        full_every: Duration::from_secs(keep.full_every),
        first,
    }
}

/// Running webhook listener, stopped when dropped.
pub(crate) struct Hearing {
    pub(crate) url: String,
    hints: mpsc::Receiver<Notification>,
    end: Open,
}

/// Guard that keeps a webhook listener running.
pub(crate) struct Open(
    #[expect(dead_code, reason = "it ends by being dropped")] oneshot::Sender<()>,
);

impl Hearing {
    /// Splits the listener into its notifications and the guard that keeps it running.
    pub(crate) fn split(
        this: Option<Self>,
    ) -> (Option<mpsc::Receiver<Notification>>, Option<Open>) {
        match this {
            Some(hearing) => (Some(hearing.hints), Some(hearing.end)),
            None => (None, None),
        }
    }
}

/// Starts a webhook listener if `--listen` is given.
pub(crate) async fn hear(
    keep: &KeepArgs,
    cabinets: &[BusinessId],
) -> anyhow::Result<Option<Hearing>> {
    let Some(address) = keep.listen else { return Ok(None) };
    let mut receiver = Receiver::builder().path(&keep.path);
    receiver = receiver.trusted_proxies(keep.trust_proxy.iter().copied());
    if keep.any_source {
        receiver = receiver.any_source();
    } else if !keep.source.is_empty() {
        receiver = receiver.sources(keep.source.iter().copied());
    }
    let receiver =
        cabinets.iter().fold(receiver, |receiver, business| receiver.business(*business));
    let (router, mut events) = receiver.build()?;
    let (listener, taken) = host::listen(address).await?;
    let url = format!("{}{}", host::local_url(taken, "http"), keep.path.trim_end_matches('/'));
    let (end, ended) = oneshot::channel::<()>();
    let (send, hints) = mpsc::channel(HINTS);
    let transport = Transport { tell_peers: true, drain_seconds: 0, ..Transport::default() };
    tokio::spawn(async move {
        let pass_on = async {
            while let Some(event) = events.recv().await {
                if send.send(event.notification).await.is_err() {
                    return;
                }
            }
        };
        let end = async { drop(ended.await) };
        let serve = beseda_server::serve(listener, router, transport, end);
        tokio::select! {
            served = serve => {
                if let Err(error) = served {
                    tracing::error!(%error, "notifications are no longer taken in");
                }
            }
            () = pass_on => {}
        }
    });
    Ok(Some(Hearing { url, hints, end: Open(end) }))
}

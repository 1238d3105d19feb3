//! What `sync` and `watch` share: opening an archive, reaching the service, hearing notifications. What they show is theirs.

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

/// Notifications that wait to be followed; Market repeats what doesn't find room.
const HINTS: usize = 1_024;

/// Opens an archive; what is wrong with its folder is the command line's business.
pub(crate) fn open(folder: &Path) -> anyhow::Result<Archive> {
    Archive::open(folder).map_err(failed)
}

/// An archive's error as the program tells it: what the service said keeps its class.
pub(crate) fn failed(error: Error) -> anyhow::Error {
    match error {
        Error::Service(error) => error.into(),
        error @ (Error::Folder { .. } | Error::Locked { .. } | Error::NothingToSearch) => {
            Usage::error(error.to_string())
        }
        error => error.into(),
    }
}

/// A service and the cabinets that are kept in step with it, by calls that give way to all others and wait for limits.
pub(crate) struct Kept {
    pub(crate) client: Client,
    pub(crate) cabinets: Vec<BusinessId>,
}

impl Kept {
    /// Reaches the service; asks for its shops if the cabinets aren't named, or their names aren't known. One who is
    /// patient goes on without the names where the service is away.
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

    /// A syncer of these cabinets.
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

/// Fetches attachments as `beseda chats download` does.
struct Download(Client);

#[async_trait]
impl Fetch for Download {
    async fn fetch(&self, url: &str) -> beseda_api::Result<FileStream> {
        Ok(self.0.download(url).await?.content)
    }
}

/// How often the service is asked.
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

/// A receiver of notifications that runs until it is dropped.
pub(crate) struct Hearing {
    pub(crate) url: String,
    hints: mpsc::Receiver<Notification>,
    end: Open,
}

/// Keeps a receiver open.
pub(crate) struct Open(
    #[expect(dead_code, reason = "it ends by being dropped")] oneshot::Sender<()>,
);

impl Hearing {
    /// The notifications, and what they end with.
    pub(crate) fn split(
        this: Option<Self>,
    ) -> (Option<mpsc::Receiver<Notification>>, Option<Open>) {
        match this {
            Some(hearing) => (Some(hearing.hints), Some(hearing.end)),
            None => (None, None),
        }
    }
}

/// Takes notifications in, if they are wanted.
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

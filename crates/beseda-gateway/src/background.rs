//! What the gateway does unasked: keeping the archive in step behind everybody else, and passing the upstream's notifications on.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use beseda_api::{BusinessId, notification::Notification};
use beseda_archive::{Error, Schedule, Syncer};
use beseda_client::receiver::{Event, Take, Verdict};
use beseda_engine::Engine;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::gateway::Inner;

/// How long to wait for an archive that another process keeps in step, or after a failure that won't pass by itself.
const ANOTHER_TRY: Duration = Duration::from_secs(30);
/// Hints that may wait; what doesn't fit the next listing finds.
const HINTS: usize = 1_000;

/// The archive being kept in step.
pub(crate) struct Syncing {
    hints: mpsc::Sender<Notification>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Syncing {
    pub(crate) fn start(inner: &Arc<Inner>, businesses: Vec<BusinessId>) -> Self {
        let (hints, told) = mpsc::channel(HINTS);
        let stop = CancellationToken::new();
        let end = stop.clone();
        let (archive, client) = (inner.archive.clone(), inner.background.clone());
        let running = tokio::spawn(async move {
            let api = Arc::new(client);
            let syncer = loop {
                match Syncer::new(archive.clone(), api.clone(), businesses.iter().copied()) {
                    Ok(syncer) => break syncer,
                    Err(error @ Error::Locked { .. }) => {
                        tracing::info!(%error, "the archive is kept in step already");
                    }
                    Err(error) => tracing::warn!(%error, "the archive can't be kept in step"),
                }
                tokio::select! {
                    () = end.cancelled() => return,
                    () = tokio::time::sleep(ANOTHER_TRY) => {}
                }
            };
            let mut told = Some(told);
            loop {
                match syncer.run(Schedule::polling(), told.take(), end.cancelled()).await {
                    Ok(()) => return,
                    // A credential may be let in again, and a disk have room.
                    Err(error) => tracing::error!(%error, "the archive isn't kept in step"),
                }
                tokio::select! {
                    () = end.cancelled() => return,
                    () = tokio::time::sleep(ANOTHER_TRY) => {}
                }
            }
        });
        Self { hints, stop, running }
    }

    pub(crate) fn hints(&self) -> mpsc::Sender<Notification> {
        self.hints.clone()
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        // A syncer that panicked has ended too.
        let _ = self.running.await;
    }
}

/// Takes notifications of the upstream.
pub(crate) struct Told {
    pub(crate) inner: Arc<Inner>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) hints: Option<mpsc::Sender<Notification>>,
}

#[async_trait]
impl Take for Told {
    /// It is taken when every subscriber's copy is durable.
    async fn take(&self, event: Event) -> Verdict {
        let Some(business) = event.business else { return Verdict::Taken };
        self.inner.flights.written(business);
        if let Some(hints) = &self.hints {
            // What doesn't fit the next listing finds.
            let _ = hints.try_send(event.notification.clone());
        }
        match self.engine.announce(business, event.notification).await {
            Ok(_) => Verdict::Taken,
            Err(error) if error.kind().is_some() => Verdict::Malformed(error.to_string()),
            Err(error) => Verdict::Failed(error.to_string()),
        }
    }
}

//! Sync of an archive from any `ChatsApi`, with as few calls as possible. Each page is stored in one transaction with its
//! progress, so that a kill at any point leaves neither gaps nor duplicates.

mod hints;
mod history_sync;
mod listing;
mod retry;
mod run;
mod stats;

use std::sync::Arc;

use beseda_api::{BusinessId, ChatsApi, Clock, SystemClock, Timer};
use futures::{StreamExt, stream};

pub use run::Schedule;
pub use stats::{Calls, SyncEvent, SyncStats};

use crate::{
    Archive, Error, Result,
    archive::{ArchiveTransaction, SyncLock},
    attachments::{AttachmentFetcher, AttachmentFiles},
};

/// Number of chats of one cabinet read concurrently: the service's limit.
const PARALLEL: usize = 4;
/// Number of cabinets synced concurrently.
const CABINETS: usize = 4;

/// Depth of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All chats; detects status changes without a new message.
    Full,
    /// Chats updated since the last listing, as far as the service sorts by update.
    Quick,
}

type Watcher = dyn Fn(&SyncEvent<'_>) + Send + Sync;

/// Syncs an archive with a service. Only one process at a time can sync an archive.
///
/// ```
/// use std::sync::Arc;
/// use beseda_archive::{Archive, Depth, Syncer};
/// # async fn start(api: Arc<dyn beseda_api::ChatsApi>) -> Result<(), Box<dyn std::error::Error>> {
/// let archive = Archive::open("chats")?;
/// let syncer = Syncer::new(archive.clone(), api, [beseda_api::BusinessId::new(1)?])?;
/// let stats = syncer.once(Depth::Full).await?;
/// println!("{} new messages in {} calls", stats.messages, stats.calls.total());
/// # Ok(()) }
/// ```
pub struct Syncer {
    pub(crate) archive: Archive,
    api: Arc<dyn ChatsApi>,
    cabinets: Vec<BusinessId>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) fetch: Option<Arc<dyn AttachmentFetcher>>,
    pub(crate) files: AttachmentFiles,
    watcher: Option<Box<Watcher>>,
    count: stats::SharedStats,
    _lock: SyncLock,
}

impl std::fmt::Debug for Syncer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Syncer");
        shown.field("archive", &self.archive).field("cabinets", &self.cabinets);
        shown.finish_non_exhaustive()
    }
}

impl Syncer {
    /// Creates a syncer of these cabinets.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if the archive has one already; otherwise if its folder is unusable.
    pub fn new(
        archive: Archive,
        api: Arc<dyn ChatsApi>,
        cabinets: impl IntoIterator<Item = BusinessId>,
    ) -> Result<Self> {
        let lock = SyncLock::take(archive.folder())?;
        let files = AttachmentFiles::of(&archive)?;
        files.sweep()?;
        Ok(Self {
            archive,
            api,
            cabinets: cabinets.into_iter().collect(),
            clock: Arc::new(SystemClock),
            timer: Arc::new(beseda_api::SystemTimer),
            fetch: None,
            files,
            watcher: None,
            count: stats::SharedStats::default(),
            _lock: lock,
        })
    }

    /// Downloads attachments too.
    #[must_use]
    pub fn with_attachments(mut self, fetch: Arc<dyn AttachmentFetcher>) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// Sets clock and timer. Defaults to the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>, timer: Arc<dyn Timer>) -> Self {
        (self.clock, self.timer) = (clock, timer);
        self
    }

    /// Sets an observer of the sync's events.
    #[must_use]
    pub fn on_event(mut self, watcher: impl Fn(&SyncEvent<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// Returns the statistics so far.
    #[must_use]
    pub fn stats(&self) -> SyncStats {
        self.count.now()
    }

    /// Syncs once: lists, reads what is missing, downloads files.
    ///
    /// # Errors
    ///
    /// The first failure. Everything read before is kept, and failures of single chats don't stop
    /// the others.
    pub async fn once(&self, depth: Depth) -> Result<SyncStats> {
        let passes =
            self.cabinets.clone().into_iter().map(|business| self.pass(business, depth, true));
        let done: Vec<Result<()>> = stream::iter(passes).buffer_unordered(CABINETS).collect().await;
        let files = self.fetch_files().await;
        done.into_iter().collect::<Result<()>>()?;
        files?;
        self.tell(&SyncEvent::Synced(&self.stats()));
        Ok(self.stats())
    }

    /// Lists a cabinet and reads what is missing.
    async fn pass(&self, business: BusinessId, depth: Depth, alone: bool) -> Result<()> {
        // On a clock that stands still, more messages may have been added at the newest time.
        let again = if alone && depth == Depth::Full {
            self.archive.whole_newest(business, listing::AGAIN)?
        } else {
            Vec::new()
        };
        self.list(business, depth).await?;
        self.read_due(business, again).await
    }

    /// Runs a write on a blocking thread.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut ArchiveTransaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let archive = self.archive.clone();
        let done = tokio::task::spawn_blocking(move || archive.write(work)).await;
        done.map_err(|panic| Error::Service(beseda_api::Error::internal(panic)))?
    }

    pub(crate) fn tell(&self, event: &SyncEvent<'_>) {
        if let Some(watcher) = &self.watcher {
            watcher(event);
        }
    }

    pub(crate) fn add(&self, add: impl FnOnce(&mut SyncStats)) {
        let tally = self.count.add(add);
        self.tell(&SyncEvent::Progress(&tally));
    }
}

//! Fills an archive through any `ChatsApi` and keeps it in step with the fewest calls. Every page is kept in one
//! transaction with the progress it means, so that an end at any point leaves neither a hole nor a double.
//! What is read of the service stands in `listing.rs` and `reading.rs`; when, in `run.rs`.

mod hints;
mod listing;
mod reading;
mod run;
mod tally;
mod trouble;

use std::sync::Arc;

use beseda_api::{BusinessId, ChatsApi, Clock, SystemClock, Timer};
use futures::{StreamExt, stream};

pub use run::Schedule;
pub use tally::{Calls, Event, Tally};

use crate::{
    Archive, Error, Result,
    archive::{SyncLock, Write},
    attachments::{Fetch, Files},
};

/// Chats of one cabinet that are read at once: as many as the service lets through.
const PARALLEL: usize = 4;
/// Cabinets that are gone through at once.
const CABINETS: usize = 4;

/// How much of a cabinet is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything: changes of status are seen even where no message came with them.
    Full,
    /// What was updated since the last time, as far as the service lists that first.
    Quick,
}

type Watcher = dyn Fn(&Event<'_>) + Send + Sync;

/// Keeps an archive in step with a service. There is one for an archive at a time, over all processes.
///
/// ```
/// use std::sync::Arc;
/// use beseda_archive::{Archive, Depth, Syncer};
/// # async fn start(api: Arc<dyn beseda_api::ChatsApi>) -> Result<(), Box<dyn std::error::Error>> {
/// let archive = Archive::open("chats")?;
/// let syncer = Syncer::new(archive.clone(), api, [beseda_api::BusinessId::new(1)?])?;
/// let tally = syncer.once(Depth::Full).await?;
/// println!("{} new messages in {} calls", tally.messages, tally.calls.total());
/// # Ok(()) }
/// ```
pub struct Syncer {
    pub(crate) archive: Archive,
    api: Arc<dyn ChatsApi>,
    cabinets: Vec<BusinessId>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) fetch: Option<Arc<dyn Fetch>>,
    pub(crate) files: Files,
    watcher: Option<Box<Watcher>>,
    count: tally::Count,
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
    /// A syncer of these cabinets.
    ///
    /// # Errors
    /// [`Error::Locked`] if the archive has one already; otherwise if its folder can't be used.
    pub fn new(
        archive: Archive,
        api: Arc<dyn ChatsApi>,
        cabinets: impl IntoIterator<Item = BusinessId>,
    ) -> Result<Self> {
        let lock = SyncLock::take(archive.folder())?;
        let files = Files::of(&archive)?;
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
            count: tally::Count::default(),
            _lock: lock,
        })
    }

    /// Fetches attached files too.
    #[must_use]
    pub fn fetching(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// Goes by another clock than the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>, timer: Arc<dyn Timer>) -> Self {
        (self.clock, self.timer) = (clock, timer);
        self
    }

    /// Tells how it gets on.
    #[must_use]
    pub fn watched(mut self, watcher: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.watcher = Some(Box::new(watcher));
        self
    }

    /// What it has done so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.count.now()
    }

    /// Brings the archive up to date once: lists, reads what is missing, fetches files.
    ///
    /// # Errors
    /// The first failure. Everything read before it is kept, and chats that failed alone don't stop the others.
    pub async fn once(&self, depth: Depth) -> Result<Tally> {
        let passes =
            self.cabinets.clone().into_iter().map(|business| self.pass(business, depth, true));
        let done: Vec<Result<()>> = stream::iter(passes).buffer_unordered(CABINETS).collect().await;
        let files = self.fetch_files().await;
        done.into_iter().collect::<Result<()>>()?;
        files?;
        self.tell(&Event::InStep(&self.tally()));
        Ok(self.tally())
    }

    /// Lists a cabinet and reads what is missing.
    async fn pass(&self, business: BusinessId, depth: Depth, alone: bool) -> Result<()> {
        // Where a clock stands still, more messages may have come at the moment of the newest one.
        let again = if alone && depth == Depth::Full {
            self.archive.whole_newest(business, listing::AGAIN)?
        } else {
            Vec::new()
        };
        self.list(business, depth).await?;
        self.read_due(business, again).await
    }

    /// Runs a write where it may block.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let archive = self.archive.clone();
        let done = tokio::task::spawn_blocking(move || archive.write(work)).await;
        done.map_err(|panic| Error::Service(beseda_api::Error::internal(panic)))?
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        if let Some(watcher) = &self.watcher {
            watcher(event);
        }
    }

    pub(crate) fn add(&self, add: impl FnOnce(&mut Tally)) {
        let tally = self.count.add(add);
        self.tell(&Event::Progress(&tally));
    }
}

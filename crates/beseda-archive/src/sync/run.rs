//! Continuous sync: polling, immediate reaction to webhooks, and waiting out temporary failures.

use std::{future::Future, time::Duration};

use beseda_api::notification::Notification;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{CABINETS, Depth, SyncEvent, Syncer, retry};
use crate::Result;

/// Maximum number of notifications handled at once.
const HINTS: usize = 256;

/// Schedule of a continuous sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Interval between quick listings.
    pub every: Duration,
    /// Interval between complete listings, which detect status changes without a new message.
    pub full_every: Duration,
    /// Depth of the first listing; `None` waits for the first interval.
    pub first: Option<Depth>,
}

impl Schedule {
    /// Returns the schedule without webhooks: every 30 seconds.
    #[must_use]
    pub fn polling() -> Self {
        Self {
            every: Duration::from_secs(30),
            full_every: Duration::from_secs(3600),
            first: Some(Depth::Full),
        }
    }

    /// Returns the schedule with webhooks: every 5 minutes, in case one was lost.
    #[must_use]
    pub fn hinted() -> Self {
        Self { every: Duration::from_secs(300), ..Self::polling() }
    }
}

/// Kind of work that finished.
enum Round {
    /// Listing and reading.
    Pass,
    /// Download of a few files; true if more are due.
    Files,
}

impl Syncer {
    /// Syncs continuously until `end` completes. A notification triggers a sync of its chat immediately; the schedule
    /// finds what notifications miss.
    ///
    /// # Errors
    ///
    /// Permanent failures: a rejected credential, a failing disk. Other failures are reported as [`SyncEvent::Trouble`] and
    /// retried.
    pub async fn run(
        &self,
        schedule: Schedule,
        mut hints: Option<mpsc::Receiver<Notification>>,
        end: impl Future<Output = ()>,
    ) -> Result<()> {
        tokio::pin!(end);
        let every = signed(schedule.every);
        let mut failures = 0;
        let mut first = schedule.first;
        let now = self.clock.now();
        let mut next = if first.is_some() { now } else { retry::later(now, every) };
        let mut files_wanted = false;
        let mut under_way: Option<BoxFuture<'_, (Round, Result<bool>)>> = None;
        // Runs beside the current work, which may hold what it waits for.
        let mut following: Option<BoxFuture<'_, Result<()>>> = None;
        let mut followed = false;
        loop {
            let is_time = next <= self.clock.now();
            if under_way.is_none() && files_wanted && !is_time {
                files_wanted = false;
                let fetch = async { (Round::Files, self.fetch_some_files().await) };
                under_way = Some(fetch.boxed());
            }
            let idle = under_way.is_none() && following.is_none();
            // However many hints arrive, the listing gets its turn.
            let listens = following.is_none() && !(followed && idle && is_time);
            tokio::select! {
                biased;
                () = &mut end => return Ok(()),
                done = ended(&mut following) => {
                    (following, followed) = (None, true);
                    match done {
                        Ok(()) => {
                            files_wanted = true;
                            self.tell(&SyncEvent::Synced(&self.stats()));
                        }
                        // The next listing finds what this hint was about.
                        Err(error) => {
                            failures += 1;
                            next = next.min(self.trouble(error, failures)?);
                        }
                    }
                },
                told = take(&mut hints), if listens => following = Some(self.follow(told).boxed()),
                (round, done) = ended(&mut under_way) => {
                    under_way = None;
                    match (round, done) {
                        (Round::Files, Ok(more)) => files_wanted |= more,
                        (Round::Files, Err(error)) => drop(self.trouble(error, 0)?),
                        (Round::Pass, Ok(_)) => {
                            (failures, first, files_wanted) = (0, None, true);
                            next = retry::later(self.clock.now(), every);
                            self.tell(&SyncEvent::Synced(&self.stats()));
                        }
                        (Round::Pass, Err(error)) => {
                            failures += 1;
                            files_wanted = true;
                            next = self.trouble(error, failures)?;
                        }
                    }
                },
                () = self.timer.sleep_until(next), if idle => {
                    followed = false;
                    let pass = self.scheduled(first, signed(schedule.full_every));
                    under_way = Some(pass.map(|done| (Round::Pass, done.map(|()| false))).boxed());
                },
            }
        }
    }

    async fn scheduled(&self, first: Option<Depth>, full_every: SignedDuration) -> Result<()> {
        let passes = self.cabinets.clone().into_iter().map(|business| async move {
            let depth = match first {
                Some(depth) => depth,
                None => self.depth(business, full_every)?,
            };
            self.pass(business, depth, false).await
        });
        let done: Vec<Result<()>> = stream::iter(passes).buffer_unordered(CABINETS).collect().await;
        done.into_iter().collect()
    }

    /// Reports a failure and returns the time of the next attempt, or the failure if it is
    /// permanent.
    fn trouble(&self, error: crate::Error, failures: u32) -> Result<Timestamp> {
        if !retry::passes(&error) {
            return Err(error);
        }
        let at = retry::retry_at(&error, failures, self.clock.now());
        self.tell(&SyncEvent::Trouble(&error, at));
        Ok(at)
    }
}

/// Returns the available notifications, at least one; pending forever if the channel is closed.
async fn take(hints: &mut Option<mpsc::Receiver<Notification>>) -> Vec<Notification> {
    if let Some(open) = hints {
        let mut told = Vec::new();
        if open.recv_many(&mut told, HINTS).await > 0 {
            return told;
        }
        *hints = None;
    }
    std::future::pending().await
}

/// Returns the result of the work; pending forever without work.
async fn ended<T>(work: &mut Option<BoxFuture<'_, T>>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

//! Listing of a cabinet's chats, complete or only the newest part.

use std::collections::HashSet;

use beseda_api::{
    BusinessId, Chat, ChatFilter, ChatPage, ErrorKind, Limit, PageRequest, PageToken,
};
use jiff::{SignedDuration, Timestamp};

use super::{Depth, Syncer, retry};
use crate::{
    Error, Result,
    archive::{ChatDiff, ListingResult},
};

/// Overlap of quick listings: messages become visible in another order than their dates.
const OVERLAP: SignedDuration = SignedDuration::from_secs(2);
/// Maximum number of chats with the newest time that are read again.
pub(super) const AGAIN: u32 = 1_000;
/// Maximum number of restarts after the service forgot a page token.
const RESTARTS: u32 = 2;

/// Tracks whether chats are sorted by update, newest first. A chat updated meanwhile may appear
/// anywhere.
struct ListingOrder {
    kept: bool,
    newest: Option<Timestamp>,
    oldest_before: Option<Timestamp>,
}

impl ListingOrder {
    fn see(&mut self, chats: &[Chat]) {
        let dates = || chats.iter().map(|chat| chat.updated_at.timestamp());
        let falls = dates().is_sorted_by(|a, b| a >= b);
        let rises_between_pages = match (self.newest, self.oldest_before) {
            (Some(newest), Some(oldest)) => dates().any(|date| date > oldest && date < newest),
            _ => false,
        };
        self.kept &= falls && !rises_between_pages;
        if self.newest.is_none() {
            self.newest = dates().max();
        }
        self.oldest_before = dates().min().or(self.oldest_before);
    }
}

impl Syncer {
    /// Stores the list page by page. The watermark advances once the listing is complete.
    pub(super) async fn list(&self, business: BusinessId, depth: Depth) -> Result<()> {
        let mut restarts = 0;
        loop {
            match self.list_once(business, depth).await {
                Err(Error::Service(error))
                    if error.kind() == Some(ErrorKind::BadRequest) && restarts < RESTARTS =>
                {
                    restarts += 1;
                    tracing::info!(%error, "the list of chats broke off: beginning anew");
                }
                done => return done,
            }
        }
    }

    async fn list_once(&self, business: BusinessId, depth: Depth) -> Result<()> {
        let known = self.archive.cabinet(business)?;
        let until = known.filter(|known| depth == Depth::Quick && known.newest_first == Some(true));
        let until = until.and_then(|known| known.watermark?.checked_sub(OVERLAP).ok());
        let mut order = ListingOrder { kept: true, newest: None, oldest_before: None };
        let mut page = PageRequest::first(Limit::MAX);
        let mut followed: HashSet<PageToken> = HashSet::new();
        let whole = loop {
            let now = self.clock.now();
            self.add(|tally| tally.calls.get_chats += 1);
            let answer = self.api.get_chats(business, ChatFilter::default(), page.clone()).await?;
            let ChatPage { chats, paging } = answer;
            order.see(&chats);
            let older = |chat: &Chat| until.is_some_and(|u| chat.updated_at.timestamp() < u);
            let old = chats.iter().any(older);
            self.keep(business, chats, now).await?;
            match paging.next_page_token {
                None => break true,
                Some(_) if old && order.kept => break false,
                Some(token) if !followed.insert(token.clone()) => {
                    let text = "the service repeats a page token: the list of chats has no end";
                    return Err(beseda_api::Error::internal(text).into());
                }
                Some(token) => page = page.after(token),
            }
        };
        let end = ListingResult {
            newest: order.newest,
            newest_first: order.kept,
            full_at: whole.then(|| self.clock.now()),
        };
        self.write(move |write| write.listed(business, end)).await
    }

    async fn keep(&self, business: BusinessId, chats: Vec<Chat>, now: Timestamp) -> Result<()> {
        let listed = self
            .write(move |write| {
                write.cabinet(business)?;
                let keep = |chat| write.chat(business, chat, now);
                chats.iter().map(keep).collect::<rusqlite::Result<Vec<ChatDiff>>>()
            })
            .await?;
        self.add(|tally| {
            for listed in listed {
                tally.chats_listed += 1;
                tally.chats_new += u64::from(listed == ChatDiff::New);
                tally.chats_changed += u64::from(listed == ChatDiff::Changed);
            }
        });
        Ok(())
    }

    /// Returns the depth of the next listing.
    pub(super) fn depth(&self, business: BusinessId, full_every: SignedDuration) -> Result<Depth> {
        let full_at = self.archive.cabinet(business)?.and_then(|cabinet| cabinet.full_at);
        let now = self.clock.now();
        // A time in the future was recorded by a wrong clock.
        let fresh = full_at.is_some_and(|at| at <= now && retry::later(at, full_every) > now);
        Ok(if fresh { Depth::Quick } else { Depth::Full })
    }
}

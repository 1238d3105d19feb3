//! Pages of histories that can't change any more, out of the archive, and the tokens that lead through them. The live end of a
//! chat is always the upstream's.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use beseda_api::{
    BusinessId, ChatId, Error, HistoryFrom, Message, MessageId, MessagePage, PageToken, Paging,
    Result,
};
use beseda_archive::Archive;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What our tokens begin with; everything else is the upstream's.
const PREFIX: &str = "gw-";
/// Bytes of the seal.
const SEAL: usize = 12;

/// Full pages out of the archive.
pub(crate) struct Pages {
    archive: Archive,
    mac: Hmac<Sha256>,
    /// Cabinets whose histories were seen to come oldest first by the pages that went through here.
    proven: Mutex<HashSet<BusinessId>>,
}

/// Where a page of a history comes from.
pub(crate) enum Found {
    /// It is here.
    Page(Box<MessagePage>),
    /// The upstream has to be asked, in its own words.
    Ask {
        /// The question.
        asked: HistoryFrom,
        /// Where the upstream took over a walk that began here: its next token belongs to a question the program never
        /// asked, so it goes out in one of ours.
        taken_over: Option<MessageId>,
    },
}

impl Pages {
    pub(crate) fn new(archive: Archive, secret: &[u8; 32]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        Self { archive, mac: Hmac::new(&block.into()), proven: Mutex::default() }
    }

    /// Looks for a page. Tokens of ours become places, which the upstream understands.
    pub(crate) fn find(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<Found> {
        let mut asked = from;
        let mut taken_over = None;
        if let Some(token) = &asked.page.token {
            let Some(sealed) = token.as_str().strip_prefix(PREFIX) else {
                return Ok(Found::Ask { asked, taken_over });
            };
            let (place, theirs) = self.open(business, chat, sealed)?;
            (taken_over, asked.message_id_from) = (Some(place), Some(place));
            asked.page.token = theirs;
            if asked.page.token.is_some() {
                return Ok(Found::Ask { asked, taken_over });
            }
        }
        match self.page(business, chat, &asked) {
            Ok(Some(page)) => Ok(Found::Page(Box::new(page))),
            Ok(None) => Ok(Found::Ask { asked, taken_over }),
            Err(error) => {
                tracing::warn!(%error, "the archive can't be read: the upstream is asked");
                Ok(Found::Ask { asked, taken_over })
            }
        }
    }

    /// Puts the upstream's next token into one of ours, where the walk began here.
    pub(crate) fn lead_on(
        &self,
        business: BusinessId,
        chat: ChatId,
        taken_over: Option<MessageId>,
        page: &mut MessagePage,
    ) {
        if let (Some(place), Some(theirs)) = (taken_over, &page.paging.next_page_token) {
            let ours = self.seal(business, chat, place, theirs.as_str());
            page.paging.next_page_token = Some(ours);
        }
    }

    /// A full page with something known after it, and nothing missing up to there.
    fn page(
        &self,
        business: BusinessId,
        chat: ChatId,
        asked: &HistoryFrom,
    ) -> beseda_archive::Result<Option<MessagePage>> {
        if !self.is_ordered(business)? {
            return Ok(None);
        }
        let limit = asked.page.limit.unwrap_or_default().get();
        let mut found = self.archive.history(business, chat, asked.message_id_from, limit + 1)?;
        if u32::try_from(found.len()).unwrap_or(u32::MAX) <= limit {
            return Ok(None);
        }
        let Some(known) =
            self.archive.chat(business, chat)?.filter(|known| known.gone_at.is_none())
        else {
            return Ok(None);
        };
        let next = found.pop().map(|next| next.message.message_id);
        if next > known.whole_to {
            return Ok(None);
        }
        let next = next.map(|next| self.seal(business, chat, next, ""));
        Ok(Some(MessagePage {
            order_id: known.chat.order_id,
            context: known.chat.context,
            messages: found.into_iter().map(|archived| archived.message).collect(),
            paging: Paging { next_page_token: next },
        }))
    }

    /// Whether the upstream's histories come oldest first, as far as anybody has seen.
    fn is_ordered(&self, business: BusinessId) -> beseda_archive::Result<bool> {
        let cabinet = self.archive.cabinet(business)?;
        Ok(cabinet.is_some_and(|cabinet| match cabinet.history_ordered {
            Some(ordered) => ordered,
            None => self.proven().contains(&business),
        }))
    }

    fn proven(&self) -> MutexGuard<'_, HashSet<BusinessId>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a page that came from the upstream. A first page with more after it that begins with a chat's first
    /// message and rises shows how histories are ordered there.
    pub(crate) fn learn(
        &self,
        business: BusinessId,
        chat: ChatId,
        asked: &HistoryFrom,
        page: &MessagePage,
    ) {
        let whole = asked.page.token.is_none() && asked.message_id_from.is_none();
        if !whole || page.paging.next_page_token.is_none() || self.proven().contains(&business) {
            return;
        }
        let ids = || page.messages.iter().map(|message| message.message_id);
        let first = self.archive.history(business, chat, None, 1).unwrap_or_default();
        let first = first.first().map(|archived| archived.message.message_id);
        let whole_to =
            self.archive.chat(business, chat).ok().flatten().and_then(|chat| chat.whole_to);
        if ids().is_sorted() && first.is_some() && ids().next() == first && ids().max() < whole_to {
            self.proven().insert(business);
        }
    }

    /// One message, which never changes once it is there.
    pub(crate) fn message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Option<Message> {
        let found = self.archive.message(business, chat, message).ok().flatten()?;
        let known = self.archive.chat(business, chat).ok().flatten()?;
        known.gone_at.is_none().then_some(found.message)
    }

    /// A place, and the upstream's token for going on from there if it has taken over.
    fn seal(&self, business: BusinessId, chat: ChatId, from: MessageId, theirs: &str) -> PageToken {
        let place = from.get().to_be_bytes();
        let seal = self.sealing(business, chat, &place, theirs.as_bytes()).finalize().into_bytes();
        let bytes = [&place, &seal[..SEAL], theirs.as_bytes()].concat();
        PageToken::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn open(
        &self,
        business: BusinessId,
        chat: ChatId,
        sealed: &str,
    ) -> Result<(MessageId, Option<PageToken>)> {
        let bad = Error::bad_page_token;
        let bytes = URL_SAFE_NO_PAD.decode(sealed.trim_end_matches('=')).map_err(|_| bad())?;
        let (place, rest) = bytes.split_first_chunk::<8>().ok_or_else(bad)?;
        let (seal, theirs) = rest.split_at_checked(SEAL).ok_or_else(bad)?;
        let sealed = self.sealing(business, chat, place, theirs).verify_truncated_left(seal);
        sealed.map_err(|_| bad())?;
        let place = MessageId::new(i64::from_be_bytes(*place)).map_err(|_| bad())?;
        let theirs = std::str::from_utf8(theirs).map_err(|_| bad())?;
        Ok((place, (!theirs.is_empty()).then(|| PageToken::new(theirs))))
    }

    fn sealing(
        &self,
        business: BusinessId,
        chat: ChatId,
        place: &[u8; 8],
        theirs: &[u8],
    ) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(&business.get().to_be_bytes());
        mac.update(&chat.get().to_be_bytes());
        mac.update(place);
        mac.update(theirs);
        mac
    }
}

#[cfg(test)]
mod tests {
    use beseda_api::{BusinessId, ChatId, HistoryFrom, MessageId, PageRequest, PageToken};
    use beseda_archive::Archive;

    use super::{Found, PREFIX, Pages};

    #[test]
    fn our_tokens_come_back_as_places_and_the_upstreams_pass_through() {
        let folder = tempfile::tempdir().unwrap();
        let pages = Pages::new(Archive::open(folder.path()).unwrap(), &[7; 32]);
        let (business, chat) = (BusinessId::new(1).unwrap(), ChatId::new(2).unwrap());
        let asked = |token: PageToken| HistoryFrom {
            message_id_from: None,
            page: PageRequest { limit: None, token: Some(token) },
        };
        let place = MessageId::new(77).unwrap();
        let ours = pages.seal(business, chat, place, "");
        let found = pages.find(business, chat, asked(ours.clone()));
        let Ok(Found::Ask { asked: found, taken_over }) = found else {
            panic!("an empty archive has a page");
        };
        assert_eq!((found.message_id_from, found.page.token), (Some(place), None));
        assert_eq!(taken_over, Some(place));
        let theirs = PageToken::new("abc");
        let found = pages.find(business, chat, asked(theirs.clone()));
        let Ok(Found::Ask { asked: found, taken_over: None }) = found else {
            panic!("a token of the upstream is refused");
        };
        assert_eq!(found.page.token, Some(theirs.clone()));

        // Where the upstream took over, its own token comes back with the question it belongs to.
        let wrapped = pages.seal(business, chat, place, theirs.as_str());
        let found = pages.find(business, chat, asked(wrapped.clone()));
        let Ok(Found::Ask { asked: found, taken_over }) = found else {
            panic!("a wrapped token is refused");
        };
        assert_eq!((found.message_id_from, found.page.token), (Some(place), Some(theirs)));
        assert_eq!(taken_over, Some(place));
        let other = ChatId::new(3).unwrap();
        assert!(pages.find(business, other, asked(ours.clone())).is_err());
        for token in [ours, wrapped] {
            for place in PREFIX.len()..token.as_str().len() {
                let mut text = token.as_str().as_bytes().to_vec();
                text[place] = if text[place] == b'A' { b'B' } else { b'A' };
                let changed = PageToken::new(String::from_utf8(text).unwrap());
                assert!(pages.find(business, chat, asked(changed)).is_err());
            }
        }
    }
}

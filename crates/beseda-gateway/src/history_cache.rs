//! Cache of closed history pages from the archive, with page tokens of its own. The last page of a
//! chat always comes from the upstream.

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

/// Prefix of the gateway's page tokens. Other tokens are the upstream's.
const TOKEN_PREFIX: &str = "gw-";
/// Length of a token's MAC in bytes.
const MAC_BYTES: usize = 12;

/// Cache of closed history pages, backed by the archive.
pub(crate) struct HistoryCache {
    archive: Archive,
    mac: Hmac<Sha256>,
    /// Cabinets whose upstream pages were observed to be sorted oldest first.
    sorted: Mutex<HashSet<BusinessId>>,
}

/// Result of a lookup.
pub(crate) enum PageLookup {
    /// The page is in the archive.
    Hit(Box<MessagePage>),
    /// The page must be read from the upstream.
    Miss {
        /// Request for the upstream, without tokens of the gateway.
        request: HistoryFrom,
        /// First message of the request where the upstream continues a listing that started in the
        /// archive. Its next page token belongs to this request, which the program never made, so
        /// it is wrapped.
        resumed_at: Option<MessageId>,
    },
}

impl HistoryCache {
    pub(crate) fn new(archive: Archive, secret: &[u8; 32]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        Self { archive, mac: Hmac::new(&block.into()), sorted: Mutex::default() }
    }

    /// Looks up a page. A token of the gateway is replaced with the message it starts at.
    ///
    /// # Errors
    /// 400 if a token of the gateway is invalid.
    pub(crate) fn lookup(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<PageLookup> {
        let mut request = from;
        let mut resumed_at = None;
        if let Some(token) = &request.page.token {
            let Some(encoded) = token.as_str().strip_prefix(TOKEN_PREFIX) else {
                return Ok(PageLookup::Miss { request, resumed_at });
            };
            let (start, upstream_token) = self.decode_token(business, chat, encoded)?;
            (resumed_at, request.message_id_from) = (Some(start), Some(start));
            request.page.token = upstream_token;
            if request.page.token.is_some() {
                return Ok(PageLookup::Miss { request, resumed_at });
            }
        }
        match self.page(business, chat, &request) {
            Ok(Some(page)) => Ok(PageLookup::Hit(Box::new(page))),
            Ok(None) => Ok(PageLookup::Miss { request, resumed_at }),
            Err(error) => {
                tracing::warn!(%error, "failed to read the archive; reading from the upstream");
                Ok(PageLookup::Miss { request, resumed_at })
            }
        }
    }

    /// Wraps the upstream's next page token in one of the gateway's if the listing started in the
    /// archive.
    pub(crate) fn wrap_next_token(
        &self,
        business: BusinessId,
        chat: ChatId,
        resumed_at: Option<MessageId>,
        page: &mut MessagePage,
    ) {
        if let (Some(start), Some(token)) = (resumed_at, &page.paging.next_page_token) {
            let wrapped = self.encode_token(business, chat, start, token.as_str());
            page.paging.next_page_token = Some(wrapped);
        }
    }

    /// Returns a full page if a message after it is known and no message up to it is missing.
    fn page(
        &self,
        business: BusinessId,
        chat: ChatId,
        request: &HistoryFrom,
    ) -> beseda_archive::Result<Option<MessagePage>> {
        if !self.is_sorted_upstream(business)? {
            return Ok(None);
        }
        let limit = request.page.limit.unwrap_or_default().get();
        let mut found = self.archive.history(business, chat, request.message_id_from, limit + 1)?;
        if u32::try_from(found.len()).unwrap_or(u32::MAX) <= limit {
            return Ok(None);
        }
        let Some(archived_chat) =
            self.archive.chat(business, chat)?.filter(|chat| chat.gone_at.is_none())
        else {
            return Ok(None);
        };
        let next = found.pop().map(|next| next.message.message_id);
        if next > archived_chat.whole_to {
            return Ok(None);
        }
        let next = next.map(|next| self.encode_token(business, chat, next, ""));
        Ok(Some(MessagePage {
            order_id: archived_chat.chat.order_id,
            context: archived_chat.chat.context,
            messages: found.into_iter().map(|archived| archived.message).collect(),
            paging: Paging { next_page_token: next },
        }))
    }

    /// Returns true if all histories seen so far were sorted oldest first.
    fn is_sorted_upstream(&self, business: BusinessId) -> beseda_archive::Result<bool> {
        let cabinet = self.archive.cabinet(business)?;
        Ok(cabinet.is_some_and(|cabinet| match cabinet.history_ordered {
            Some(ordered) => ordered,
            None => self.lock_sorted().contains(&business),
        }))
    }

    fn lock_sorted(&self) -> MutexGuard<'_, HashSet<BusinessId>> {
        self.sorted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Observes the order of an upstream page: a first page that has a next one, starts with the
    /// chat's first message and is ascending proves that histories are sorted oldest first.
    pub(crate) fn observe_order(
        &self,
        business: BusinessId,
        chat: ChatId,
        request: &HistoryFrom,
        page: &MessagePage,
    ) {
        let is_first_page = request.page.token.is_none() && request.message_id_from.is_none();
        if !is_first_page
            || page.paging.next_page_token.is_none()
            || self.lock_sorted().contains(&business)
        {
            return;
        }
        let ids = || page.messages.iter().map(|message| message.message_id);
        let first = self.archive.history(business, chat, None, 1).unwrap_or_default();
        let first = first.first().map(|archived| archived.message.message_id);
        let whole_to =
            self.archive.chat(business, chat).ok().flatten().and_then(|chat| chat.whole_to);
        if ids().is_sorted() && first.is_some() && ids().next() == first && ids().max() < whole_to {
            self.lock_sorted().insert(business);
        }
    }

    /// Returns an archived message. Messages never change.
    pub(crate) fn message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Option<Message> {
        let found = self.archive.message(business, chat, message).ok().flatten()?;
        let archived_chat = self.archive.chat(business, chat).ok().flatten()?;
        archived_chat.gone_at.is_none().then_some(found.message)
    }

    /// Encodes a token of its start message and, if the upstream continues the listing, the
    /// upstream's token.
    fn encode_token(
        &self,
        business: BusinessId,
        chat: ChatId,
        start: MessageId,
        upstream_token: &str,
    ) -> PageToken {
        let (start, upstream_token) = (start.get().to_be_bytes(), upstream_token.as_bytes());
        let mac = self.token_mac(business, chat, &start, upstream_token).finalize().into_bytes();
        let bytes = [&start, &mac[..MAC_BYTES], upstream_token].concat();
        PageToken::new(format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Decodes a token into its start message and the upstream's token.
    fn decode_token(
        &self,
        business: BusinessId,
        chat: ChatId,
        encoded: &str,
    ) -> Result<(MessageId, Option<PageToken>)> {
        let invalid = Error::bad_page_token;
        let bytes = URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|_| invalid())?;
        let (start, rest) = bytes.split_first_chunk::<8>().ok_or_else(invalid)?;
        let (mac, upstream_token) = rest.split_at_checked(MAC_BYTES).ok_or_else(invalid)?;
        let verified =
            self.token_mac(business, chat, start, upstream_token).verify_truncated_left(mac);
        verified.map_err(|_| invalid())?;
        let start = MessageId::new(i64::from_be_bytes(*start)).map_err(|_| invalid())?;
        let upstream_token = std::str::from_utf8(upstream_token).map_err(|_| invalid())?;
        Ok((start, (!upstream_token.is_empty()).then(|| PageToken::new(upstream_token))))
    }

    fn token_mac(
        &self,
        business: BusinessId,
        chat: ChatId,
        start: &[u8; 8],
        upstream_token: &[u8],
    ) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(&business.get().to_be_bytes());
        mac.update(&chat.get().to_be_bytes());
        mac.update(start);
        mac.update(upstream_token);
        mac
    }
}

#[cfg(test)]
mod tests {
    use beseda_api::{BusinessId, ChatId, HistoryFrom, MessageId, PageRequest, PageToken};
    use beseda_archive::Archive;

    use super::{HistoryCache, PageLookup, TOKEN_PREFIX};

    #[test]
    fn own_tokens_decode_to_a_start_message_and_upstream_tokens_pass_through() {
        let folder = tempfile::tempdir().unwrap();
        let cache = HistoryCache::new(Archive::open(folder.path()).unwrap(), &[7; 32]);
        let (business, chat) = (BusinessId::new(1).unwrap(), ChatId::new(2).unwrap());
        let request = |token: PageToken| HistoryFrom {
            message_id_from: None,
            page: PageRequest { limit: None, token: Some(token) },
        };
        let start = MessageId::new(77).unwrap();
        let own = cache.encode_token(business, chat, start, "");
        let found = cache.lookup(business, chat, request(own.clone()));
        let Ok(PageLookup::Miss { request: found, resumed_at }) = found else {
            panic!("an empty archive has a page");
        };
        assert_eq!((found.message_id_from, found.page.token), (Some(start), None));
        assert_eq!(resumed_at, Some(start));
        let upstream_token = PageToken::new("abc");
        let found = cache.lookup(business, chat, request(upstream_token.clone()));
        let Ok(PageLookup::Miss { request: found, resumed_at: None }) = found else {
            panic!("a token of the upstream is refused");
        };
        assert_eq!(found.page.token, Some(upstream_token.clone()));

        // A wrapped token decodes to the upstream token and the request it belongs to.
        let wrapped = cache.encode_token(business, chat, start, upstream_token.as_str());
        let found = cache.lookup(business, chat, request(wrapped.clone()));
        let Ok(PageLookup::Miss { request: found, resumed_at }) = found else {
            panic!("a wrapped token is refused");
        };
        assert_eq!((found.message_id_from, found.page.token), (Some(start), Some(upstream_token)));
        assert_eq!(resumed_at, Some(start));
        let other = ChatId::new(3).unwrap();
        assert!(cache.lookup(business, other, request(own.clone())).is_err());
        for token in [own, wrapped] {
            for index in TOKEN_PREFIX.len()..token.as_str().len() {
                let mut text = token.as_str().as_bytes().to_vec();
                text[index] = if text[index] == b'A' { b'B' } else { b'A' };
                let changed = PageToken::new(String::from_utf8(text).unwrap());
                assert!(cache.lookup(business, chat, request(changed)).is_err());
            }
        }
    }
}

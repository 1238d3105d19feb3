//! Paging: limits that can't be over their maximum, opaque tokens, the `paging` object. What a token means is the engine's business.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use crate::{Error, MessageId, Result};

/// How many items one page may hold: from 1 to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const MAX: u32>(u32);

/// `limit` of getChats: 1 to 20, 10 unless said.
pub type ChatsLimit = Limit<20>;
/// `limit` of getChatHistory: 1 to 100, 50 unless said.
pub type HistoryLimit = Limit<100>;

impl<const MAX: u32> Limit<MAX> {
    /// The largest page.
    pub const MAX: Self = Self(MAX);

    /// Takes a raw number.
    ///
    /// # Errors
    /// 400 with the documented text below 1 and above `MAX`.
    pub fn new(raw: i64) -> Result<Self> {
        match u32::try_from(raw) {
            Ok(limit) if limit > MAX => Err(Error::bad_request(format!(
                "Parameter limit must be less than or equal to {MAX} (rejected value: {raw})"
            ))),
            Ok(limit) if limit >= 1 => Ok(Self(limit)),
            Err(_) if raw > 0 => Err(Error::bad_request(format!(
                "Parameter limit must be less than or equal to {MAX} (rejected value: {raw})"
            ))),
            _ => Err(Error::bad_request(format!(
                "limit must be greater than or equal to 1 (rejected value: {raw})"
            ))),
        }
    }

    /// The number of items.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for ChatsLimit {
    fn default() -> Self {
        Self(10)
    }
}

impl Default for HistoryLimit {
    fn default() -> Self {
        Self(50)
    }
}

/// An opaque position in a list, given out as `nextPageToken`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageToken(String);

impl PageToken {
    /// Takes a token as it was received.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PageToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PageToken").field(&self.0).finish()
    }
}

/// Which page is asked for, and how large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<const MAX: u32> {
    /// Largest number of items; the operation's default if `None`.
    pub limit: Option<Limit<MAX>>,
    /// Where to go on; the first page if `None`.
    pub token: Option<PageToken>,
}

impl<const MAX: u32> Default for PageRequest<MAX> {
    fn default() -> Self {
        Self { limit: None, token: None }
    }
}

impl<const MAX: u32> PageRequest<MAX> {
    /// The first page of at most `limit` items.
    #[must_use]
    pub fn first(limit: Limit<MAX>) -> Self {
        Self { limit: Some(limit), token: None }
    }

    /// The page after `token`, of the same size as this one.
    #[must_use]
    pub fn after(&self, token: PageToken) -> Self {
        Self { limit: self.limit, token: Some(token) }
    }
}

impl<const MAX: u32> PageRequest<MAX>
where
    Limit<MAX>: Default,
{
    /// The page of a list that is whole in memory, with the token of the next one. A token names a place in the list,
    /// so it suits lists that only grow at their end; `list` is the list's name, and only its own tokens are good.
    ///
    /// # Errors
    /// 400 for a token that isn't of this list.
    pub fn cut<T>(
        self,
        list: impl Hash,
        items: impl IntoIterator<Item = T>,
    ) -> Result<(Vec<T>, Paging)> {
        let from = match &self.token {
            None => 0,
            Some(token) => place(&list, token).ok_or_else(Error::bad_page_token)?,
        };
        let size = self.limit.unwrap_or_default().get() as usize;
        let mut items = items.into_iter().skip(from);
        let page = items.by_ref().take(size).collect();
        let next_page_token = items.next().map(|_| token(&list, from + size));
        Ok((page, Paging { next_page_token }))
    }
}

/// The place in eight digits, and sixteen that only this list has at this place.
fn token(list: &impl Hash, place: usize) -> PageToken {
    let mut hasher = DefaultHasher::new();
    (list, place).hash(&mut hasher);
    PageToken(format!("{place:08x}{:016x}", hasher.finish()))
}

fn place(list: &impl Hash, given: &PageToken) -> Option<usize> {
    let place = usize::from_str_radix(given.0.get(..8)?, 16).ok()?;
    (token(list, place) == *given).then_some(place)
}

/// What part of a history is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFrom {
    /// The first message wanted, inclusive; it need not exist.
    pub message_id_from: Option<MessageId>,
    /// Which page of it.
    pub page: PageRequest<100>,
}

/// The `paging` object (published as `ForwardScrollingPagerDTO`, later `PackagingForwardScrollingPagerDTO`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Paging {
    /// The token of the next page; absent on the last one. An empty text reads as absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "no_empty_token")]
    pub next_page_token: Option<PageToken>,
}

fn no_empty_token<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PageToken>, D::Error> {
    Ok(Option::<PageToken>::deserialize(deserializer)?.filter(|token| !token.as_str().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::{ChatsLimit, PageRequest, PageToken, Paging};

    #[test]
    fn a_list_in_memory_is_walked_in_pages_by_its_own_tokens_only() {
        let first = PageRequest::first(ChatsLimit::new(3).unwrap());
        let (page, paging) = first.clone().cut("list", 0..7).unwrap();
        let token = paging.next_page_token.unwrap();
        let (next, paging) = first.after(token.clone()).cut("list", 0..7).unwrap();
        let (last, end) = first.after(paging.next_page_token.unwrap()).cut("list", 0..7).unwrap();
        assert_eq!((page, next, last), (vec![0, 1, 2], vec![3, 4, 5], vec![6]));
        assert_eq!(end, Paging::default());
        assert_eq!(PageRequest::<20>::default().cut("list", 0..10).unwrap().0.len(), 10);
        assert!(first.after(token.clone()).cut("another list", 0..7).is_err());
        for bad in ["", "zzz", "00000003", "я", &token.as_str().to_uppercase()] {
            let asked = first.after(PageToken::new(bad));
            assert!(asked.cut("list", 0..7).is_err() || bad == token.as_str(), "{bad}");
        }
    }

    #[test]
    fn a_limit_outside_its_bounds_is_refused_with_the_documented_text() {
        for (raw, text) in [
            (21, "Parameter limit must be less than or equal to 20 (rejected value: 21)"),
            (0, "limit must be greater than or equal to 1 (rejected value: 0)"),
            (-5, "limit must be greater than or equal to 1 (rejected value: -5)"),
        ] {
            assert_eq!(ChatsLimit::new(raw).unwrap_err().to_string(), text);
        }
        assert_eq!(ChatsLimit::new(20).unwrap().get(), 20);
    }

    #[test]
    fn no_token_null_and_empty_token_all_mean_the_last_page() {
        for body in ["{}", r#"{"nextPageToken":null}"#, r#"{"nextPageToken":""}"#] {
            assert_eq!(serde_json::from_str::<Paging>(body).unwrap(), Paging::default());
        }
    }
}

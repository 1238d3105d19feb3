//! Paging: page sizes, opaque page tokens, and the `paging` object.

use std::{
    any::type_name,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde::{Deserialize, Serialize};

use crate::{Error, MessageId, Result};

/// Page size: from 1 to `MAX`.
///
/// ```
/// use beseda_api::Limit;
///
/// assert_eq!(Limit::<20>::new(20)?.get(), 20);
/// let error = Limit::<20>::new(21).unwrap_err();
/// let text = "Parameter limit must be less than or equal to 20 (rejected value: 21)";
/// assert_eq!(error.to_string(), text);
/// # Ok::<(), beseda_api::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit<const MAX: u32>(u32);

/// `limit` of getChats: 1 to 20. Defaults to 10.
///
/// ```
/// use beseda_api::ChatsLimit;
///
/// assert_eq!((ChatsLimit::default().get(), ChatsLimit::MAX.get()), (10, 20));
/// ```
pub type ChatsLimit = Limit<20>;
/// `limit` of getChatHistory: 1 to 100. Defaults to 50.
///
/// ```
/// use beseda_api::HistoryLimit;
///
/// assert_eq!((HistoryLimit::default().get(), HistoryLimit::MAX.get()), (50, 100));
/// ```
pub type HistoryLimit = Limit<100>;

impl<const MAX: u32> Limit<MAX> {
    /// Maximum page size.
    pub const MAX: Self = Self(MAX);

    /// Creates a limit from a number.
    ///
    /// # Errors
    ///
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

    /// Returns the number of items.
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

/// Opaque position in a list, returned as `nextPageToken`.
///
/// ```
/// use beseda_api::PageToken;
///
/// assert_eq!(PageToken::new("abc").as_str(), "abc");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PageToken(String);

impl PageToken {
    /// Creates a token from received text.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// Returns the token as text.
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

/// Page to return: its size and position.
///
/// ```
/// use beseda_api::{Limit, PageRequest};
///
/// let first = PageRequest::<20>::first(Limit::new(2)?);
/// let (items, paging) = first.clone().paginate("numbers", [3, 1, 2], |n| (*n, 0))?;
/// assert_eq!(items, [1, 2]);
///
/// let next = first.after(paging.next_page_token.expect("not the last page"));
/// let (items, paging) = next.paginate("numbers", [3, 1, 2], |n| (*n, 0))?;
/// assert_eq!((items, paging.next_page_token), (vec![3], None));
/// # Ok::<(), beseda_api::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest<const MAX: u32> {
    /// Maximum number of items; `None` means the operation's default.
    pub limit: Option<Limit<MAX>>,
    /// Token of the page; `None` means the first page.
    pub token: Option<PageToken>,
}

impl<const MAX: u32> Default for PageRequest<MAX> {
    fn default() -> Self {
        Self { limit: None, token: None }
    }
}

impl<const MAX: u32> PageRequest<MAX> {
    /// Requests the first page with at most `limit` items.
    #[must_use]
    pub fn first(limit: Limit<MAX>) -> Self {
        Self { limit: Some(limit), token: None }
    }

    /// Requests the page at `token`, with the same size.
    #[must_use]
    pub fn after(&self, token: PageToken) -> Self {
        Self { limit: self.limit, token: Some(token) }
    }
}

impl<const MAX: u32> PageRequest<MAX>
where
    Limit<MAX>: Default,
{
    /// Returns a page of a list held in memory, ordered by a unique key, and the token of the next
    /// page.
    ///
    /// A token holds the last key, so items inserted or removed between two calls are neither
    /// skipped nor repeated. `list` identifies the list, for example by a `ChatId` or a name;
    /// tokens of other lists are rejected.
    ///
    /// # Errors
    ///
    /// 400 for a token of another list.
    pub fn paginate<T>(
        self,
        list: impl Hash,
        items: impl IntoIterator<Item = T>,
        key: impl Fn(&T) -> (i64, i64),
    ) -> Result<(Vec<T>, Paging)> {
        let behind = match &self.token {
            None => None,
            Some(token) => Some(read(&list, token).ok_or_else(Error::bad_page_token)?),
        };
        let mut items: Vec<T> = items.into_iter().filter(|item| Some(key(item)) > behind).collect();
        items.sort_by_key(&key);
        let size = self.limit.unwrap_or_default().get() as usize;
        let more = items.len() > size;
        items.truncate(size);
        let last = items.last().filter(|_| more);
        let next_page_token = last.map(|last| token(&list, key(last)));
        Ok((items, Paging { next_page_token }))
    }
}

/// Encodes both halves of the key and a hash over list and key. The hash includes the type, so that
/// a chat and a cabinet with the same number differ.
fn token<L: Hash>(list: &L, key: (i64, i64)) -> PageToken {
    let mut hasher = DefaultHasher::new();
    (type_name::<L>(), list, key).hash(&mut hasher);
    PageToken(format!("{:016x}{:016x}{:016x}", key.0, key.1, hasher.finish()))
}

fn read(list: &impl Hash, given: &PageToken) -> Option<(i64, i64)> {
    let half = |place| u64::from_str_radix(given.0.get(place..place + 16)?, 16).ok();
    let key = (half(0)?.cast_signed(), half(16)?.cast_signed());
    (token(list, key) == *given).then_some(key)
}

/// Part of a chat's history to return.
///
/// ```
/// use beseda_api::{HistoryFrom, HistoryLimit, MessageId, PageRequest};
///
/// let from = HistoryFrom {
///     message_id_from: Some(MessageId::new(1)?),
///     page: PageRequest::first(HistoryLimit::MAX),
/// };
/// assert_eq!(from.page.limit.map(|limit| limit.get()), Some(100));
/// # Ok::<(), beseda_api::IdOutOfRange>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFrom {
    /// First message to return, inclusive; it need not exist.
    pub message_id_from: Option<MessageId>,
    /// Page of that part.
    pub page: PageRequest<100>,
}

/// `paging` object (published as `ForwardScrollingPagerDTO`, later
/// `PackagingForwardScrollingPagerDTO`).
///
/// ```
/// use beseda_api::Paging;
///
/// let paging: Paging = serde_json::from_str(r#"{"nextPageToken":"abc"}"#)?;
/// assert_eq!(paging.next_page_token.as_ref().map(|token| token.as_str()), Some("abc"));
/// assert_eq!(serde_json::from_str::<Paging>("{}")?, Paging::default());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Paging {
    /// Token of the next page; absent on the last page. Empty text counts as absent.
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
    use crate::{BusinessId, ChatId};

    fn page(limit: i64, token: Option<PageToken>, list: &[i64]) -> (Vec<i64>, Option<PageToken>) {
        let asked = PageRequest { limit: ChatsLimit::new(limit).ok(), token };
        let (page, paging) = asked.paginate("list", list.to_vec(), |item| (-item, 0)).unwrap();
        (page, paging.next_page_token)
    }

    #[test]
    fn a_list_in_memory_is_walked_in_pages_whatever_comes_and_goes() {
        let (first, token) = page(2, None, &[1, 5, 3, 4, 2]);
        let (next, token) = page(2, token, &[1, 3, 4, 2, 6, 7]);
        let (last, end) = page(2, token, &[1, 3, 2, 8]);
        assert_eq!((first, next, last, end), (vec![5, 4], vec![3, 2], vec![1], None));
        let default =
            PageRequest::<20>::default().paginate("list", 0..11, |item| (*item, 0)).unwrap();
        assert_eq!((default.0.len(), default.1.next_page_token.is_some()), (10, true));
    }

    #[test]
    fn only_tokens_of_the_list_itself_are_good() {
        let token = page(2, None, &[1, 2, 3]).1.unwrap();
        let bad = |list: &str, token: &str| {
            let asked = PageRequest::<20> { limit: None, token: Some(PageToken::new(token)) };
            asked.paginate(list, 0..3, |item| (-*item, 0)).is_err()
        };
        assert!(!bad("list", token.as_str()) && bad("another list", token.as_str()));
        let of = |token| PageRequest::<20> { limit: None, token };
        let cut =
            |asked: PageRequest<20>| asked.paginate(ChatId::new(1).unwrap(), 0..20, |i| (*i, 0));
        let token = cut(of(None)).unwrap().1.next_page_token;
        assert!(cut(of(token.clone())).is_ok());
        assert!(of(token).paginate(BusinessId::new(1).unwrap(), 0..20, |i| (*i, 0)).is_err());
        let token = page(2, None, &[1, 2, 3]).1.unwrap();
        for place in 0..token.as_str().len() {
            let mut changed = token.as_str().to_owned();
            let other = if &changed[place..=place] == "A" { "B" } else { "A" };
            changed.replace_range(place..=place, other);
            assert!(bad("list", &changed), "{changed}");
        }
        assert!(["", "zzz", "я", &"я".repeat(24)].iter().all(|token| bad("list", token)));
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

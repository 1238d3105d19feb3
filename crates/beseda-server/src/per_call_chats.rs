//! Simplest `CallApi`: a `ChatsApi` for one caller, with fixed response headers.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{ChatsApi, RateLimit, forward_chats_api};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::CallApi;

/// `ChatsApi` for one call, with response headers known in advance. Returned by
/// [`PerCallApi::begin_call`](crate::PerCallApi::begin_call).
#[derive(Clone)]
pub struct PerCallChats {
    chats: Arc<dyn ChatsApi>,
    headers: HeaderMap,
    limit: Option<RateLimit>,
}

impl PerCallChats {
    /// Creates it from the seven operations. The server counts rate limits as usual.
    #[must_use]
    pub fn new(chats: Arc<dyn ChatsApi>) -> Self {
        Self { chats, headers: HeaderMap::new(), limit: None }
    }

    /// Sets a header of the response.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the `X-RateLimit-Resource-*` headers of the response instead of the server's own count.
    #[must_use]
    pub fn limit(mut self, limit: RateLimit) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl CallApi for PerCallChats {
    fn rate_limit(&self) -> Option<RateLimit> {
        self.limit
    }

    fn headers(&self, headers: &mut HeaderMap) {
        headers.extend(self.headers.clone());
    }
}

#[async_trait]
impl ChatsApi for PerCallChats {
    forward_chats_api!(chats);
}

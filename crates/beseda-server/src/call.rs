//! A call that has passed the gate, and what its handler may ask of it. Nothing of the engine is called here.

use axum::body::Body;
use beseda_api::{BusinessId, ChatsApi, Directory, Error, Generation, Result};
use bytes::Bytes;
use http::{HeaderName, header, request::Parts};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;

use crate::{
    Server,
    body::{self, Bounds, Detail, Kind},
    generation::View,
    query::{self, Query},
};

static X_BUSINESS_ID: HeaderName = HeaderName::from_static("x-business-id");

/// A request on its way through a handler.
pub(crate) struct Call<'a> {
    pub(crate) server: &'a Server,
    /// The seven operations for this call.
    pub(crate) chats: &'a dyn ChatsApi,
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a mut Body,
    pub(crate) generation: Generation,
}

impl<'a> Call<'a> {
    pub(crate) fn chats(&self) -> &'a dyn ChatsApi {
        self.chats
    }

    pub(crate) fn directory(&self) -> &'a dyn Directory {
        self.server.services.directory.as_ref()
    }

    pub(crate) fn query(&self) -> Query<'a> {
        Query(self.parts.uri.query().unwrap_or_default())
    }

    /// How orders are shown to this caller.
    pub(crate) fn view(&self) -> View {
        View::of(&self.server.settings, self.generation)
    }

    /// 415 and 400 for a body of the wrong type. Where nothing came at all, nothing came in the wrong type.
    pub(crate) fn check_type(&self, wanted: Kind) -> Result<()> {
        if self.has_nothing() {
            return Ok(());
        }
        body::check_type(&self.parts.headers, wanted)
    }

    /// Whether there is neither a body nor a word on what it would be.
    pub(crate) fn has_nothing(&self) -> bool {
        self.body.is_end_stream() && !self.parts.headers.contains_key(header::CONTENT_TYPE)
    }

    /// 400 if `X-Business-Id` is no id or names another cabinet than the path.
    pub(crate) fn check_business_header(&self, business: Option<BusinessId>) -> Result<()> {
        let Some(value) = self.parts.headers.get(&X_BUSINESS_ID) else { return Ok(()) };
        let text = String::from_utf8_lossy(value.as_bytes());
        let named: BusinessId = text.trim().parse().map_err(|_| {
            let text = query::shown(&text);
            Error::bad_request(format!("Incorrect X-Business-Id header value: '{text}'"))
        })?;
        match business {
            Some(business) if business != named => Err(Error::bad_request(format!(
                "URL businessId ('{business}') does not match businessId in X-Business-Id header ('{named}')"
            ))),
            _ => Ok(()),
        }
    }

    /// The body as JSON, for an operation of the published API.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        body::json(&self.whole_body().await?, Detail::Place)
    }

    /// The body as JSON, for an operation of our own.
    pub(crate) async fn own_json<T: DeserializeOwned>(&mut self) -> Result<T> {
        body::json(&self.whole_body().await?, Detail::Reason)
    }

    async fn whole_body(&mut self) -> Result<Bytes> {
        let bounds = self.bounds();
        // The bound on silence bounds the whole as well: nobody may keep a body coming drop by drop.
        let reading = tokio::time::timeout(bounds.silence, body::whole(self.body, bounds));
        let read = reading.await.unwrap_or(Err(body::Unread::TooSlow));
        read.map_err(|unread| match unread {
            body::Unread::TooBig => body::too_big(bounds.bytes as u64),
            other => other.into(),
        })
    }

    /// What a JSON body may cost.
    pub(crate) fn bounds(&self) -> Bounds {
        let settings = &self.server.settings;
        Bounds { bytes: settings.max_body_bytes, silence: settings.body_timeout() }
    }
}

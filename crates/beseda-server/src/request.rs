//! Context of an authorized request, passed to its handler.

use axum::body::Body;
use beseda_api::{BusinessId, ChatsApi, Directory, Error, Generation, Result};
use bytes::Bytes;
use http::{HeaderName, header, request::Parts};
use hyper::body::Body as _;
use serde::de::DeserializeOwned;

use crate::{
    Server,
    body::{self, BodyKind, BodyLimits, ErrorDetail},
    compat::ResponseFormat,
    query::{self, QueryString},
};

static X_BUSINESS_ID: HeaderName = HeaderName::from_static("x-business-id");

/// Request in a handler.
pub(crate) struct RequestContext<'a> {
    pub(crate) server: &'a Server,
    /// Seven operations for this call.
    pub(crate) chats: &'a dyn ChatsApi,
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a mut Body,
    pub(crate) generation: Generation,
}

impl<'a> RequestContext<'a> {
    pub(crate) fn chats(&self) -> &'a dyn ChatsApi {
        self.chats
    }

    pub(crate) fn directory(&self) -> &'a dyn Directory {
        self.server.services.directory.as_ref()
    }

    pub(crate) fn query(&self) -> QueryString<'a> {
        QueryString(self.parts.uri.query().unwrap_or_default())
    }

    /// Returns the response format for this caller.
    pub(crate) fn view(&self) -> ResponseFormat {
        ResponseFormat::of(&self.server.settings, self.generation)
    }

    /// Checks the media type: 415 and 400. A request without a body has no wrong type.
    pub(crate) fn check_type(&self, wanted: BodyKind) -> Result<()> {
        if self.has_nothing() {
            return Ok(());
        }
        body::check_type(&self.parts.headers, wanted)
    }

    /// Returns true if the request has neither a body nor a content type.
    pub(crate) fn has_nothing(&self) -> bool {
        self.body.is_end_stream() && !self.parts.headers.contains_key(header::CONTENT_TYPE)
    }

    /// Checks `X-Business-Id`: 400 if it is not an id or differs from the path.
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

    /// Deserializes the JSON body of a published operation.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        body::json(&self.whole_body().await?, ErrorDetail::Place)
    }

    /// Deserializes the JSON body of an operation of our own.
    pub(crate) async fn own_json<T: DeserializeOwned>(&mut self) -> Result<T> {
        body::json(&self.whole_body().await?, ErrorDetail::Reason)
    }

    async fn whole_body(&mut self) -> Result<Bytes> {
        let bounds = self.bounds();
        // The limit on silence applies to the whole body too, against senders that trickle.
        let reading = tokio::time::timeout(bounds.silence, body::read_all(self.body, bounds));
        let read = reading.await.unwrap_or(Err(body::BodyError::TooSlow));
        read.map_err(|unread| match unread {
            body::BodyError::TooBig => body::too_big(bounds.bytes as u64),
            other => other.into(),
        })
    }

    /// Returns the limits of a JSON body.
    pub(crate) fn bounds(&self) -> BodyLimits {
        let settings = &self.server.settings;
        BodyLimits { bytes: settings.max_body_bytes, silence: settings.body_timeout() }
    }
}

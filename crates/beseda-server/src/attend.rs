//! The place where a gateway learns who calls, and tells what it did for them. A server without an attendant pays nothing for it.

use std::{fmt, sync::Arc, time::Instant};

use beseda_api::{Access, BusinessId, ChatsApi, Endpoint, Error, Generation, RateLimit};
use http::{HeaderMap, HeaderValue};

/// A call that has passed the gate.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Who calls, and what they may touch.
    pub access: &'a Arc<Access>,
    /// The cabinet of the path.
    pub business: Option<BusinessId>,
    /// What is called.
    pub endpoint: &'static Endpoint,
    /// The form of the path.
    pub generation: Generation,
    /// What came along.
    pub headers: &'a HeaderMap,
    /// The name the request goes by in the answer and in the log.
    pub request_id: &'a HeaderValue,
    /// When the server gives up on it.
    pub deadline: Instant,
}

/// Attends to every call of the published API: [`Services::chats`](crate::Services::chats) isn't asked then.
pub trait Attendant: Send + Sync {
    /// The seven operations for this one call.
    ///
    /// # Errors
    /// If the call isn't let in after all.
    fn attend(&self, visit: Visit<'_>) -> Result<Arc<dyn Attended>, Error>;

    /// What stands in `/metrics` besides the server's own, in the text format of Prometheus.
    fn metrics(&self) -> String {
        String::new()
    }
}

/// The seven operations for one call, and what is told of it afterwards.
pub trait Attended: ChatsApi {
    /// What the answer says of the hourly limit; the server's own counting if `None`.
    fn standing(&self) -> Option<RateLimit>;

    /// Puts on what the answer says besides.
    fn headers(&self, headers: &mut HeaderMap);
}

/// Inside of [`Error::Internal`], this is answered with 503 in place of 500: whoever really answers can't be reached.
#[derive(Debug)]
pub struct Unavailable(pub Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Unavailable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

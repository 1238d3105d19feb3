//! Per-call implementations: a gateway is given the caller of each request and adds headers to its
//! response.

use std::{fmt, sync::Arc, time::Instant};

use beseda_api::{Access, BusinessId, ChatsApi, Endpoint, Error, Generation, RateLimit};
use http::{HeaderMap, HeaderValue};

/// Authorized call.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// Caller and its access rights.
    pub access: &'a Arc<Access>,
    /// Cabinet in the path.
    pub business: Option<BusinessId>,
    /// Operation.
    pub endpoint: &'static Endpoint,
    /// Version of the path.
    pub generation: Generation,
    /// Request headers.
    pub headers: &'a HeaderMap,
    /// Request id, as in the response and the log.
    pub request_id: &'a HeaderValue,
    /// Time at which the server gives up on the call.
    pub deadline: Instant,
}

/// Factory of per-call implementations. If set, [`Services::chats`](crate::Services::chats) is not
/// used.
pub trait PerCallApi: Send + Sync {
    /// Returns the seven operations for this call.
    ///
    /// # Errors
    ///
    /// An error that refuses the call.
    fn begin_call(&self, visit: CallContext<'_>) -> Result<Arc<dyn CallApi>, Error>;

    /// Returns further lines for `/metrics`, in the text format of Prometheus.
    fn metrics(&self) -> String {
        String::new()
    }
}

/// Seven operations for one call, and what its response says besides.
pub trait CallApi: ChatsApi {
    /// Returns the hourly limit to send; `None` sends the server's own.
    fn rate_limit(&self) -> Option<RateLimit>;

    /// Adds headers to the response.
    fn headers(&self, headers: &mut HeaderMap);
}

/// Error that is answered with 503 instead of 500 inside of [`Error::Internal`]: the upstream can't
/// be reached.
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

//! Request for an upstream call.

use std::{sync::Arc, time::Instant};

use beseda_api::{BusinessId, Endpoint};

use super::share::Quota;

/// Upstream call to be scheduled.
#[derive(Debug, Clone)]
pub(crate) struct CallRequest {
    pub(crate) business: BusinessId,
    pub(crate) program: Arc<str>,
    pub(crate) quota: Quota,
    pub(crate) endpoint: &'static Endpoint,
    /// End of the time the call may wait.
    pub(crate) deadline: Instant,
}

//! Interceptor: middleware around every request, used by the stand-in.

use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    response::Response,
};
use beseda_api::{BusinessId, Generation};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    AppState, Server,
    metrics::RouteLabel,
    pipeline,
    router::{self, Route},
};

/// Request as seen by an interceptor.
#[derive(Debug, Clone)]
pub struct RequestInfo {
    /// Name of the operation, or `noOperation`, `file`, `market`, `admin`, `page`, `unknown`.
    pub operation: &'static str,
    /// Version of a published path.
    pub generation: Option<Generation>,
    /// Cabinet in the path, valid or not.
    pub business: Option<BusinessId>,
    /// Time of arrival by the server's clock.
    pub at: Timestamp,
}

impl RequestInfo {
    fn of(server: &Server, request: &Request) -> Self {
        let path = request.uri().path();
        let route = router::match_path(path);
        let (generation, business) = match route {
            Route::Api { generation, business, .. } => (Some(generation), business),
            Route::Market(rest) => (None, after(rest, "businesses/")),
            Route::Admin(rest) => (None, after(rest, "cabinets/")),
            _ => (None, None),
        };
        Self {
            operation: RouteLabel::of(route, request.method()).as_str(),
            generation,
            business: business.and_then(|segment| segment.parse().ok()),
            at: server.services.clock.now(),
        }
    }
}

fn after<'a>(rest: &'a str, prefix: &str) -> Option<&'a str> {
    rest.strip_prefix(prefix).and_then(|rest| rest.split('/').next())
}

/// Rest of the processing, called by an interceptor.
pub struct Next {
    state: AppState,
}

impl Next {
    /// Clears cached credentials and rate limit counters, after the state behind the server was
    /// replaced.
    pub fn reset(&self) {
        self.state.server.auth.invalidate();
        self.state.server.limits.reset();
    }

    /// Processes the request normally. Its writes are durable on return.
    pub async fn run(self, request: Request) -> Response {
        pipeline::handle(&self.state, request, None).await
    }

    /// Sends this response instead of authorizing and handling the request, with the headers of
    /// every response.
    pub async fn answer(self, request: Request, answer: http::Response<Bytes>) -> Response {
        pipeline::handle(&self.state, request, Some(answer)).await
    }
}

/// Middleware around every request.
#[async_trait]
pub trait Interceptor: Send + Sync {
    /// Answers the request, with or without calling `next`.
    async fn intercept(&self, info: RequestInfo, request: Request, next: Next) -> Response;
}

/// Response extension that resets the connection instead of sending the response.
#[cfg(feature = "faults")]
#[derive(Debug, Clone, Copy)]
pub struct ResetConnection;

/// Handles a request through the interceptor, if there is one. This is the router's fallback, which every request takes.
pub(crate) async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let Some(interceptor) = state.server.services.interceptor.clone() else {
        return pipeline::handle(&state, request, None).await;
    };
    let info = RequestInfo::of(&state.server, &request);
    interceptor.intercept(info, request, Next { state }).await
}

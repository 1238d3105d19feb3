//! The place where a stand-in may step between a request and its answer. A server without an interceptor pays nothing for it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{extract::Request, response::Response};
use beseda_api::{BusinessId, Generation};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    Server, edge,
    metrics::Label,
    route::{self, Route},
};

/// What is known of a request before anything is done with it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The operation's published name, or `noOperation`, `file`, `market`, `admin`, `page`, `unknown`.
    pub operation: &'static str,
    /// The generation of a published path.
    pub generation: Option<Generation>,
    /// The cabinet its path names, right or wrong.
    pub business: Option<BusinessId>,
    /// When it came, by the server's clock.
    pub at: Timestamp,
}

impl Arrival {
    fn of(server: &Server, request: &Request) -> Self {
        let path = request.uri().path();
        let route = route::recognise(path);
        let (generation, business) = match route {
            Route::Api { generation, business, .. } => (Some(generation), business),
            Route::Market(rest) => (None, after(rest, "businesses/")),
            Route::Admin(rest) => (None, after(rest, "cabinets/")),
            _ => (None, None),
        };
        Self {
            operation: Label::of(route, request.method()).as_str(),
            generation,
            business: business.and_then(|segment| segment.parse().ok()),
            at: server.services.clock.now(),
        }
    }
}

fn after<'a>(rest: &'a str, prefix: &str) -> Option<&'a str> {
    rest.strip_prefix(prefix).and_then(|rest| rest.split('/').next())
}

/// What handles a request if the interceptor lets it.
pub struct Next {
    server: Arc<Server>,
}

impl Next {
    /// Forgets which credentials were good and what was counted against limits: the state behind is another one.
    pub fn forget(&self) {
        self.server.gate.forget();
        self.server.limits.forget();
    }

    /// Handles the request as the server does: gate, handler, headers. What it wrote is durable on return.
    pub async fn run(self, request: Request) -> Response {
        edge::serve(&self.server, request, None).await
    }

    /// Answers with this in place of gate and handler. It gets the headers every answer has.
    pub async fn answer(self, request: Request, answer: http::Response<Bytes>) -> Response {
        edge::serve(&self.server, request, Some(answer)).await
    }
}

/// Steps between every request and its answer.
#[async_trait]
pub trait Interceptor: Send + Sync {
    /// Answers the request, with or without the server's help.
    async fn around(&self, arrival: Arrival, request: Request, next: Next) -> Response;
}

/// Put into the extensions of an answer, this breaks the connection instead of sending anything of it.
#[derive(Debug, Clone, Copy)]
pub struct Reset;

/// Hands a request to the interceptor.
pub(crate) async fn around(
    interceptor: &dyn Interceptor,
    server: &Arc<Server>,
    request: Request,
) -> Response {
    let arrival = Arrival::of(server, &request);
    interceptor.around(arrival, request, Next { server: Arc::clone(server) }).await
}

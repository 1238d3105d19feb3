//! Pages about the server itself: alive, ready, counted, versioned. Nothing of a cabinet is on them.

use beseda_api::{ErrorChain, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, header};
use serde::Serialize;

use crate::{
    Server, docs,
    request::RequestContext,
    response::{self, ApiResponse},
    router::ServerPage,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    name: &'static str,
    version: &'static str,
    started_at: String,
}

pub(crate) async fn handle(call: &mut RequestContext<'_>, page: ServerPage) -> Result<ApiResponse> {
    if page == ServerPage::Start {
        // Whatever the method is, who doesn't ask for the page gets a 404.
        return docs::start(call);
    }
    let settings = &call.server.settings;
    let hidden = match page {
        ServerPage::Metrics => !settings.metrics,
        ServerPage::OpenApi | ServerPage::Docs => !settings.docs,
        _ => false,
    };
    if hidden {
        return Err(response::resource_not_found());
    }
    if !matches!(call.parts.method, Method::GET | Method::HEAD) {
        return Ok(response::method_not_allowed(&call.parts.method, "GET, HEAD"));
    }
    match page {
        ServerPage::Start => docs::start(call),
        ServerPage::Health => response::done(),
        ServerPage::Ready => ready(call).await,
        ServerPage::Metrics => Ok(text("text/plain; version=0.0.4", metrics(call.server).into())),
        ServerPage::Version => version(call),
        ServerPage::OpenApi => Ok(docs::openapi(settings.unversioned)),
        ServerPage::Docs => Ok(docs::page(settings.unversioned)),
    }
}

/// The server's own counters, and the per_call's.
fn metrics(server: &Server) -> String {
    let mut text = server.metrics.render();
    if let Some(per_call) = &server.services.per_call {
        text.push_str(&per_call.metrics());
    }
    text
}

async fn ready(call: &mut RequestContext<'_>) -> Result<ApiResponse> {
    match call.directory().ready().await {
        Ok(()) => response::done(),
        Err(error) => {
            tracing::warn!(error = %ErrorChain(&error), "not ready");
            Ok(response::unavailable())
        }
    }
}

fn version(call: &mut RequestContext<'_>) -> Result<ApiResponse> {
    response::bare(&Version {
        name: "beseda",
        version: env!("CARGO_PKG_VERSION"),
        started_at: call.server.started.to_string(),
    })
}

/// A body of another type than JSON.
pub(crate) fn text(content_type: &'static str, body: Bytes) -> ApiResponse {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    ApiResponse::Full(response)
}

//! Pages about the server: liveness, readiness, metrics, version.

use beseda_api::{ErrorChain, Result};
use http::Method;
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
        // Clients that don't request the page get a 404, whatever the method.
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
        ServerPage::Metrics => {
            Ok(response::text("text/plain; version=0.0.4", metrics(call.server).into()))
        }
        ServerPage::Version => version(call),
        ServerPage::OpenApi => Ok(docs::openapi(settings.unversioned)),
        ServerPage::Docs => docs::page(call),
    }
}

/// Returns the server's metrics and those of the per-call implementation.
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

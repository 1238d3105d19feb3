//! Pages about the server itself: alive, ready, counted, versioned. Nothing of a cabinet is on them.

use beseda_api::{ErrorChain, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, header};
use serde::Serialize;

use crate::{
    Server,
    call::Call,
    docs,
    reply::{self, Answer},
    route::Page,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    name: &'static str,
    version: &'static str,
    started_at: String,
}

pub(crate) async fn handle(call: &mut Call<'_>, page: Page) -> Result<Answer> {
    if page == Page::Start {
        // Whatever the method is, who doesn't ask for the page gets a 404.
        return docs::start(call);
    }
    let settings = &call.server.settings;
    let hidden = match page {
        Page::Metrics => !settings.metrics,
        Page::OpenApi | Page::Docs => !settings.docs,
        _ => false,
    };
    if hidden {
        return Err(reply::resource_not_found());
    }
    if !matches!(call.parts.method, Method::GET | Method::HEAD) {
        return Ok(reply::method_not_allowed(&call.parts.method, "GET, HEAD"));
    }
    match page {
        Page::Start => docs::start(call),
        Page::Health => reply::done(),
        Page::Ready => ready(call).await,
        Page::Metrics => Ok(text("text/plain; version=0.0.4", metrics(call.server).into())),
        Page::Version => version(call),
        Page::OpenApi => Ok(docs::openapi(settings.unversioned)),
        Page::Docs => Ok(docs::page(settings.unversioned)),
    }
}

/// The server's own counters, and the attendant's.
fn metrics(server: &Server) -> String {
    let mut text = server.metrics.render();
    if let Some(attendant) = &server.services.attendant {
        text.push_str(&attendant.metrics());
    }
    text
}

async fn ready(call: &mut Call<'_>) -> Result<Answer> {
    match call.directory().ready().await {
        Ok(()) => reply::done(),
        Err(error) => {
            tracing::warn!(error = %ErrorChain(&error), "not ready");
            Ok(reply::unavailable())
        }
    }
}

fn version(call: &mut Call<'_>) -> Result<Answer> {
    reply::bare(&Version {
        name: "beseda",
        version: env!("CARGO_PKG_VERSION"),
        started_at: call.server.started.to_string(),
    })
}

/// A body of another type than JSON.
pub(crate) fn text(content_type: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Answer::Whole(response)
}

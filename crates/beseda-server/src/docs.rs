//! The documentation: the OpenAPI document and a page made from it. Each is made once per setting and loads nothing from the network.

mod openapi;
mod page;
mod start;
mod surfaces;

use std::sync::LazyLock;

use beseda_api::Result;
use bytes::Bytes;
use http::{HeaderValue, Method, header};

pub(crate) use start::page as start;

use crate::{
    Unversioned,
    call::Call,
    health,
    reply::{self, Answer},
};

/// Document and page of one setting.
struct Docs {
    openapi: Bytes,
    page: page::Page,
}

impl Docs {
    fn of(unversioned: Unversioned) -> Self {
        let document = openapi::document(unversioned);
        Self { openapi: document.to_string().into(), page: page::render(&document) }
    }

    fn get(unversioned: Unversioned) -> &'static Self {
        static Y2024: LazyLock<Docs> = LazyLock::new(|| Docs::of(Unversioned::Y2024));
        static TODAY: LazyLock<Docs> = LazyLock::new(|| Docs::of(Unversioned::Today));
        match unversioned {
            Unversioned::Y2024 => &Y2024,
            Unversioned::Today => &TODAY,
        }
    }
}

/// Where each of our own surfaces has its document.
pub(crate) const DOCUMENT: &str = "openapi.json";

static MARKET: LazyLock<Bytes> = LazyLock::new(|| surfaces::market().to_string().into());

/// The OpenAPI document of the marketplace's side; it is served without a key, as it tells nothing of a cabinet.
pub(crate) fn market(call: &Call<'_>) -> Result<Answer> {
    surface(call, || MARKET.clone())
}

/// The OpenAPI document of administration, likewise.
pub(crate) fn administration(call: &Call<'_>) -> Result<Answer> {
    let with_subscriptions = call.server.services.subscriptions.is_some();
    surface(call, || surfaces::administration(with_subscriptions).to_string().into())
}

fn surface(call: &Call<'_>, document: impl FnOnce() -> Bytes) -> Result<Answer> {
    if !call.server.settings.docs {
        return Err(reply::resource_not_found());
    }
    if !matches!(call.parts.method, Method::GET | Method::HEAD) {
        return Ok(reply::method_not_allowed(&call.parts.method, "GET, HEAD"));
    }
    Ok(health::text("application/json; charset=utf-8", document()))
}

/// The OpenAPI document of the published surface.
pub(crate) fn openapi(unversioned: Unversioned) -> Answer {
    health::text("application/json; charset=utf-8", Docs::get(unversioned).openapi.clone())
}

/// The page for people. Its policy allows only the style and the script that stand in it.
pub(crate) fn page(unversioned: Unversioned) -> Answer {
    let page = &Docs::get(unversioned).page;
    let answer = health::text("text/html; charset=utf-8", page.html.clone());
    let Answer::Whole(mut response) = answer else { return answer };
    if let Ok(policy) = HeaderValue::from_str(&page.policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Answer::Whole(response)
}

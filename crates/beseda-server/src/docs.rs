//! Documentation: the OpenAPI documents and a page generated from them, cached per setting.

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
    request::RequestContext,
    response::{self, ApiResponse},
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

/// File name of the document of each of our own APIs.
pub(crate) const DOCUMENT: &str = "openapi.json";

static MARKET: LazyLock<Bytes> = LazyLock::new(|| surfaces::market().to_string().into());

/// Returns the OpenAPI document of the marketplace API. It needs no key, since it reveals nothing
/// about a cabinet.
pub(crate) fn market(call: &RequestContext<'_>) -> Result<ApiResponse> {
    surface(call, || MARKET.clone())
}

/// Returns the OpenAPI document of the administration API, without a key too.
pub(crate) fn administration(call: &RequestContext<'_>) -> Result<ApiResponse> {
    let with_subscriptions = call.server.services.subscriptions.is_some();
    surface(call, || surfaces::administration(with_subscriptions).to_string().into())
}

fn surface(call: &RequestContext<'_>, document: impl FnOnce() -> Bytes) -> Result<ApiResponse> {
    if !call.server.settings.docs {
        return Err(response::resource_not_found());
    }
    if !matches!(call.parts.method, Method::GET | Method::HEAD) {
        return Ok(response::method_not_allowed(&call.parts.method, "GET, HEAD"));
    }
    Ok(response::text("application/json; charset=utf-8", document()))
}

/// Returns the OpenAPI document of the published API.
pub(crate) fn openapi(unversioned: Unversioned) -> ApiResponse {
    response::text("application/json; charset=utf-8", Docs::get(unversioned).openapi.clone())
}

/// Returns the documentation page. Its policy allows only the inline style and script.
pub(crate) fn page(unversioned: Unversioned) -> ApiResponse {
    let page = &Docs::get(unversioned).page;
    let answer = response::text("text/html; charset=utf-8", page.html.clone());
    let ApiResponse::Full(mut response) = answer else { return answer };
    if let Ok(policy) = HeaderValue::from_str(&page.policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    ApiResponse::Full(response)
}

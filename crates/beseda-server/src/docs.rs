//! Documentation: the OpenAPI documents and a page generated from them, cached per setting.

mod openapi;
mod page;
mod start;
mod surfaces;

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderValue, header};

pub(crate) use start::page as start;

use crate::{
    Unversioned,
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

/// Returns the OpenAPI document of the marketplace API.
pub(crate) fn market() -> Bytes {
    surfaces::market().to_string().into()
}

/// Returns the OpenAPI document of the administration API, with webhooks if the server sends any.
pub(crate) fn administration(with_subscriptions: bool) -> Bytes {
    surfaces::administration(with_subscriptions).to_string().into()
}

/// Returns 200 with an OpenAPI document.
pub(crate) fn json(document: Bytes) -> ApiResponse {
    response::text("application/json; charset=utf-8", document)
}

/// Returns the OpenAPI document of the published API.
pub(crate) fn openapi(unversioned: Unversioned) -> ApiResponse {
    json(Docs::get(unversioned).openapi.clone())
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

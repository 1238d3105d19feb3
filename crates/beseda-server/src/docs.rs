//! The documentation: the OpenAPI document and a page made from it. Both are made once and load nothing from the network.

mod openapi;
mod page;

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderValue, header};

use crate::{health, reply::Answer};

static OPENAPI: LazyLock<Bytes> = LazyLock::new(|| openapi::document().to_string().into());
static PAGE: LazyLock<page::Page> = LazyLock::new(|| page::render(&openapi::document()));

/// The OpenAPI document of the published surface.
pub(crate) fn openapi() -> Answer {
    health::text("application/json; charset=utf-8", OPENAPI.clone())
}

/// The page for people. Its policy allows only the style and the script that stand in it.
pub(crate) fn page() -> Answer {
    let answer = health::text("text/html; charset=utf-8", PAGE.html.clone());
    let Answer::Whole(mut response) = answer else { return answer };
    if let Ok(policy) = HeaderValue::from_str(&PAGE.policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Answer::Whole(response)
}

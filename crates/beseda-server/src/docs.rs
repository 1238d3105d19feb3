//! Documentation: the OpenAPI documents and the page that shows them.

mod language;
mod openapi;
mod page;
mod start;
mod surfaces;

use std::sync::LazyLock;

use bytes::Bytes;

pub(crate) use page::{file, page};
pub(crate) use start::page as start;

use crate::{
    Unversioned,
    response::{self, ApiResponse},
};

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
    static Y2024: LazyLock<Bytes> = LazyLock::new(|| published(Unversioned::Y2024));
    static TODAY: LazyLock<Bytes> = LazyLock::new(|| published(Unversioned::Today));
    json(match unversioned {
        Unversioned::Y2024 => Y2024.clone(),
        Unversioned::Today => TODAY.clone(),
    })
}

fn published(unversioned: Unversioned) -> Bytes {
    openapi::document(unversioned).to_string().into()
}

//! OpenAPI document of the admin API. A test compares it with the routes.

use axum::response::{IntoResponse, Response};
use http::header;

/// The document, as JSON.
pub(super) static DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], DOCUMENT).into_response()
}

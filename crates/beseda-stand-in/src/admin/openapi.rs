//! The surface's own OpenAPI document. It is a file beside this one, and a test holds it against the routes.

use axum::response::{IntoResponse, Response};
use http::header;

/// The document.
pub(super) static DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], DOCUMENT).into_response()
}

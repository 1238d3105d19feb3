//! Answers of the surface, in the shapes of the published API.

use axum::response::{IntoResponse, Response};
use beseda_api::{
    ApiErrorItem, Error, ErrorKind,
    wire::{Envelope, ErrorResponse},
};
use http::{HeaderValue, StatusCode, Uri, header};
use serde::Serialize;

/// What a handler of the surface gives back.
pub(super) type AdminResult = Result<Response, AdminError>;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct AdminError(Error);

impl From<Error> for AdminError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        error(&self.0)
    }
}

/// 200 with a result.
pub(super) fn ok<T: Serialize>(result: T) -> AdminResult {
    Ok(json(StatusCode::OK, &Envelope::ok(result)))
}

/// 200 with a document that has no envelope.
pub(super) fn document<T: Serialize>(body: &T) -> Response {
    json(StatusCode::OK, body)
}

/// 200 with nothing to tell.
pub(super) fn empty() -> AdminResult {
    Ok(json(StatusCode::OK, &serde_json::json!({ "status": "OK" })))
}

/// A text as it is.
pub(super) fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// The answer to an error.
pub(super) fn error(error: &Error) -> Response {
    match error {
        Error::Api(refused) => {
            let status = StatusCode::from_u16(refused.kind.status()).unwrap_or_default();
            json(status, &ErrorResponse::new(refused.items.clone()))
        }
        Error::Internal(_) => {
            json(StatusCode::INTERNAL_SERVER_ERROR, &ErrorResponse::new(faults(error)))
        }
    }
}

/// The items of the envelope for an error.
pub(super) fn faults(error: &Error) -> Vec<ApiErrorItem> {
    match error {
        Error::Api(refused) => refused.items.clone(),
        Error::Internal(source) => {
            tracing::error!(error = %source, "the stand-in's administration failed");
            // Whoever has this key runs the stand-in: they may know why.
            vec![ApiErrorItem {
                code: "INTERNAL_ERROR".to_owned(),
                message: Some(source.to_string()),
            }]
        }
    }
}

/// 404 for a path the surface doesn't have.
pub(super) async fn not_found(uri: Uri) -> Response {
    let text = format!("Resource not found: {}; see /__admin/openapi.json", uri.path());
    error(&Error::new(ErrorKind::NotFound, text))
}

/// 405 for a method a path doesn't have.
pub(super) async fn method_not_allowed(method: http::Method) -> Response {
    let text = format!("Request method '{method}' not supported");
    error(&Error::new(ErrorKind::MethodNotAllowed, text))
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

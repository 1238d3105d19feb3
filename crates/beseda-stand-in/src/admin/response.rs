//! Responses in the envelope of the published API.

use axum::response::{IntoResponse, Response};
use beseda_api::{
    ApiErrorItem, Error, ErrorKind,
    wire::{Envelope, ErrorResponse},
};
use http::{HeaderValue, StatusCode, Uri, header};
use serde::Serialize;

/// Result of a handler.
pub(super) type AdminResult = Result<Response, AdminError>;

/// Error that converts into a response.
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

/// Returns 200 with a result.
pub(super) fn ok<T: Serialize>(result: T) -> AdminResult {
    Ok(json(StatusCode::OK, &Envelope::ok(result)))
}

/// Returns 200 with a document without an envelope.
pub(super) fn document<T: Serialize>(body: &T) -> Response {
    json(StatusCode::OK, body)
}

/// Returns 200 without a result.
pub(super) fn empty() -> AdminResult {
    Ok(json(StatusCode::OK, &serde_json::json!({ "status": "OK" })))
}

/// Returns plain text.
pub(super) fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Converts an error into a response.
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

/// Returns the error items of an error.
pub(super) fn faults(error: &Error) -> Vec<ApiErrorItem> {
    match error {
        Error::Api(refused) => refused.items.clone(),
        Error::Internal(source) => {
            tracing::error!(error = %source, "admin request failed");
            // Clients with the admin key may see internal errors.
            vec![ApiErrorItem {
                code: "INTERNAL_ERROR".to_owned(),
                message: Some(source.to_string()),
            }]
        }
    }
}

/// Returns 404 for an unknown path.
pub(super) async fn not_found(uri: Uri) -> Response {
    let text = format!("Resource not found: {}; see /__admin/openapi.json", uri.path());
    error(&Error::new(ErrorKind::NotFound, text))
}

/// Returns 405 for an unsupported method.
pub(super) async fn method_not_allowed(method: http::Method) -> Response {
    let text = format!("Request method '{method}' not supported");
    error(&Error::new(ErrorKind::MethodNotAllowed, text))
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    let body = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

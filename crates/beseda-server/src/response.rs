//! Responses: the envelope, and the mapping of errors to HTTP.

use axum::{body::Body, response::IntoResponse};
use beseda_api::{
    ApiErrorItem, Error, ErrorKind, Result,
    wire::{Envelope, ErrorResponse},
};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;
use serde::Serialize;

use crate::{
    history_json::{self, HistoryView},
    per_call::Unavailable,
    report,
};

pub(crate) static JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Buffer size that avoids reallocation for most responses; the string serializer reserves for the
/// worst case.
const ROOM: usize = 4 * 1024;

/// Response of a handler.
#[derive(Debug)]
pub(crate) enum ApiResponse {
    /// Body in memory.
    Full(Response<Bytes>),
    /// Streamed body.
    Streaming(Response<Body>),
}

impl IntoResponse for ApiResponse {
    fn into_response(self) -> Response<Body> {
        match self {
            Self::Full(response) => response.map(Body::from),
            Self::Streaming(response) => response,
        }
    }
}

/// Returns 200 with a result in the envelope.
pub(crate) fn ok<T: Serialize>(result: T) -> Result<ApiResponse> {
    bare(&Envelope::ok(result))
}

/// Returns 200 with a history page in the envelope.
pub(crate) fn history(page: &HistoryView<'_>) -> Result<ApiResponse> {
    Ok(ApiResponse::Full(json(StatusCode::OK, Bytes::from(history_json::history(page)?))))
}

/// Returns 200 without a result.
pub(crate) fn done() -> Result<ApiResponse> {
    Ok(ApiResponse::Full(json(StatusCode::OK, Bytes::from_static(br#"{"status":"OK"}"#))))
}

/// Returns 200 with a body without envelope.
pub(crate) fn bare<T: Serialize>(body: &T) -> Result<ApiResponse> {
    let mut room = BytesMut::with_capacity(ROOM).writer();
    sonic_rs::to_writer(&mut room, body).map_err(Error::internal)?;
    Ok(ApiResponse::Full(json(StatusCode::OK, room.into_inner().freeze())))
}

fn json(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON.clone());
    response
}

/// Returns 200 with a body of another type than JSON.
pub(crate) fn text(content_type: &'static str, body: Bytes) -> ApiResponse {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    ApiResponse::Full(response)
}

/// Converts an error: an API error as it is, an internal error to a plain 500.
pub(crate) fn error(error: &Error, request_id: &HeaderValue) -> Response<Bytes> {
    match error {
        Error::Api(refused) => failure(refused.kind, &refused.items),
        Error::Internal(source) => {
            let request_id = request_id.to_str().unwrap_or("-");
            if source.is::<Unavailable>() {
                report::unavailable(request_id, source.as_ref());
                return no_service();
            }
            report::internal_error(request_id, source.as_ref());
            internal_error()
        }
    }
}

/// Returns a plain 500.
pub(crate) fn internal_error() -> Response<Bytes> {
    let fault = fault("INTERNAL_ERROR", "Internal server error");
    enveloped(StatusCode::INTERNAL_SERVER_ERROR, &[fault])
}

/// Returns 405 without the allowed methods.
pub(crate) fn method_not_supported(method: &Method) -> Response<Bytes> {
    let text = format!("Request method '{method}' not supported");
    let fault = fault(ErrorKind::MethodNotAllowed.code(), &text);
    enveloped(StatusCode::METHOD_NOT_ALLOWED, &[fault])
}

/// Returns 405 with the allowed methods.
pub(crate) fn method_not_allowed(method: &Method, allow: &'static str) -> ApiResponse {
    let mut response = method_not_supported(method);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    ApiResponse::Full(response)
}

/// Returns 400, 414 or 431 for a request that could not be parsed.
pub(crate) fn malformed(status: StatusCode) -> ApiResponse {
    let (code, text) = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => return too_many_headers(),
        StatusCode::URI_TOO_LONG => ("URI_TOO_LONG", "The request target is too long"),
        _ => (
            ErrorKind::BadRequest.code(),
            "The request is not valid HTTP: its first line or a header can't be parsed, or its target is not UTF-8",
        ),
    };
    ApiResponse::Full(enveloped(status, &[fault(code, text)]))
}

/// Returns 431 for too many headers.
pub(crate) fn too_many_headers() -> ApiResponse {
    let fault = fault("REQUEST_HEADER_FIELDS_TOO_LARGE", "The request headers are too big");
    ApiResponse::Full(enveloped(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &[fault]))
}

/// Returns 503.
pub(crate) fn unavailable() -> ApiResponse {
    ApiResponse::Full(no_service())
}

fn no_service() -> Response<Bytes> {
    let text = "Service temporarily unavailable. Please, try again later";
    let fault = fault("SERVICE_UNAVAILABLE", text);
    enveloped(StatusCode::SERVICE_UNAVAILABLE, &[fault])
}

/// Creates the 404 for an unknown path.
pub(crate) fn resource_not_found() -> Error {
    Error::new(ErrorKind::NotFound, "Resource not found")
}

fn fault(code: &str, message: &str) -> ApiErrorItem {
    ApiErrorItem { code: code.to_owned(), message: Some(message.to_owned()) }
}

fn failure(refusal: ErrorKind, faults: &[ApiErrorItem]) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = if faults.is_empty() {
        enveloped(status, &[ApiErrorItem { code: refusal.code().to_owned(), message: None }])
    } else {
        enveloped(status, faults)
    };
    if refusal == ErrorKind::LimitExceeded {
        response.extensions_mut().insert(ReasonPhrase::from_static(b"Enhance Your Calm"));
    }
    response
}

fn enveloped(status: StatusCode, faults: &[ApiErrorItem]) -> Response<Bytes> {
    let body = serde_json::to_vec(&ErrorResponse::new(faults.to_vec())).unwrap_or_default();
    json(status, Bytes::from(body))
}

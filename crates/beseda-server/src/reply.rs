//! Answers: the envelope, and the only place where errors become HTTP. Headers that every answer has are the edge's business.

use axum::body::Body;
use beseda_api::{
    ApiErrorItem, Error, ErrorKind, Result,
    wire::{Envelope, ErrorResponse},
};
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderValue, Method, Response, StatusCode, header};
use hyper::ext::ReasonPhrase;
use serde::Serialize;

use crate::{
    attend::Unavailable,
    page::{self, History},
    report,
};

pub(crate) static JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Room for most answers, so that they are written without being moved; the serializer wants room for the worst
/// case of each text.
const ROOM: usize = 4 * 1024;

/// An answer on its way out.
#[derive(Debug)]
pub(crate) enum Answer {
    /// One that is in memory.
    Whole(Response<Bytes>),
    /// One that is read while it goes.
    Streamed(Response<Body>),
}

/// 200 with a result in the envelope.
pub(crate) fn ok<T: Serialize>(result: T) -> Result<Answer> {
    bare(&Envelope::ok(result))
}

/// 200 with a page of a history in the envelope.
pub(crate) fn history(page: &History<'_>) -> Result<Answer> {
    Ok(Answer::Whole(json(StatusCode::OK, Bytes::from(page::history(page)?))))
}

/// 200 without a result.
pub(crate) fn done() -> Result<Answer> {
    Ok(Answer::Whole(json(StatusCode::OK, Bytes::from_static(br#"{"status":"OK"}"#))))
}

/// 200 with this body as it is.
pub(crate) fn bare<T: Serialize>(body: &T) -> Result<Answer> {
    let mut room = BytesMut::with_capacity(ROOM).writer();
    sonic_rs::to_writer(&mut room, body).map_err(Error::internal)?;
    Ok(Answer::Whole(json(StatusCode::OK, room.into_inner().freeze())))
}

fn json(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON.clone());
    response
}

/// The answer to an error: a refusal as it is, a breakage as a plain 500 that tells nothing.
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

/// A plain 500.
pub(crate) fn internal_error() -> Response<Bytes> {
    let fault = fault("INTERNAL_ERROR", "Internal server error");
    enveloped(StatusCode::INTERNAL_SERVER_ERROR, &[fault])
}

/// 405 with the methods that would do.
pub(crate) fn method_not_allowed(method: &Method, allow: &'static str) -> Answer {
    let text = format!("Request method '{method}' not supported");
    let fault = fault(ErrorKind::MethodNotAllowed.code(), &text);
    let mut response = enveloped(StatusCode::METHOD_NOT_ALLOWED, &[fault]);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    Answer::Whole(response)
}

/// The answer to a request that couldn't be parsed: 400, 414 or 431.
pub(crate) fn malformed(status: StatusCode) -> Answer {
    let (code, text) = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => return too_many_headers(),
        StatusCode::URI_TOO_LONG => ("URI_TOO_LONG", "The request target is too long"),
        _ => (
            ErrorKind::BadRequest.code(),
            "The request is not valid HTTP: its first line or a header can't be parsed, or its target is not UTF-8",
        ),
    };
    Answer::Whole(enveloped(status, &[fault(code, text)]))
}

/// 431: the request has more headers than are read.
pub(crate) fn too_many_headers() -> Answer {
    let fault = fault("REQUEST_HEADER_FIELDS_TOO_LARGE", "The request headers are too big");
    Answer::Whole(enveloped(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &[fault]))
}

/// 503: requests can't be served now.
pub(crate) fn unavailable() -> Answer {
    Answer::Whole(no_service())
}

fn no_service() -> Response<Bytes> {
    let text = "Service temporarily unavailable. Please, try again later";
    let fault = fault("SERVICE_UNAVAILABLE", text);
    enveloped(StatusCode::SERVICE_UNAVAILABLE, &[fault])
}

/// 404 for a path we don't have.
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

//! Request bodies: size and time limits, and JSON with the documented error texts.

use std::time::Duration;

use axum::body::Body;
use beseda_api::{Error, Result};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;

use crate::query::shown;

/// Limits of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: usize,
    /// Maximum time without data from the sender.
    pub(crate) silence: Duration,
}

/// Error of reading a body.
#[derive(Debug)]
pub(crate) enum BodyError {
    TooBig,
    TooSlow,
    Cut,
}

impl From<BodyError> for Error {
    fn from(unread: BodyError) -> Self {
        Self::bad_request(match unread {
            BodyError::TooBig => "The request is too big".to_owned(),
            BodyError::TooSlow => "The request body was not received in time".to_owned(),
            BodyError::Cut => "Unexpected end of content".to_owned(),
        })
    }
}

/// Creates the 400 for a body that is too large.
pub(crate) fn too_big(most: u64) -> Error {
    Error::bad_request(format!("The request is too big: at most {most} bytes are allowed"))
}

/// Returns the next chunk of a body, or `None` at its end.
pub(crate) async fn next_chunk(
    body: &mut Body,
    silence: Duration,
) -> Result<Option<Bytes>, BodyError> {
    loop {
        let frame = tokio::time::timeout(silence, body.frame()).await;
        match frame.map_err(|_| BodyError::TooSlow)? {
            None => return Ok(None),
            Some(Err(_)) => return Err(BodyError::Cut),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => {}
            },
        }
    }
}

/// Reads the whole body.
pub(crate) async fn read_all(body: &mut Body, bounds: BodyLimits) -> Result<Bytes, BodyError> {
    let most = bounds.bytes;
    if body.size_hint().lower() > most as u64 {
        return Err(BodyError::TooBig);
    }
    let Some(first) = next_chunk(body, bounds.silence).await? else { return Ok(Bytes::new()) };
    if first.len() > most {
        return Err(BodyError::TooBig);
    }
    // Most bodies arrive in one chunk, which needs no copy.
    let Some(second) = next_chunk(body, bounds.silence).await? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(piece_read) = next {
        if all.len() + piece_read.len() > most {
            return Err(BodyError::TooBig);
        }
        all.extend_from_slice(&piece_read);
        next = next_chunk(body, bounds.silence).await?;
    }
    Ok(all.freeze())
}

/// Reads and discards the rest, so that a client that is still sending can receive the response.
pub(crate) async fn drain(body: &mut Body, bounds: BodyLimits) {
    let mut left = bounds.bytes;
    while let Ok(Some(dropped)) = next_chunk(body, bounds.silence).await {
        match left.checked_sub(dropped.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Level of detail in the error of a body with wrong types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorDetail {
    /// Published text, with the path only.
    Place,
    /// Reason and known fields too, for our own APIs.
    Reason,
}

/// Deserializes JSON from a body.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8], detail: ErrorDetail) -> Result<T> {
    // PowerShell, .NET and 1C send a byte order mark.
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|error| unreadable(&error.to_string()))?;
    let start = text.trim_start_matches([' ', '\t', '\r', '\n']);
    if start.is_empty() || start.trim_end() == "null" {
        return Err(Error::bad_request("Required request body is missing"));
    }
    if start.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| explain::<T>(text, &error, detail));
    }
    // A derived `Deserialize` would accept an array by position; only an object is valid.
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Err(Error::illegal_input("$")),
        Err(error) => Err(syntax(&error)),
    }
}

fn explain<T: DeserializeOwned>(
    text: &str,
    error: &serde_json::Error,
    detail: ErrorDetail,
) -> Error {
    if error.classify() != serde_json::error::Category::Data {
        return syntax(error);
    }
    // Well-formed JSON with wrong types: parse it again to find the path. This is the rare case.
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => unreadable(&error.to_string()),
        Err(found) => {
            let (path, inner) = (found.path().to_string(), found.inner().to_string());
            let path = if path == "." { "" } else { path.as_str() };
            match inner.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
                Some((field, _)) if path.is_empty() => Error::null_field(field),
                Some((field, _)) => Error::null_field(&format!("{path}.{field}")),
                None => {
                    let path = if path.is_empty() { "$" } else { path };
                    match detail {
                        ErrorDetail::Place => Error::illegal_input(path),
                        ErrorDetail::Reason => Error::bad_request(reason(path, &inner)),
                    }
                }
            }
        }
    }
}

/// Returns the error text for `path`, in serde's words except for unknown fields.
fn reason(path: &str, inner: &str) -> String {
    // serde adds line and column, which the path replaces.
    let inner = inner.rsplit_once(" at line ").map_or(inner, |(reason, _)| reason);
    let Some((_, known)) =
        inner.strip_prefix("unknown field `").and_then(|rest| rest.split_once("`, "))
    else {
        return format!("Illegal input at '{}': {inner}", shown(path));
    };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    format!("Unknown field '{}'; known fields: {}", shown(path), known.join(", "))
}

fn syntax(error: &serde_json::Error) -> Error {
    if error.is_eof() {
        return Error::bad_request("Unexpected end of content");
    }
    unreadable(&error.to_string())
}

fn unreadable(message: &str) -> Error {
    Error::bad_request(format!("JSON: {}", shown(message)))
}

/// Media type of an operation's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyKind {
    Json,
    Multipart,
}

/// Checks `Content-Type` and `Content-Encoding`: 415 for another type or a compressed body, 400 for
/// another charset than UTF-8. JSON needs no header.
pub(crate) fn check_type(headers: &HeaderMap, wanted: BodyKind) -> Result<()> {
    for encoding in headers.get_all(header::CONTENT_ENCODING) {
        let encoding = String::from_utf8_lossy(encoding.as_bytes());
        if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
            let text = format!(
                "Content encoding '{}' not supported: send the body uncompressed",
                shown(&encoding)
            );
            return Err(unsupported(text));
        }
    }
    let given = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    match (given, wanted) {
        (None | Some(b""), BodyKind::Json) => Ok(()),
        (None | Some(b""), BodyKind::Multipart) => {
            Err(unsupported("Missing Content-Type".to_owned()))
        }
        (Some(b"application/json"), BodyKind::Json) => Ok(()),
        (Some(given), wanted) => check_given(&String::from_utf8_lossy(given), wanted),
    }
}

fn check_given(given: &str, wanted: BodyKind) -> Result<()> {
    let mut parts = given.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    if !is_media_type(essence) {
        return Err(unsupported(format!("Unknown content-type: '{}'", shown(given))));
    }
    let name = match wanted {
        BodyKind::Json => "application/json",
        BodyKind::Multipart => "multipart/form-data",
    };
    let not_supported = format!("Content type '{}' not supported", shown(given));
    if !essence.eq_ignore_ascii_case(name) {
        return Err(unsupported(not_supported));
    }
    let mut charsets = parts
        .filter_map(|part| part.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"'));
    let foreign = |name: &str| {
        !["utf-8", "utf8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    if wanted == BodyKind::Json && charsets.any(foreign) {
        return Err(Error::bad_request(not_supported));
    }
    Ok(())
}

fn is_media_type(essence: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&b))
    };
    essence.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

fn unsupported(text: String) -> Error {
    Error::new(beseda_api::ErrorKind::UnsupportedMediaType, text)
}

#[cfg(test)]
mod tests {
    use beseda_api::wire::{GetChats, SendMessage};

    use super::ErrorDetail;

    fn json<T: serde::de::DeserializeOwned>(body: &[u8]) -> beseda_api::Result<T> {
        super::json(body, ErrorDetail::Place)
    }

    fn refused<T: serde::de::DeserializeOwned + std::fmt::Debug>(body: &[u8]) -> String {
        json::<T>(body).unwrap_err().to_string()
    }

    #[test]
    fn each_way_a_body_can_be_wrong_has_its_documented_text() {
        for body in ["", "  \n", "null", " null "] {
            assert_eq!(refused::<SendMessage>(body.as_bytes()), "Required request body is missing");
        }
        for body in [r#"{"message":"#, "{", r#"{"message":"a"#, "[1,"] {
            assert_eq!(refused::<SendMessage>(body.as_bytes()), "Unexpected end of content");
        }
        assert_eq!(refused::<SendMessage>(br#"{"message":5}"#), "Illegal input at 'message'");
        assert_eq!(refused::<SendMessage>(br#"["text"]"#), "Illegal input at '$'");
        let path = "Illegal input at 'contexts[1].id'";
        let body = br#"{"contexts":[{"type":"ORDER","id":1},{"type":"ORDER","id":"2"}]}"#;
        assert_eq!(refused::<GetChats>(body), path);
        let marked = json::<SendMessage>(b"\xEF\xBB\xBF{\"message\":\"a\"}").unwrap();
        assert_eq!(marked.parse().unwrap().as_str(), "a");
        assert_eq!(refused::<SendMessage>(b"\xEF\xBB\xBF"), "Required request body is missing");
        let by_position = br#"{"contexts":[["ORDER",5]]}"#;
        assert_eq!(refused::<GetChats>(by_position), "Illegal input at 'contexts[0]'");
        for body in [&b"{'a':1}"[..], b"{} {}", b"\xff", b"{\"message\":\"\xff\"}", b"nope"] {
            let text = refused::<SendMessage>(body);
            assert!(text.starts_with("JSON: "), "{text}");
        }
    }

    #[test]
    fn our_own_surfaces_name_the_reason_and_the_known_fields() {
        let refused = |body: &str| {
            let read = super::json::<beseda_api::NewOrder>(body.as_bytes(), ErrorDetail::Reason);
            read.unwrap_err().to_string()
        };
        let known = refused(r#"{"orderId":1,"domain":"x"}"#);
        assert!(known.starts_with("Unknown field 'domain'; known fields: "), "{known}");
        assert!(known.contains("orderId, campaignId, model"), "{known}");
        assert_eq!(refused("{}"), "orderId must not be null (rejected value: null)");
        let text = "Illegal input at 'orderId': invalid type: string \"x\", expected i64";
        assert_eq!(refused(r#"{"orderId":"x"}"#), text);
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let deep = format!("{{\"a\":{}", "[".repeat(200_000));
        assert_eq!(refused::<SendMessage>(deep.as_bytes()), "Unexpected end of content");
        let deep = format!("{{\"contexts\":{}", "[".repeat(200_000));
        assert_eq!(refused::<GetChats>(deep.as_bytes()), "Illegal input at 'contexts[0]'");
    }
}

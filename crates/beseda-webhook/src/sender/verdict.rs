//! Verifies responses of receivers and classifies failures.

use std::fmt::Display;

use beseda_api::{DeliveryFailure, FailureKind, FailureReason, Time, notification::Rejection};
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

/// Failed attempt.
#[derive(Debug)]
pub(crate) enum DeliveryError {
    /// The receiver answered 400; not retried.
    Rejected(DeliveryFailure),
    /// Any other failure; retried.
    Failed(DeliveryFailure),
}

impl DeliveryError {
    pub(crate) fn failure(&self) -> &DeliveryFailure {
        match self {
            Self::Rejected(failure) | Self::Failed(failure) => failure,
        }
    }
}

pub(crate) fn cant_get_response(reason: FailureReason, detail: &dyn Display) -> DeliveryError {
    let detail = sanitized(&detail.to_string());
    DeliveryError::Failed(DeliveryFailure { kind: FailureKind::CantGetResponse, reason, detail })
}

fn invalid_response(reason: FailureReason, detail: &dyn Display) -> DeliveryError {
    let detail = sanitized(&detail.to_string());
    DeliveryError::Failed(DeliveryFailure { kind: FailureKind::InvalidResponse, reason, detail })
}

/// Verifies a complete response.
pub(crate) fn verify(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), DeliveryError> {
    if status == StatusCode::BAD_REQUEST {
        let kind = FailureKind::CantGetResponse;
        let detail = sanitized(&rejection(body));
        return Err(DeliveryError::Rejected(DeliveryFailure {
            kind,
            reason: FailureReason::Http,
            detail,
        }));
    }
    if status != StatusCode::OK {
        return Err(cant_get_response(
            FailureReason::Http,
            &format_args!("the answer is {status}"),
        ));
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let detail = format!("the answer's Content-Type is '{media}' and not application/json");
        return Err(cant_get_response(FailureReason::UnsupportedMediaType, &detail));
    }
    let receipt: Value = serde_json::from_slice(body)
        .map_err(|error| invalid_response(FailureReason::CantParseResponse, &error))?;
    if !receipt.is_object() {
        return Err(invalid_response(
            FailureReason::CantParseResponse,
            &"the answer is no JSON object",
        ));
    }
    for field in ["version", "name"] {
        let length = receipt[field].as_str().map(|text| text.chars().count());
        if !length.is_some_and(|length| (1..=100).contains(&length)) {
            let detail = format!("{field} must be a text of 1 to 100 characters");
            return Err(invalid_response(FailureReason::InvalidData, &detail));
        }
    }
    match receipt["time"].as_str().map(str::parse::<Time>) {
        Some(Ok(_)) => Ok(()),
        _ => Err(invalid_response(
            FailureReason::InvalidData,
            &"time must be a date and time with offset",
        )),
    }
}

/// Returns the reason given in a 400 response.
fn rejection(body: &[u8]) -> String {
    let said = serde_json::from_slice::<Rejection>(body).ok().and_then(|said| said.error);
    let Some(said) = said else { return "the answer is 400 Bad Request".to_owned() };
    let reason = said.reason.map_or_else(|| "no type".to_owned(), |reason| reason.to_string());
    format!("the answer is 400 Bad Request: {reason}: {}", said.message.unwrap_or_default())
}

/// Removes control characters and truncates the text to 300 characters.
fn sanitized(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode, header};

    use super::{DeliveryError, verify};

    fn verdict(status: u16, media: &str, body: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
        match verify(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes()) {
            Ok(()) => "OK".to_owned(),
            Err(error) => {
                let repeated = matches!(error, DeliveryError::Failed(_));
                let failure = error.failure();
                format!("{}/{} {repeated}", failure.kind, failure.reason)
            }
        }
    }

    #[test]
    fn responses_are_classified_as_in_the_sellers_log() {
        let good =
            r#"{"version":"1.0.0","name":"x","time":"2025-01-16T10:09:49.759084017Z","more":1}"#;
        let long = format!(
            r#"{{"version":"{}","name":"x","time":"2025-01-16T10:09:49Z"}}"#,
            "я".repeat(101)
        );
        let json = "application/json";
        for (status, media, body, wanted) in [
            (200, json, good, "OK"),
            (200, "Application/JSON; charset=utf-8", good, "OK"),
            (200, "text/plain", good, "CANT_GET_RESPONSE/UNSUPPORTED_MEDIA_TYPE true"),
            (200, json, "{", "INVALID_RESPONSE/CANT_PARSE_RESPONSE true"),
            (200, json, "[]", "INVALID_RESPONSE/CANT_PARSE_RESPONSE true"),
            (200, json, "", "INVALID_RESPONSE/CANT_PARSE_RESPONSE true"),
            (
                200,
                json,
                r#"{"name":"x","time":"2025-01-16T10:09:49Z"}"#,
                "INVALID_RESPONSE/INVALID_DATA true",
            ),
            (
                200,
                json,
                r#"{"version":"","name":"x","time":"2025-01-16T10:09:49Z"}"#,
                "INVALID_RESPONSE/INVALID_DATA true",
            ),
            (
                200,
                json,
                r#"{"version":"1","name":"x","time":"now"}"#,
                "INVALID_RESPONSE/INVALID_DATA true",
            ),
            (200, json, &long, "INVALID_RESPONSE/INVALID_DATA true"),
            (201, json, good, "CANT_GET_RESPONSE/HTTP true"),
            (302, json, good, "CANT_GET_RESPONSE/HTTP true"),
            (500, json, "{}", "CANT_GET_RESPONSE/HTTP true"),
            (400, json, r#"{"error":{"type":"DUPLICATED_EVENT"}}"#, "CANT_GET_RESPONSE/HTTP false"),
            (400, "text/plain", "no", "CANT_GET_RESPONSE/HTTP false"),
        ] {
            assert_eq!(verdict(status, media, body), wanted, "{status} {media} {body}");
        }
    }
}

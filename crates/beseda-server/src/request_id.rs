//! Request ids: `X-Request-Id` and `traceparent`.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::InvalidHeaderValue};

pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Both ids of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestIds {
    pub(crate) request_id: HeaderValue,
    pub(crate) traceparent: HeaderValue,
}

impl RequestIds {
    /// Takes valid ids from the request and generates the others.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let parent = headers.get(&TRACEPARENT).filter(|value| is_traceparent(value.as_bytes()));
        let id = headers.get(&X_REQUEST_ID).filter(|value| is_request_id(value.as_bytes()));
        if let (Some(parent), Some(id)) = (parent, id) {
            return Self { request_id: id.clone(), traceparent: parent.clone() };
        }
        let made = match parent {
            Some(parent) => Bytes::copy_from_slice(parent.as_bytes()),
            None => new_traceparent(),
        };
        let trace_id = header(made.slice(3..35));
        Self { request_id: id.cloned().unwrap_or(trace_id), traceparent: header(made) }
    }
}

fn header(ascii: Bytes) -> HeaderValue {
    let made: Result<_, InvalidHeaderValue> = HeaderValue::from_maybe_shared(ascii);
    made.unwrap_or_else(|_| HeaderValue::from_static("-"))
}

fn new_traceparent() -> Bytes {
    // Trace id and span id must not be zero.
    let (trace, span) = (rand::random::<u128>() | 1, rand::random::<u64>() | 1);
    let mut text = Vec::with_capacity(55);
    text.extend_from_slice(b"00-");
    push_hex(&mut text, &trace.to_be_bytes());
    text.push(b'-');
    push_hex(&mut text, &span.to_be_bytes());
    text.extend_from_slice(b"-00");
    Bytes::from(text)
}

fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Returns true for a `traceparent` of version 00.
fn is_traceparent(value: &[u8]) -> bool {
    let hex = |part: &[u8]| part.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    let some = |part: &[u8]| part.iter().any(|b| *b != b'0');
    value.len() == 55
        && value.starts_with(b"00-")
        && value[35] == b'-'
        && value[52] == b'-'
        && hex(&value[3..35])
        && some(&value[3..35])
        && hex(&value[36..52])
        && some(&value[36..52])
        && hex(&value[53..])
}

/// Returns true if the id can be repeated in responses and logs.
fn is_request_id(value: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:+/=".contains(b);
    (1..=128).contains(&value.len()) && value.iter().all(plain)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{RequestIds, is_traceparent};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(pairs: &[(&'static str, &'static str)]) -> RequestIds {
        let pairs = pairs.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        RequestIds::of(&pairs.collect::<HeaderMap>())
    }

    #[test]
    fn sane_names_are_echoed() {
        let trace = of(&[("traceparent", PARENT), ("x-request-id", "abc-1")]);
        assert_eq!(
            (trace.request_id.as_bytes(), trace.traceparent.as_bytes()),
            (&b"abc-1"[..], PARENT.as_bytes())
        );
        let trace = of(&[("traceparent", PARENT)]);
        assert_eq!(trace.request_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn insane_names_are_replaced() {
        let trace = of(&[("traceparent", "00-zz"), ("x-request-id", "a b")]);
        assert!(is_traceparent(trace.traceparent.as_bytes()));
        assert_eq!(trace.request_id.len(), 32);
    }
}

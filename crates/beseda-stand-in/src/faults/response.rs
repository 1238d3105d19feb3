//! Body faults: truncated, slow, invalid, with unknown enum values or extra fields.

use std::{io, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// Time in which the beginning of a truncated body is sent.
const FLUSH: Duration = Duration::from_millis(20);
/// Number of chunks of a slow body.
const DRIPS: usize = 10;

/// Returns a body that aborts the connection after `bytes` bytes, or after half of them.
pub(crate) fn truncated(whole: &Bytes, bytes: Option<usize>) -> Body {
    let kept = bytes.unwrap_or(whole.len() / 2).min(whole.len().saturating_sub(1));
    let kept = whole.slice(..kept);
    let end = stream::once(async {
        // The bytes before the abort must have been sent by then.
        tokio::time::sleep(FLUSH).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(stream::once(async { Ok(kept) }).chain(end))
}

/// Returns a body that is sent in chunks over this time.
pub(crate) fn slow(whole: &Bytes, long: Duration) -> Body {
    let size = whole.len().div_ceil(DRIPS).max(1);
    let drips: Vec<Bytes> = (0..whole.len())
        .step_by(size)
        .map(|from| whole.slice(from..(from + size).min(whole.len())))
        .collect();
    let pause = long / u32::try_from(drips.len().max(1)).unwrap_or(1);
    let drips = stream::iter(drips).then(move |drip| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, io::Error>(drip)
    });
    Body::from_stream(drips)
}

/// Returns a body that isn't JSON.
pub(crate) fn garbage(wanted: Option<&Value>) -> Bytes {
    match wanted {
        Some(Value::String(text)) => Bytes::from(text.clone()),
        Some(other) => Bytes::from(other.to_string()),
        None => Bytes::from_static(
            b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
        ),
    }
}

/// Replaces the values of enum fields by unknown ones.
pub(crate) fn unknown_words(body: &Bytes) -> Option<Bytes> {
    altered(body, &mut |object| {
        for (name, value) in object.iter_mut() {
            let worded = matches!(name.as_str(), "type" | "status" | "sender" | "placementType");
            if worded && value.is_string() {
                *value = json!("BESEDA_UNKNOWN_WORD");
            }
        }
    })
}

/// Adds unknown fields at the beginning and the end of every object.
pub(crate) fn extra_fields(body: &Bytes) -> Option<Bytes> {
    altered(body, &mut |object| {
        object.insert("aBesedaExtra".to_owned(), json!({ "nested": [1, null, "x"] }));
        object.insert("zBesedaExtra".to_owned(), Value::Null);
    })
}

/// Changes every object below `result`. The envelope stays as it is.
fn altered(
    body: &Bytes,
    change: &mut dyn FnMut(&mut serde_json::Map<String, Value>),
) -> Option<Bytes> {
    let mut document: Value = serde_json::from_slice(body).ok()?;
    match document.get_mut("result") {
        Some(result) => walk(result, change),
        None => change_envelope(&mut document),
    }
    serde_json::to_vec(&document).ok().map(Bytes::from)
}

/// Adds an unknown field to a response without a result.
fn change_envelope(document: &mut Value) {
    if let Some(object) = document.as_object_mut() {
        object.insert("besedaExtra".to_owned(), json!("BESEDA_UNKNOWN_WORD"));
    }
}

fn walk(value: &mut Value, change: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|value| walk(value, change));
            change(object);
        }
        Value::Array(list) => list.iter_mut().for_each(|value| walk(value, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{extra_fields, unknown_words};

    #[test]
    fn enum_values_are_replaced_below_the_envelope_only() {
        let body = Bytes::from(
            r#"{"status":"OK","result":{"type":"CHAT","status":"NEW","context":{"type":"ORDER"},"name":"x"}}"#,
        );
        let text = String::from_utf8(unknown_words(&body).unwrap().to_vec()).unwrap();
        assert!(text.contains(r#""status":"OK""#) && text.contains(r#""name":"x""#), "{text}");
        assert_eq!(text.matches("BESEDA_UNKNOWN_WORD").count(), 3);
    }

    #[test]
    fn extra_fields_leave_known_fields_unchanged() {
        let body = Bytes::from(r#"{"status":"OK","result":{"chats":[{"chatId":1}]}}"#);
        let text = String::from_utf8(extra_fields(&body).unwrap().to_vec()).unwrap();
        assert!(text.contains(r#""chatId":1"#) && text.contains("zBesedaExtra"), "{text}");
    }
}

//! Parses request bodies and path segments.

use beseda_api::{Error, Result};
use serde::de::DeserializeOwned;

/// Parses a JSON body; an empty body is `{}`. Errors name the path of the invalid field.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        Error::bad_request(format!("{place}{}", error.inner()))
    })?;
    reader.end().map_err(|error| Error::bad_request(error.to_string()))?;
    Ok(read)
}

/// Parses a number in a path.
pub(super) fn number(segment: &str) -> Result<u64> {
    segment.parse().map_err(|_| Error::bad_request(format!("Type mismatch: '{segment}'")))
}

//! Gzip compression of responses, for clients that accept it.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};

/// Minimum size in bytes to compress.
const WORTHWHILE: usize = 1024;
/// Minimum size in bytes to compress on a blocking thread.
const LONG: usize = 128 * 1024;

/// Compresses the body if the request accepts it and it gets smaller.
pub(crate) async fn compress(body: Bytes, asked: &HeaderMap, headers: &mut HeaderMap) -> Bytes {
    if body.len() < WORTHWHILE {
        return body;
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !accepts(asked) || headers.contains_key(header::CONTENT_ENCODING) {
        return body;
    }
    let compressed = if body.len() < LONG {
        gzip(&body)
    } else {
        let copy = body.clone();
        tokio::task::spawn_blocking(move || gzip(&copy)).await.unwrap_or_default()
    };
    match compressed {
        Some(compressed) => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            headers.remove(header::CONTENT_LENGTH);
            compressed
        }
        None => body,
    }
}

/// Returns true if the request accepts gzip.
pub(crate) fn accepts(asked: &HeaderMap) -> bool {
    let lists = asked.get_all(header::ACCEPT_ENCODING).iter();
    lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, ""));
        let quality = quality.trim().trim_start_matches("q=").parse().unwrap_or(1.0_f32);
        name.trim().eq_ignore_ascii_case("gzip") && quality > 0.0
    })
}

fn gzip(body: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::new(3));
    encoder.write_all(body).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::accepts;

    #[test]
    fn gzip_is_used_only_where_it_is_accepted() {
        for (value, accepted) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("br, deflate", false),
            ("", false),
        ] {
            let mut asked = HeaderMap::new();
            asked.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(accepts(&asked), accepted, "{value}");
        }
        assert!(!accepts(&HeaderMap::new()));
    }
}

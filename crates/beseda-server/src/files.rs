//! Downloads behind the links in `payload[].url`: whole files, ranges, and HEAD.

use axum::body::Body;
use beseda_api::{ByteRange, Download, Downloads, FileId, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    FileAccess,
    auth::{self, credential},
    request::RequestContext,
    response::{self, ApiResponse},
};

/// Handles `/files/{fileId}` and `/files/{fileId}/{name}`; the name is for people and is not
/// checked.
pub(crate) async fn handle(
    call: &mut RequestContext<'_>,
    rest: &str,
    now: Timestamp,
) -> Result<ApiResponse> {
    let (id, name) = rest.split_once('/').unwrap_or((rest, ""));
    let id: FileId = id.parse().map_err(|_| response::resource_not_found())?;
    if name.contains('/') {
        return Err(response::resource_not_found());
    }
    let method = &call.parts.method;
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Ok(response::method_not_allowed(method, "GET, HEAD"));
    }
    let server = call.server;
    let files = server.services.files.as_deref().ok_or_else(response::resource_not_found)?;
    if server.settings.files == FileAccess::Required {
        admit(call, files, &id, now).await?;
    }
    let etag = HeaderValue::try_from(format!("\"{id}\"")).map_err(beseda_api::Error::internal)?;
    let headers = &call.parts.headers;
    let range = range(headers, &etag);
    let download = files.open_file(&id, range).await?.ok_or_else(response::resource_not_found)?;
    let same = |value: &HeaderValue| value == etag || value == "*";
    if headers.get(header::IF_NONE_MATCH).is_some_and(same) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::ETAG, etag);
        return Ok(ApiResponse::Streaming(response));
    }
    respond(download, range, etag, *method == Method::HEAD)
}

/// Authorizes a download: 401 and 403 as for a call, and 403 for a file of another cabinet.
async fn admit(
    call: &mut RequestContext<'_>,
    files: &dyn Downloads,
    id: &FileId,
    now: Timestamp,
) -> Result<()> {
    let format = call.server.settings.api_key_format;
    let credential = credential::read_for_download(&call.parts.headers, format)?;
    let access = call.server.auth.authenticate(call.directory(), &credential, now).await?;
    let business = files.file_business(id).await?;
    let business = business.ok_or_else(response::resource_not_found)?;
    if access.allows(business) { Ok(()) } else { Err(auth::access_denied()) }
}

fn respond(
    download: Download,
    asked: Option<ByteRange>,
    etag: HeaderValue,
    head: bool,
) -> Result<ApiResponse> {
    let (range, size) = (download.range.clone(), download.size);
    let outside = asked.is_some() && range.is_empty();
    let mut response = Response::new(if head || outside {
        Body::empty()
    } else {
        Body::from_stream(download.content)
    });
    let content_range = if outside {
        *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        Some(format!("bytes */{size}"))
    } else if asked.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        Some(format!("bytes {}-{}/{size}", range.start, range.end - 1))
    } else {
        None
    };
    let headers = response.headers_mut();
    if let Some(text) = content_range {
        headers.insert(header::CONTENT_RANGE, value(text)?);
    }
    let length = if outside { 0 } else { range.end - range.start };
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_DISPOSITION, value(disposition(download.name.as_str()))?);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::ETAG, etag);
    Ok(ApiResponse::Streaming(response))
}

fn value(text: String) -> Result<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(text)).map_err(beseda_api::Error::internal)
}

/// Returns `attachment` with the name in ASCII and in full (RFC 6266).
fn disposition(name: &str) -> String {
    /// Characters of an extended parameter that need no escape (`attr-char` of RFC 5987).
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let safe = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '_' };
    let ascii: String =
        name.chars().map(safe).map(|c| if c == '"' || c == '\\' { '_' } else { c }).collect();
    let exact = utf8_percent_encode(name, PLAIN);
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
}

/// Returns the requested range. Several ranges, other units and invalid ones mean the whole file,
/// as RFC 9110 allows.
fn range(headers: &HeaderMap, etag: &HeaderValue) -> Option<ByteRange> {
    if headers.get(header::IF_RANGE).is_some_and(|condition| condition != etag) {
        return None;
    }
    let text = headers.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    match (first, last) {
        ("", last) => last.parse().ok().map(ByteRange::Last),
        (first, "") => first.parse().ok().map(ByteRange::From),
        (first, last) => {
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(ByteRange::Bounded(first, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use beseda_api::ByteRange;
    use http::{HeaderMap, HeaderValue, header};

    use super::{disposition, range};

    #[test]
    fn a_name_is_quoted_so_that_no_reader_is_misled() {
        assert_eq!(
            disposition("чек \"1\";.pdf"),
            "attachment; filename=\"___ _1_;.pdf\"; \
             filename*=UTF-8''%D1%87%D0%B5%D0%BA%20%221%22%3B.pdf"
        );
    }

    #[test]
    fn one_range_is_read_and_everything_else_means_the_whole_file() {
        let etag = HeaderValue::from_static("\"x\"");
        for (text, wanted) in [
            ("bytes=0-9", Some(ByteRange::Bounded(0, 9))),
            ("bytes=5-", Some(ByteRange::From(5))),
            ("bytes=-5", Some(ByteRange::Last(5))),
            ("bytes=0-1,3-4", None),
            ("bytes=9-0", None),
            ("lines=1-2", None),
            ("bytes=-", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(text));
            assert_eq!(range(&headers, &etag), wanted, "{text}");
            headers.insert(header::IF_RANGE, HeaderValue::from_static("\"other\""));
            assert_eq!(range(&headers, &etag), None);
        }
    }
}

//! Documentation page: our words in English or Russian around Swagger UI, which shows the OpenAPI documents.

use std::io::Read;

use beseda_api::{Error, Result};
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use sha2::{Digest, Sha256};

use super::language::PageLanguage;
use crate::{
    compression,
    request::RequestContext,
    response::{self, ApiResponse},
};

pub(super) const STYLE: &str = include_str!("page.css");

/// Allows this origin only. The viewer sets styles of elements, but runs no inline script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// File of the page.
struct PageFile {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    /// True if `bytes` are compressed with gzip. Such a file has its version in the path and never changes.
    vendored: bool,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// Files below `/docs/`.
const FILES: [PageFile; 4] = [
    PageFile {
        name: "swagger-ui-5.35.0/swagger-ui-bundle.js",
        content_type: SCRIPT,
        bytes: include_bytes!("../../assets/swagger-ui-5.35.0/swagger-ui-bundle.js.gz"),
        vendored: true,
    },
    PageFile {
        name: "swagger-ui-5.35.0/swagger-ui.css",
        content_type: CSS,
        bytes: include_bytes!("../../assets/swagger-ui-5.35.0/swagger-ui.css.gz"),
        vendored: true,
    },
    PageFile {
        name: "page.js",
        content_type: SCRIPT,
        bytes: include_bytes!("page.js"),
        vendored: false,
    },
    PageFile { name: "page.css", content_type: CSS, bytes: STYLE.as_bytes(), vendored: false },
];

/// Returns the page in the language of `?lang=`, else of `Accept-Language`.
pub(crate) fn page(call: &RequestContext<'_>) -> Result<ApiResponse> {
    let asked = call.query().text("lang");
    let language = asked.and_then(|code| PageLanguage::named(&code));
    let language = language.unwrap_or_else(|| PageLanguage::of(&call.parts.headers));
    let template = language.pick(include_str!("page.en.html"), include_str!("page.ru.html"));
    let html = template.replace("{options}", &options(call, language));
    let mut response = cached(&call.parts.headers, html.into(), "no-cache")?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.pick("en", "ru")));
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
    Ok(ApiResponse::Full(response))
}

/// Returns the documents that this server has, as options of the choice.
fn options(call: &RequestContext<'_>, language: PageLanguage) -> String {
    let (services, auth) = (&call.server.services, &call.server.auth);
    let market = services.market.is_some() && auth.has_market_key();
    let admin = services.admin.is_some() && auth.has_admin_key();
    [
        (true, "/openapi.json#2026", "Chats API, /v2", "API чатов, /v2"),
        (true, "/openapi.json#2024", "Chats API without a version", "API чатов без версии"),
        (market, "/market/v1/openapi.json", "Marketplace, /market/v1", "Маркет, /market/v1"),
        (
            admin,
            "/admin/v1/openapi.json",
            "Administration, /admin/v1",
            "Администрирование, /admin/v1",
        ),
    ]
    .into_iter()
    .filter(|(served, ..)| *served)
    .map(|(_, url, english, russian)| {
        format!("<option value=\"{url}\">{}</option>", language.pick(english, russian))
    })
    .collect()
}

/// Returns a file below `/docs/`.
///
/// # Errors
///
/// 404 if there is none of this name.
pub(crate) fn file(call: &RequestContext<'_>, name: &str) -> Result<ApiResponse> {
    let found = FILES.iter().find(|file| file.name == name);
    let file = found.filter(|_| call.server.settings.docs);
    let file = file.ok_or_else(response::resource_not_found)?;
    if !matches!(call.parts.method, Method::GET | Method::HEAD) {
        return Ok(response::method_not_allowed(&call.parts.method, "GET, HEAD"));
    }
    let asked = &call.parts.headers;
    let caching = if file.vendored { "public, max-age=31536000, immutable" } else { "no-cache" };
    let as_gzip = file.vendored && compression::accepts(asked);
    let body = if file.vendored && !as_gzip {
        let mut plain = Vec::new();
        GzDecoder::new(file.bytes).read_to_end(&mut plain).map_err(Error::internal)?;
        plain.into()
    } else {
        Bytes::from_static(file.bytes)
    };
    let mut response = cached(asked, body, caching)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    if as_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    Ok(ApiResponse::Full(response))
}

/// Returns 200 with an `ETag`, or 304 if the client has the body.
fn cached(asked: &HeaderMap, body: Bytes, caching: &'static str) -> Result<Response<Bytes>> {
    let hash: String =
        Sha256::digest(&body)[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    // Weak, since the body may be compressed on its way.
    let tag = HeaderValue::try_from(format!("W/\"{hash}\"")).map_err(Error::internal)?;
    let mut response = Response::new(body);
    if asked.get(header::IF_NONE_MATCH) == Some(&tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Bytes::new();
    }
    let headers = response.headers_mut();
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// Escapes text for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write, fs, io::Read, path::Path};

    use flate2::read::GzDecoder;
    use sha2::{Digest, Sha256};

    #[test]
    fn every_vendored_file_has_the_checksum_in_the_readme() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/swagger-ui-5.35.0");
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        let check = |name: &str, bytes: &[u8]| {
            let mut hash = String::new();
            for byte in Sha256::digest(bytes) {
                write!(hash, "{byte:02x}").unwrap();
            }
            assert!(
                readme.contains(&format!("| `{name}` | `{hash}` |"))
                    || readme.contains(&format!("| `{name}`, decompressed | `{hash}` |")),
                "{name}"
            );
        };
        let mut files = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name == "README.md" {
                continue;
            }
            files += 1;
            let bytes = fs::read(folder.join(&name)).unwrap();
            check(&name, &bytes);
            if let Some(plain_name) = name.strip_suffix(".gz") {
                let mut plain = Vec::new();
                GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
                check(plain_name, &plain);
            }
        }
        assert_eq!(files, 5);
    }
}

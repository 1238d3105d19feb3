//! Credentials in request headers, in every documented form.

use beseda_api::{Credential, Error, ErrorKind, Result};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::ApiKeyFormat;

static API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Extracts the credential of a request; 401 if it is missing or malformed. An Api-Key takes
/// precedence over a token.
pub(crate) fn read(headers: &HeaderMap, format: ApiKeyFormat) -> Result<Credential> {
    let mut keys = headers.get_all(&API_KEY).iter();
    if let Some(key) = keys.next() {
        if keys.any(|other| other != key) {
            return Err(no("Api-Key token format invalid"));
        }
        return api_key(key, format).map(|key| Credential::ApiKey(key.to_owned()));
    }
    let given = headers.get(header::AUTHORIZATION).ok_or_else(not_specified)?;
    authorization(given).map(|token| Credential::OAuth(token.to_owned()))
}

/// Extracts the credential of a download, where file hosts also accept `Authorization: OAuth
/// <token>`.
pub(crate) fn read_for_download(headers: &HeaderMap, format: ApiKeyFormat) -> Result<Credential> {
    let plain = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = plain.and_then(|value| value.strip_prefix("OAuth ")).map(str::trim);
    match token {
        Some(token) if is_token(token) && !headers.contains_key(&API_KEY) => {
            Ok(Credential::OAuth(token.to_owned()))
        }
        _ => read(headers, format),
    }
}

/// Creates the 401 for a missing header.
pub(crate) fn not_specified() -> Error {
    no("Credentials are not specified")
}

/// Returns the token of `Bearer <token>`.
pub(crate) fn bearer(value: &HeaderValue) -> Result<&str> {
    let (scheme, rest) = parts(value)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unsupported());
    }
    token(rest)
}

/// Returns the Api-Key if it has the required format.
fn api_key(value: &HeaderValue, format: ApiKeyFormat) -> Result<&str> {
    let key = value.to_str().map_err(|_| no("Api-Key token format invalid"))?.trim();
    if key.is_empty() {
        return Err(no("Api-Key token is not specified"));
    }
    match format {
        ApiKeyFormat::Acma => published(key),
        ApiKeyFormat::Any if is_api_key(key) => Ok(key),
        ApiKeyFormat::Any => Err(no("Api-Key token format invalid")),
    }
}

/// Accepts `ACMA:` + 40 letters and digits + `:` + 8 hexadecimal digits; the published sample of an
/// invalid key has 9.
fn published(key: &str) -> Result<&str> {
    const PREFIX: &str = "ACMA:";
    const SHORTEST: usize = PREFIX.len() + 40 + 1 + 8;
    let rest = key.strip_prefix(PREFIX).ok_or_else(|| no("Api-Key token prefix invalid"))?;
    if !(SHORTEST..=SHORTEST + 1).contains(&key.len()) {
        return Err(no("Api-Key token length invalid"));
    }
    let well_formed = rest.split_once(':').is_some_and(|(secret, tail)| {
        secret.len() == 40
            && secret.bytes().all(|b| b.is_ascii_alphanumeric())
            && tail.bytes().all(|b| b.is_ascii_hexdigit())
    });
    if well_formed { Ok(key) } else { Err(no("Api-Key token format invalid")) }
}

/// Returns true if a text is a valid value of the `Api-Key` header.
pub(crate) fn is_api_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Returns the token of either form of `Authorization`.
fn authorization(value: &HeaderValue) -> Result<&str> {
    let (scheme, rest) = parts(value)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        token(rest)
    } else if scheme.eq_ignore_ascii_case("oauth") {
        old_form(rest)
    } else {
        Err(unsupported())
    }
}

fn parts(value: &HeaderValue) -> Result<(&str, &str)> {
    let value = value.to_str().map_err(|_| invalid_syntax())?.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.is_empty() { Err(invalid_syntax()) } else { Ok((scheme, rest.trim())) }
}

fn token(rest: &str) -> Result<&str> {
    match rest {
        "" => Err(no("OAuth token is not specified")),
        rest if is_token(rest) => Ok(rest),
        _ => Err(invalid_syntax()),
    }
}

/// Returns true if a text is a valid OAuth token in both forms of `Authorization`.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"\",=".contains(&b))
}

/// Parses `oauth_token="…", oauth_client_id="…"`, quoted or not, in any order.
fn old_form(rest: &str) -> Result<&str> {
    if rest.is_empty() {
        return Err(no("OAuth credentials are not specified"));
    }
    let (mut token, mut client) = ("", "");
    for pair in rest.split(',') {
        let (name, value) = pair.split_once('=').ok_or_else(invalid_syntax)?;
        let value = value.trim();
        let inner = value.strip_prefix('"').map(|open| open.strip_suffix('"'));
        let value = inner.unwrap_or(Some(value)).ok_or_else(invalid_syntax)?;
        match name.trim() {
            "oauth_token" => token = value,
            "oauth_client_id" => client = value,
            _ => {}
        }
    }
    match (token, client) {
        ("", "") => Err(no("OAuth credentials are not specified")),
        ("", _) => Err(no("OAuth token is not specified")),
        (_, "") => Err(no("OAuth client id is not specified")),
        (token, _) if is_token(token) => Ok(token),
        _ => Err(invalid_syntax()),
    }
}

fn unsupported() -> Error {
    no("Unsupported authorization type specified in Authorization header")
}

fn invalid_syntax() -> Error {
    no("Authorization header has invalid syntax")
}

fn no(text: &str) -> Error {
    Error::new(ErrorKind::Unauthorized, text)
}

//! Middleware that requires the admin key. The page itself needs none.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use beseda_api::{Error, ErrorKind};
use http::{HeaderMap, header};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::response;
use crate::Control;

/// Passes requests with the admin key on and answers others with 401.
pub(super) async fn require_key(
    State(control): State<Arc<Control>>,
    request: Request,
    next: Next,
) -> Response {
    match check(request.headers(), control.admin_key.expose_secret()) {
        Ok(()) => next.run(request).await,
        Err(error) => response::error(&error),
    }
}

fn check(headers: &HeaderMap, key: &str) -> beseda_api::Result<()> {
    let unauthorized = |text: &str| Err(Error::new(ErrorKind::Unauthorized, text));
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        return unauthorized(
            "Credentials are not specified: send Authorization: Bearer <admin key>",
        );
    };
    let header = header.to_str().unwrap_or_default().trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return unauthorized("Unsupported authorization: send Authorization: Bearer <admin key>");
    }
    // Hashes have the same length, so the comparison leaks nothing through its duration.
    let (token, key) = (Sha256::digest(token.trim()), Sha256::digest(key));
    if bool::from(token.as_slice().ct_eq(key.as_slice())) {
        Ok(())
    } else {
        unauthorized("The key is invalid")
    }
}

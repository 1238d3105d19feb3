//! Who may use the surface: whoever has its key. The page itself may be loaded by anyone.

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

/// Lets a request through if it has the key; 401 otherwise.
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
    // Hashes of one length tell nothing by the time their comparison takes.
    let (token, key) = (Sha256::digest(token.trim()), Sha256::digest(key));
    if bool::from(token.as_slice().ct_eq(key.as_slice())) {
        Ok(())
    } else {
        unauthorized("The key is invalid")
    }
}

//! Hints for mistakes with credentials: wrong header or scheme, campaign id in place of a business
//! id. Secrets are never repeated.

use super::{RejectedRequest, path};

/// Headers mistaken for `Api-Key`.
const LOOKALIKE_NAMES: [&str; 6] =
    ["x-api-key", "apikey", "api_key", "x-apikey", "token", "x-auth-token"];

pub(super) fn unauthorized(request: &RejectedRequest<'_>) -> Option<String> {
    if let Some(key) = request.header("api-key") {
        return of_api_key(key.trim());
    }
    if let Some(given) = request.header("authorization") {
        return of_authorization(given.trim());
    }
    let other = LOOKALIKE_NAMES.iter().find(|name| request.header(name).is_some());
    let text = match other {
        Some(name) => format!("The header {name} is not read: send the key as 'Api-Key: ACMA:...'."),
        None => "No credential came: send 'Api-Key: ACMA:...' (or 'Authorization: Bearer <OAuth token>') with every request.".to_owned(),
    };
    Some(text)
}

fn of_api_key(key: &str) -> Option<String> {
    let lower = key.to_ascii_lowercase();
    let text = if lower.starts_with("bearer ") || lower.starts_with("oauth ") {
        "The header Api-Key holds the key alone: 'Api-Key: ACMA:...', without Bearer in front of it."
    } else if key.starts_with("y0_") || key.starts_with("AQAA") {
        "This is an OAuth token, not an Api-Key: send it as 'Authorization: Bearer <token>'."
    } else if key.starts_with(['"', '\'', '<', '{', '$']) {
        "The key is wrapped in something: quotes, brackets or a variable that was not filled in. Send the trimmed key."
    } else if !key.starts_with("ACMA:") {
        "An Api-Key begins with 'ACMA:' and is sent whole, the prefix included."
    } else {
        return None;
    };
    Some(text.to_owned())
}

fn of_authorization(given: &str) -> Option<String> {
    let (scheme, rest) = given.split_once(' ').unwrap_or(("", given));
    let text = if rest.trim().starts_with("ACMA:") {
        "This is an Api-Key: it goes into a header of its own, 'Api-Key: ACMA:...', not into Authorization."
    } else if scheme.is_empty() {
        "Authorization needs its scheme: 'Authorization: Bearer <OAuth token>'."
    } else if scheme.eq_ignore_ascii_case("basic") {
        "The API knows no user name and password: send 'Api-Key: ACMA:...'."
    } else {
        return None;
    };
    Some(text.to_owned())
}

pub(super) fn forbidden(request: &RejectedRequest<'_>) -> Option<String> {
    if request.reason.contains("scopes") {
        return Some("The key lacks the scope for this: it needs 'communication' or 'all-methods' (for reading 'all-methods:read-only' will do).".to_owned());
    }
    if request.reason.contains("OAuth token is invalid") {
        return Some("The OAuth token is unknown or has run out: get a new one, or use an Api-Key, which does not run out.".to_owned());
    }
    let named = path::business(request.path)?;
    let campaign = request.campaigns.iter().find(|(campaign, _)| *campaign == named);
    Some(match campaign {
        Some((campaign, business)) => format!(
            "{campaign} is a campaign (shop), not a cabinet: paths of chats need the businessId, here /businesses/{business}/. GET /v2/campaigns shows both."
        ),
        None => format!(
            "The credential does not open cabinet {named}: GET /v2/campaigns shows the cabinets it opens (business.id)."
        ),
    })
}

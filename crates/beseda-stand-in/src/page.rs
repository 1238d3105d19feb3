//! Page at `/__admin/`. It has no state of its own and uses the admin API only.

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;

/// Allows resources of this origin only and forbids embedding.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Resources of the page.
const PARTS: [(&str, &str, &str); 9] = [
    ("/page/page.css", CSS, include_str!("page/page.css")),
    ("/page/main.js", SCRIPT, include_str!("page/main.js")),
    ("/page/surface.js", SCRIPT, include_str!("page/surface.js")),
    ("/page/words.js", SCRIPT, include_str!("page/words.js")),
    ("/page/elements.js", SCRIPT, include_str!("page/elements.js")),
    ("/page/chats.js", SCRIPT, include_str!("page/chats.js")),
    ("/page/clock.js", SCRIPT, include_str!("page/clock.js")),
    ("/page/faults.js", SCRIPT, include_str!("page/faults.js")),
    ("/page/journal.js", SCRIPT, include_str!("page/journal.js")),
];

/// Returns the routes of the page and its resources, relative to `/__admin`.
pub fn router() -> Router {
    let page = Router::new().route("/", get(index));
    PARTS.into_iter().fold(page, |page, (path, kind, text)| {
        page.route(path, get(move || async move { part(kind, text) }))
    })
}

/// Returns the page.
pub(crate) async fn index() -> Response {
    part(HTML, include_str!("page/index.html"))
}

fn part(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // A different version may run at this address later.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text).into_response()
}

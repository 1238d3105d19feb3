//! The page in the browser at `/__admin/`. It holds no state: everything it does goes through the administration surface.

use axum::Router;

/// The page and what it loads, by paths below `/__admin`.
#[must_use]
pub fn router() -> Router {
    Router::new()
}

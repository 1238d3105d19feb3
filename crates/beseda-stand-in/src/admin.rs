//! Admin API under `/__admin`: clock, faults, journal, scenarios, state, subscriptions. It has its
//! own key and the API's envelope.

mod auth;
mod clock;
mod faults;
mod journal;
mod openapi;
mod page_api;
mod parse;
mod progress;
mod response;
mod scenarios;
mod state;
mod subscriptions;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};

use crate::{Control, page};

/// Maximum size of a body, which may hold a whole state with its files.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Adds the admin API and the page to a server. Requests outside `/__admin` are passed on
/// unchanged.
pub fn mount(control: Arc<Control>, server: Router) -> Router {
    let protected = Router::new()
        .route("/clock", get(clock::show).put(clock::set))
        .route("/clock/advance", post(clock::advance))
        .route("/clock/resume", post(clock::resume))
        .route("/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/faults/{id}", delete(faults::remove))
        .route("/journal", get(journal::list).delete(journal::clear))
        .route("/journal/live", get(journal::live))
        .route("/journal/{id}", get(journal::get))
        .route("/journal/{id}/curl", get(journal::curl))
        .route("/reset", post(state::reset))
        .route("/seed", post(state::seed))
        .route("/snapshots", get(state::snapshots).post(state::snapshot))
        .route("/snapshots/{name}", delete(state::delete_snapshot))
        .route("/snapshots/{name}/restore", post(state::restore))
        .route("/export", get(state::export))
        .route("/import", post(state::import))
        .route(
            "/subscriptions",
            get(subscriptions::list).post(subscriptions::add).delete(subscriptions::clear),
        )
        .route("/subscriptions/{id}", delete(subscriptions::remove))
        .merge(page_api::routes())
        .merge(scenarios::routes(Arc::clone(&control.scenarios)))
        .method_not_allowed_fallback(response::method_not_allowed)
        .fallback(response::not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Arc::clone(&control), auth::require_key))
        .with_state(control);
    let open = Router::new().route("/openapi.json", get(openapi::document)).merge(page::router());
    let surface = open.fallback_service(protected);
    // A nested router has no route for its prefix followed by a slash.
    Router::new()
        .nest("/__admin", surface)
        .route("/__admin/", get(page::index))
        .fallback_service(server)
}

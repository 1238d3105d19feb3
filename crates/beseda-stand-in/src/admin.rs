//! The administration surface under `/__admin`: clock, faults, journal, state. It has the API's envelope and a key of its own.

mod clock;
mod desk;
mod faults;
mod guard;
mod journal;
mod openapi;
mod progress;
mod read;
mod reply;
mod state;
mod subscriptions;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};

use crate::{Control, page, scenario};

/// The largest body: a whole state with its files.
const LARGEST: usize = 256 * 1024 * 1024;

/// Puts the surface and the page beside a server. What isn't below `/__admin` goes to the server unchanged.
pub fn mount(control: Arc<Control>, server: Router) -> Router {
    let guarded = Router::new()
        .route("/clock", get(clock::show).put(clock::set))
        .route("/clock/advance", post(clock::advance))
        .route("/clock/resume", post(clock::resume))
        .route("/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/faults/{id}", delete(faults::remove))
        .route("/journal", get(journal::list).delete(journal::clear))
        .route("/journal/live", get(journal::live))
        .route("/journal/{id}", get(journal::one))
        .route("/journal/{id}/curl", get(journal::curl))
        .route("/reset", post(state::reset))
        .route("/seed", post(state::seed))
        .route("/snapshots", get(state::snapshots).post(state::snapshot))
        .route("/snapshots/{name}", delete(state::forget))
        .route("/snapshots/{name}/restore", post(state::restore))
        .route("/export", get(state::export))
        .route("/import", post(state::import))
        .route(
            "/subscriptions",
            get(subscriptions::list).post(subscriptions::add).delete(subscriptions::clear),
        )
        .route("/subscriptions/{id}", delete(subscriptions::remove))
        .merge(desk::routes())
        .merge(scenario::router(Arc::clone(&control.scenarios)))
        .method_not_allowed_fallback(reply::no_such_method)
        .fallback(reply::no_such_path)
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(from_fn_with_state(Arc::clone(&control), guard::admit))
        .with_state(control);
    let open = Router::new().route("/openapi.json", get(openapi::document)).merge(page::router());
    let surface = open.fallback_service(guarded);
    // A nested router has no path that ends with the slash after its prefix.
    Router::new()
        .nest("/__admin", surface)
        .route("/__admin/", get(page::index))
        .fallback_service(server)
}

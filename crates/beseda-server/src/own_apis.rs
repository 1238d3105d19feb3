//! Router of the project's own APIs: marketplace and administration.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{self, Body},
    extract::Request,
    response::Response,
    routing,
};
use beseda_api::{Error, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, header, request::Parts};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tower::ServiceExt;

use crate::{
    Server, admin, docs, market,
    own_request::{ErrorReply, Routes},
    response::{self, ApiResponse},
};

/// OpenAPI document of each API. It needs no key, since it reveals nothing about a cabinet.
const DOCUMENT: &str = "/openapi.json";

/// Returns the router of the APIs that are enabled: those with an implementation and a key.
pub(crate) fn router(server: &Arc<Server>) -> Router {
    let (services, auth) = (&server.services, &server.auth);
    let mut router = Router::new();
    if services.market.is_some() && auth.has_market_key() {
        router = router.nest("/market/v1", with_document(server, market::routes(), docs::market()));
    }
    if services.admin.is_some() && auth.has_admin_key() {
        let document = docs::administration(services.subscriptions.is_some());
        router = router.nest("/admin/v1", with_document(server, admin::routes(), document));
    }
    router
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .with_state(Arc::clone(server))
}

fn with_document(server: &Server, routes: Routes, document: Bytes) -> Routes {
    if !server.settings.docs {
        return routes;
    }
    routes.route(DOCUMENT, routing::get(async move || docs::json(document.clone())))
}

async fn method_not_allowed(method: Method) -> ApiResponse {
    ApiResponse::Full(response::method_not_supported(&method))
}

async fn not_found() -> ErrorReply {
    response::resource_not_found().into()
}

/// Handles a request. What the handler leaves of the body is still in `body` afterwards.
pub(crate) async fn handle(router: Router, parts: &Parts, body: &mut Body) -> Result<ApiResponse> {
    let shared = SharedBody(Arc::new(Mutex::new(std::mem::take(body))));
    *body = Body::new(shared.clone());
    let mut request = Request::from_parts(parts.clone(), Body::new(shared));
    let has_head = parts.uri.path().ends_with(DOCUMENT);
    if parts.method == Method::HEAD && !has_head {
        // axum answers HEAD wherever it answers GET, these APIs don't: route it as a method without routes.
        *request.method_mut() = Method::TRACE;
    }
    let Ok(mut response) = router.oneshot(request).await;
    if let Some(error) = response.extensions_mut().remove::<ErrorReply>() {
        return Err(error.into_error());
    }
    if let Some(allow) = response.headers().get(header::ALLOW).and_then(|value| value.to_str().ok())
    {
        let methods = allow.split(',').filter(|method| has_head || *method != "HEAD");
        let allow = methods.collect::<Vec<_>>().join(", ");
        let allow = HeaderValue::try_from(allow).map_err(Error::internal)?;
        response.headers_mut().insert(header::ALLOW, allow);
    }
    let (parts, body) = response.into_parts();
    let body = body::to_bytes(body, usize::MAX).await.map_err(Error::internal)?;
    Ok(ApiResponse::Full(Response::from_parts(parts, body)))
}

/// Body whose rest can be read by others after its reader was dropped.
#[derive(Clone)]
struct SharedBody(Arc<Mutex<Body>>);

impl HttpBody for SharedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Pin::new(&mut *body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

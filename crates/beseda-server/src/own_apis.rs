//! Router of our own APIs, the marketplace's and administration's, and the requests and responses of their handlers.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{self, Body},
    extract::{FromRequestParts, Path, Request},
    response::{IntoResponse, Response},
    routing,
};
use beseda_api::{BusinessId, Error, Generation, Result};
use bytes::Bytes;
use http::{HeaderValue, Method, header, request::Parts};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use crate::{
    Server, admin, docs, market, query,
    request::RequestContext,
    response::{self, ApiResponse},
};

/// Routes of one API.
pub(crate) type Routes = Router<Arc<Server>>;

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
        // axum answers HEAD wherever it answers GET. These APIs don't, so a method without routes stands in for it.
        *request.method_mut() = Method::TRACE;
    }
    let Ok(mut response) = router.oneshot(request).await;
    if let Some(ErrorReply(error)) = response.extensions_mut().remove() {
        return Err(Arc::into_inner(error).unwrap_or_else(response::resource_not_found));
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

/// Error of a handler. The pipeline makes its response, which needs the id of the request.
#[derive(Debug, Clone)]
pub(crate) struct ErrorReply(Arc<Error>);

impl From<Error> for ErrorReply {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl IntoResponse for ErrorReply {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// Result of a handler.
pub(crate) type HandlerResult = Result<ApiResponse, ErrorReply>;

/// Segments of the path that the route names.
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = ErrorReply;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorReply> {
        let params = Path::from_request_parts(parts, state).await;
        let Path(params) = params.map_err(|refused| Error::bad_request(refused.body_text()))?;
        Ok(Self(params))
    }
}

/// Request of a handler.
pub(crate) struct OwnRequest {
    pub(crate) server: Arc<Server>,
    parts: Parts,
    body: Body,
}

impl OwnRequest {
    pub(crate) fn new(server: &Arc<Server>, request: Request) -> Self {
        let (parts, body) = request.into_parts();
        Self { server: Arc::clone(server), parts, body }
    }

    pub(crate) fn context(&mut self) -> RequestContext<'_> {
        RequestContext {
            server: &self.server,
            chats: self.server.services.chats.as_ref(),
            parts: &self.parts,
            body: &mut self.body,
            generation: Generation::Y2026,
        }
    }
}

/// Returns the cabinet of a path segment.
pub(crate) fn cabinet(segment: &str) -> Result<BusinessId> {
    query::id("businessId", query::parse(segment)?)
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

//! Requests and responses of the handlers of the project's own APIs.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Path, Request},
    response::{IntoResponse, Response},
};
use beseda_api::{BusinessId, Error, Generation, Result};
use http::{Method, request::Parts};
use serde::de::DeserializeOwned;

use crate::{
    Server,
    body::BodyKind,
    query,
    request::RequestContext,
    response::{self, ApiResponse},
};

/// Routes of one API.
pub(crate) type Routes = Router<Arc<Server>>;

/// Error of a handler. The pipeline makes its response, which needs the id of the request.
#[derive(Debug, Clone)]
pub(crate) struct ErrorReply(Arc<Error>);

impl ErrorReply {
    /// Returns the error.
    pub(crate) fn into_error(self) -> Error {
        Arc::into_inner(self.0).unwrap_or_else(response::resource_not_found)
    }
}

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

    /// Authorizes an administrator and checks the content type of a `POST`.
    pub(crate) fn of_administrator(server: &Arc<Server>, request: Request) -> Result<Self> {
        server.auth.authorize_admin(request.headers())?;
        let is_post = request.method() == Method::POST;
        let mut request = Self::new(server, request);
        if is_post {
            request.context().check_type(BodyKind::Json)?;
        }
        Ok(request)
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

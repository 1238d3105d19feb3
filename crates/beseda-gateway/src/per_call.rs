//! Starts a [`GatewayCall`] for every request the server accepts.

use std::sync::Arc;

use beseda_api::{Error, Principal, Result};
use beseda_client::Priority;
use beseda_server::{CallApi, CallContext, PerCallApi};

use crate::{
    call::{CallerInfo, GatewayCall},
    state::GatewayState,
};

/// Maximum length of an `Idempotency-Key` in characters.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Creates the API implementation of each call.
pub(crate) struct PerCall(pub(crate) Arc<GatewayState>);

impl PerCallApi for PerCall {
    fn begin_call(&self, context: CallContext<'_>) -> Result<Arc<dyn CallApi>> {
        let program: Arc<str> = match &context.access.principal {
            Principal::ApiKey { name, .. } => Arc::from(name.as_str()),
            Principal::User { id } => Arc::from(format!("user {id}")),
        };
        let mut quota = self.0.quota(context.business, &program);
        if let Some(priority) = context.headers.get("x-beseda-priority") {
            let priority: Priority = priority
                .to_str()
                .unwrap_or_default()
                .parse()
                .map_err(|error| Error::bad_request(format!("X-Beseda-Priority: {error}")))?;
            // A program can lower its priority, not raise it.
            quota.priority = quota.priority.max(priority);
        }
        let idempotency_key = context.headers.get("idempotency-key").map(|key| {
            let key = key.to_str().ok();
            let key = key.filter(|key| (1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()));
            key.map(str::to_owned).ok_or_else(|| {
                Error::bad_request(format!(
                    "Idempotency-Key: must be 1 to {MAX_IDEMPOTENCY_KEY} ASCII characters"
                ))
            })
        });
        let caller = CallerInfo {
            program,
            quota,
            business: context.business,
            endpoint: context.endpoint,
            deadline: context.deadline,
            request_id: context.request_id.to_str().unwrap_or("-").to_owned(),
            idempotency_key: idempotency_key.transpose()?,
        };
        Ok(Arc::new(GatewayCall::new(Arc::clone(&self.0), caller)))
    }

    fn metrics(&self) -> String {
        self.0.metrics.render(&self.0.scheduler)
    }
}

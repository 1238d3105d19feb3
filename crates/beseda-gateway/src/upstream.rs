//! The upstream: its cabinets, its credential, its hourly budgets, and the conversion of its
//! errors.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use beseda_api::{
    BusinessId, Campaign, Clock, Credential, Endpoint, Error, ErrorKind, Principal, RateLimit,
    Result, Scope,
};
use beseda_client::{Client, ClientError, ErrorExt};
use beseda_server::{CredentialHash, Unavailable};
use jiff::Timestamp;

use crate::{db::GatewayDb, scheduler::BudgetSource, settings::GatewaySettings};

/// Age above which the list of campaigns is loaded again.
const CAMPAIGNS_TTL: Duration = Duration::from_secs(60);

/// Credential of the gateway itself. Only its hash is kept.
pub(crate) struct UpstreamCredential {
    hash: CredentialHash,
    /// Principal of the credential, as callers see it.
    pub(crate) principal: Principal,
}

impl UpstreamCredential {
    /// Loads the name and scopes of the configured credential from the upstream; `None` if none is
    /// configured.
    pub(crate) async fn resolve(settings: &GatewaySettings) -> Option<Self> {
        let credential = settings.credential.as_ref()?;
        let principal = match credential {
            Credential::OAuth(_) => Principal::User { id: 0 },
            Credential::ApiKey(_) => match settings.client.token_info().await {
                Ok(info) => Principal::ApiKey { name: info.name, scopes: info.auth_scopes },
                // The upstream itself refuses calls outside of the key's scopes.
                Err(error) => {
                    tracing::warn!(%error, "failed to load the scopes of the upstream's credential");
                    Principal::ApiKey {
                        name: "upstream".to_owned(),
                        scopes: vec![Scope::AllMethods],
                    }
                }
            },
        };
        Some(Self { hash: CredentialHash::new(credential), principal })
    }

    /// Compares a credential with this one in constant time.
    pub(crate) fn matches(&self, credential: &Credential) -> bool {
        self.hash.matches(credential)
    }
}

/// Cabinets and campaigns that the upstream's credential has access to.
pub(crate) struct CabinetDirectory {
    client: Client,
    db: GatewayDb,
    clock: Arc<dyn Clock>,
    /// Configured cabinets; empty for all.
    businesses: Vec<BusinessId>,
    cache: RwLock<CachedCampaigns>,
    refresh: tokio::sync::Mutex<()>,
}

struct CachedCampaigns {
    campaigns: Vec<Campaign>,
    at: Timestamp,
}

impl CabinetDirectory {
    /// Loads the campaigns from the upstream, or from the database if it can't be reached.
    ///
    /// # Errors
    /// If the upstream refuses the credential, or can't be reached and the database has no
    /// campaigns.
    pub(crate) async fn load(settings: &GatewaySettings, db: GatewayDb) -> Result<Self> {
        let (client, clock) = (settings.client.clone(), Arc::clone(&settings.clock));
        let campaigns = match client.campaigns().await {
            Ok(campaigns) => {
                db.save_campaigns(&campaigns, clock.now()).await?;
                campaigns
            }
            Err(error) if error.kind().is_some() => return Err(error),
            Err(error) => {
                let Some(saved) = db.campaigns().await? else { return Err(error) };
                tracing::warn!(%error, "failed to reach the upstream; using the saved campaigns");
                saved
            }
        };
        let cache = RwLock::new(CachedCampaigns { campaigns, at: clock.now() });
        let (businesses, refresh) = (settings.businesses.clone(), tokio::sync::Mutex::default());
        Ok(Self { client, db, clock, businesses, cache, refresh })
    }

    /// Returns the served cabinets with their names.
    pub(crate) fn cabinets(&self) -> BTreeMap<BusinessId, String> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let businesses = cache.campaigns.iter().filter_map(|campaign| campaign.business.as_ref());
        let mut cabinets: BTreeMap<_, _> = businesses
            .filter_map(|business| Some((business.id?, business.name.clone().unwrap_or_default())))
            .filter(|(id, _)| self.businesses.is_empty() || self.businesses.contains(id))
            .collect();
        // A cabinet without campaigns isn't listed, but can be configured.
        for business in &self.businesses {
            cabinets.entry(*business).or_default();
        }
        cabinets
    }

    /// Returns the campaigns of these cabinets, at most a minute old.
    pub(crate) async fn campaigns(&self, businesses: &[BusinessId]) -> Vec<Campaign> {
        if self.is_stale() {
            let _guard = self.refresh.lock().await;
            if self.is_stale() {
                self.reload().await;
            }
        }
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let is_requested = |campaign: &&Campaign| {
            let business = campaign.business.as_ref().and_then(|business| business.id);
            business.is_some_and(|business| businesses.contains(&business))
        };
        cache.campaigns.iter().filter(is_requested).cloned().collect()
    }

    fn is_stale(&self) -> bool {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let age = self.clock.now().duration_since(cache.at);
        Duration::try_from(age).is_ok_and(|age| age >= CAMPAIGNS_TTL)
    }

    async fn reload(&self) {
        let result = self.client.campaigns().await;
        if let Ok(campaigns) = &result
            && let Err(error) = self.db.save_campaigns(campaigns, self.clock.now()).await
        {
            tracing::warn!(%error, "failed to save the upstream's campaigns");
        }
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.at = self.clock.now();
        match result {
            Ok(campaigns) => cache.campaigns = campaigns,
            Err(error) => tracing::warn!(%error, "failed to list the upstream's campaigns"),
        }
    }
}

/// Budgets from the client's rate limiter, which reads them from the upstream's responses.
pub(crate) struct ClientBudget(pub(crate) Client);

impl BudgetSource for ClientBudget {
    fn budget(&self, business: BusinessId, endpoint: &Endpoint) -> Option<RateLimit> {
        let state = self.0.rate_limiter()?.state(business)?;
        let budget = state.budgets.iter().find(|budget| budget.operation == endpoint.name)?;
        budget.limit
    }
}

/// Converts an upstream error to the one a caller of the gateway gets.
pub(crate) fn to_caller_error(error: Error) -> Error {
    match error {
        // The rejected credential is the gateway's, not the caller's.
        Error::Api(refusal) if refusal.kind == ErrorKind::Unauthorized => {
            tracing::error!(error = %Error::Api(refusal), "the upstream rejected the gateway's credential");
            let text = "the upstream rejected the gateway's credential";
            Error::internal(Unavailable(text.into()))
        }
        Error::Internal(source) => match source.downcast::<ClientError>() {
            Ok(error) if is_limit(&error) => to_limit_exceeded(&error),
            Ok(error) if is_unavailable(&error) => Error::internal(Unavailable(error)),
            Ok(error) => Error::Internal(error),
            Err(source) => Error::Internal(source),
        },
        refusal => refusal,
    }
}

fn is_limit(error: &ClientError) -> bool {
    matches!(error, ClientError::OverLimit { .. })
}

/// Returns the upstream's 420 error for a call that the client's rate limiter didn't send.
fn to_limit_exceeded(client_error: &ClientError) -> Error {
    let mut error = Error::new(ErrorKind::LimitExceeded, "Hit rate limit");
    if let (ClientError::OverLimit { operation, business, .. }, Error::Api(refusal)) =
        (client_error, &mut error)
    {
        let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.name == *operation);
        let path = endpoint.map_or("", |endpoint| endpoint.path);
        let suffix =
            business.map(|business| format!(" for businessId {business}")).unwrap_or_default();
        for item in &mut refusal.items {
            item.message = Some(format!("Hit rate limit for resource {path}{suffix}"));
        }
    }
    error
}

/// Returns true if the upstream can't be reached or is out of service.
fn is_unavailable(error: &ClientError) -> bool {
    match error {
        ClientError::Connect(_) | ClientError::Timeout(_) | ClientError::Interrupted(_) => true,
        ClientError::Undocumented { status, .. } => (502..=504).contains(status),
        _ => false,
    }
}

/// Returns the rate limit in the headers of an error response.
pub(crate) fn rate_limit_of(error: &Error) -> Option<RateLimit> {
    error.answer().and_then(|response| response.limit)
}

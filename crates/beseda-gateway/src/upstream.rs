//! What lies behind the gateway: the client, what its credential opens, and what its failures mean to a caller.

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
use beseda_server::Unavailable;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Ledger, lanes::Meter};

/// How long a list of shops is told without asking again.
const FRESH: Duration = Duration::from_secs(60);

/// The credential the gateway itself calls with. Only its hash is kept here.
pub(crate) struct OwnCredential {
    hash: [u8; 32],
    /// Who holds it, as far as a caller may ask.
    pub(crate) holder: Principal,
}

fn hash(credential: &Credential) -> [u8; 32] {
    let (kind, secret) = match credential {
        Credential::ApiKey(secret) => (b'k', secret),
        Credential::OAuth(secret) => (b'o', secret),
    };
    Sha256::new().chain_update([kind]).chain_update(secret.as_bytes()).finalize().into()
}

impl OwnCredential {
    /// Learns of the upstream what the credential is called and may do.
    pub(crate) async fn learn(client: &Client, credential: &Credential) -> Self {
        let holder = match credential {
            Credential::OAuth(_) => Principal::User { id: 0 },
            Credential::ApiKey(_) => match client.token_info().await {
                Ok(info) => Principal::ApiKey { name: info.name, scopes: info.auth_scopes },
                // The upstream itself will say what the key may not do.
                Err(error) => {
                    tracing::warn!(%error, "the upstream doesn't tell what its credential may do");
                    Principal::ApiKey {
                        name: "upstream".to_owned(),
                        scopes: vec![Scope::AllMethods],
                    }
                }
            },
        };
        Self { hash: hash(credential), holder }
    }

    /// Whether this is the credential; how long that takes tells nothing.
    pub(crate) fn is(&self, credential: &Credential) -> bool {
        self.hash.ct_eq(&hash(credential)).into()
    }
}

/// The shops behind the upstream's credential.
pub(crate) struct Shops {
    client: Client,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    /// Only these cabinets; all of them if empty.
    wanted: Vec<BusinessId>,
    known: RwLock<Known>,
    asking: tokio::sync::Mutex<()>,
}

struct Known {
    campaigns: Vec<Campaign>,
    at: Timestamp,
}

impl Shops {
    /// Asks the upstream; where it doesn't answer, what was seen last will do.
    pub(crate) async fn ask(
        client: Client,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        wanted: Vec<BusinessId>,
    ) -> Result<Self> {
        let campaigns = match client.campaigns().await {
            Ok(campaigns) => {
                ledger.keep_campaigns(&campaigns, clock.now()).await?;
                campaigns
            }
            Err(error) if error.kind().is_some() => return Err(error),
            Err(error) => {
                let Some(remembered) = ledger.campaigns().await? else { return Err(error) };
                tracing::warn!(%error, "the upstream can't be reached: its shops are those seen last");
                remembered
            }
        };
        let known = RwLock::new(Known { campaigns, at: clock.now() });
        Ok(Self { client, ledger, clock, wanted, known, asking: tokio::sync::Mutex::default() })
    }

    /// The cabinets that are served, by id, with their names.
    pub(crate) fn cabinets(&self) -> BTreeMap<BusinessId, String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let businesses = known.campaigns.iter().filter_map(|campaign| campaign.business.as_ref());
        let mut all: BTreeMap<_, _> = businesses
            .filter_map(|business| Some((business.id?, business.name.clone().unwrap_or_default())))
            .filter(|(id, _)| self.wanted.is_empty() || self.wanted.contains(id))
            .collect();
        // A cabinet without shops can't be seen, but it can be named.
        for business in &self.wanted {
            all.entry(*business).or_default();
        }
        all
    }

    /// The shops of these cabinets, as the upstream lists them; asked again if that was long ago.
    pub(crate) async fn campaigns(&self, businesses: &[BusinessId]) -> Vec<Campaign> {
        if self.is_old() {
            let _asking = self.asking.lock().await;
            if self.is_old() {
                self.ask_again().await;
            }
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let of = |campaign: &&Campaign| {
            let business = campaign.business.as_ref().and_then(|business| business.id);
            business.is_some_and(|business| businesses.contains(&business))
        };
        known.campaigns.iter().filter(of).cloned().collect()
    }

    fn is_old(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let age = self.clock.now().duration_since(known.at);
        Duration::try_from(age).is_ok_and(|age| age >= FRESH)
    }

    async fn ask_again(&self) {
        let asked = self.client.campaigns().await;
        if let Ok(campaigns) = &asked
            && let Err(error) = self.ledger.keep_campaigns(campaigns, self.clock.now()).await
        {
            tracing::warn!(%error, "the upstream's shops can't be kept");
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.at = self.clock.now();
        match asked {
            Ok(campaigns) => known.campaigns = campaigns,
            Err(error) => tracing::warn!(%error, "the upstream doesn't list its shops"),
        }
    }
}

/// Tells what the upstream's answers said of its limits: the client's governor has read them.
pub(crate) struct ClientMeter(pub(crate) Client);

impl Meter for ClientMeter {
    fn left(&self, business: BusinessId, endpoint: &Endpoint) -> Option<RateLimit> {
        let state = self.0.rate_limiter()?.state(business)?;
        let of = state.budgets.iter().find(|budget| budget.operation == endpoint.name)?;
        of.limit
    }
}

/// What a failure upstream is to a caller of the gateway.
pub(crate) fn for_caller(error: Error) -> Error {
    match error {
        // It isn't the caller's credential that is bad.
        Error::Api(refused) if refused.kind == ErrorKind::Unauthorized => {
            tracing::error!(error = %Error::Api(refused), "the upstream refuses the gateway's credential");
            let text = "the upstream refuses the gateway's credential";
            Error::internal(Unavailable(text.into()))
        }
        Error::Internal(source) => match source.downcast::<ClientError>() {
            Ok(failure) if is_limit(&failure) => over_limit(&failure),
            Ok(failure) if away(&failure) => Error::internal(Unavailable(failure)),
            Ok(failure) => Error::Internal(failure),
            Err(source) => Error::Internal(source),
        },
        refused => refused,
    }
}

fn is_limit(failure: &ClientError) -> bool {
    matches!(failure, ClientError::OverLimit { .. })
}

/// The 420 that the upstream would have said, had it been asked.
fn over_limit(failure: &ClientError) -> Error {
    let mut error = Error::new(ErrorKind::LimitExceeded, "Hit rate limit");
    if let (ClientError::OverLimit { operation, business, .. }, Error::Api(refused)) =
        (failure, &mut error)
    {
        let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.name == *operation);
        let path = endpoint.map_or("", |endpoint| endpoint.path);
        let of = business.map(|business| format!(" for businessId {business}")).unwrap_or_default();
        for fault in &mut refused.items {
            fault.message = Some(format!("Hit rate limit for resource {path}{of}"));
        }
    }
    error
}

/// Whether the upstream can't be reached or can't serve now.
fn away(failure: &ClientError) -> bool {
    match failure {
        ClientError::Connect(_) | ClientError::Timeout(_) | ClientError::Interrupted(_) => true,
        ClientError::Undocumented { status, .. } => (502..=504).contains(status),
        _ => false,
    }
}

/// What the answer's headers said of the limit, if it was refused.
pub(crate) fn told(error: &Error) -> Option<RateLimit> {
    error.answer().and_then(|answer| answer.limit)
}

//! Authentication and authorization: 401, 403 and 420, in this order, with a cache of credentials.

pub(crate) mod credential;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use beseda_api::{
    Access, AuthResult, BusinessId, Credential, Directory, Error, ErrorKind, Principal, Result,
    Scope,
};
use http::{HeaderMap, header};
use jiff::Timestamp;
use quick_cache::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    CredentialHash, Server, ServerSettings, query,
    rate_limit::{ConcurrencySlot, LimitOwner, LimitedCall},
    router::Operation,
};

type Hash = [u8; 32];

/// Cache of credentials, and the keys of marketplace and administration, all hashed.
pub(crate) struct Authenticator {
    known: Cache<CredentialHash, CachedCredential>,
    remember_ms: i64,
    /// Incremented by every administrative change, which invalidates the cache.
    epoch: AtomicU64,
    market_key: Option<Hash>,
    admin_key: Option<Hash>,
}

/// Cached valid credential.
#[derive(Clone)]
struct CachedCredential {
    access: Arc<Access>,
    since_ms: i64,
    epoch: u64,
}

/// Authorized caller. Dropping it releases its concurrency slot.
pub(crate) struct AuthenticatedCaller {
    pub(crate) access: Arc<Access>,
    pub(crate) business: Option<BusinessId>,
    _slot: Option<ConcurrencySlot>,
}

impl Authenticator {
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        let hashed = |key: &Option<SecretString>| {
            key.as_ref().map(|key| Sha256::digest(key.expose_secret().as_bytes()).into())
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most ten minutes in milliseconds")]
        let remember_ms = (settings.credential_cache_seconds * 1000.0) as i64;
        Self {
            known: Cache::new(10_000),
            remember_ms,
            epoch: AtomicU64::new(0),
            market_key: hashed(&settings.market_key),
            admin_key: hashed(&settings.admin_key),
        }
    }

    /// Invalidates the cache: keys, users or cabinets changed.
    pub(crate) fn invalidate(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.known.clear();
    }

    /// Returns true if the marketplace API is enabled.
    pub(crate) fn has_market_key(&self) -> bool {
        self.market_key.is_some()
    }

    /// Returns true if administration is enabled.
    pub(crate) fn has_admin_key(&self) -> bool {
        self.admin_key.is_some()
    }

    /// Authorizes the marketplace; 401 for any other key.
    pub(crate) fn authorize_market(&self, headers: &HeaderMap) -> Result<()> {
        admit_by_key(headers, self.market_key.as_ref())
    }

    /// Authorizes an administrator; 401 for any other key.
    pub(crate) fn authorize_admin(&self, headers: &HeaderMap) -> Result<()> {
        admit_by_key(headers, self.admin_key.as_ref())
    }

    /// Returns the access rights of a credential; 401 and 403 if it is invalid.
    pub(crate) async fn authenticate(
        &self,
        directory: &dyn Directory,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Arc<Access>> {
        let (hash, epoch) = (CredentialHash::new(credential), self.epoch.load(Ordering::Acquire));
        let now_ms = now.as_millisecond();
        if let Some(known) = self.known.get(&hash) {
            let age = now_ms - known.since_ms;
            if known.epoch == epoch && (0..self.remember_ms).contains(&age) {
                return Ok(known.access);
            }
        }
        let access = match directory.authenticate(credential).await? {
            AuthResult::Granted(access) => Arc::new(access),
            verdict => {
                self.known.remove(&hash);
                return Err(not_granted(credential, &verdict));
            }
        };
        let known = CachedCredential { access: Arc::clone(&access), since_ms: now_ms, epoch };
        self.known.insert(hash, known);
        Ok(access)
    }
}

fn not_granted(credential: &Credential, verdict: &AuthResult) -> Error {
    match (credential, verdict) {
        (Credential::ApiKey(_), AuthResult::Revoked) => unauthorized("Api-Key token is revoked"),
        (Credential::ApiKey(_), _) => unauthorized("Api-Key token is invalid"),
        (Credential::OAuth(_), _) => forbidden("OAuth token is invalid"),
    }
}

fn admit_by_key(headers: &HeaderMap, wanted: Option<&Hash>) -> Result<()> {
    let given = headers.get(header::AUTHORIZATION).ok_or_else(credential::not_specified)?;
    let key = credential::bearer(given)?;
    let given: Hash = Sha256::digest(key.as_bytes()).into();
    let equal = wanted.is_some_and(|wanted| bool::from(wanted.as_slice().ct_eq(given.as_slice())));
    if equal { Ok(()) } else { Err(unauthorized("The key is invalid")) }
}

/// Authorizes a call of the published API, with checks in the documented order.
pub(crate) async fn authorize(
    server: &Server,
    headers: &HeaderMap,
    business: Option<&str>,
    call: LimitedCall<'_>,
) -> Result<AuthenticatedCaller> {
    let credential = credential::read(headers, server.settings.api_key_format)?;
    let directory = server.services.directory.as_ref();
    let access = server.auth.authenticate(directory, &credential, call.now).await?;
    check_scopes(&access.principal, call.operation)?;
    let business = business.map(|segment| check_business(&access, segment)).transpose()?;
    let entity = LimitOwner::of(&access, business);
    let login = || LimitOwner::login(&access, CredentialHash::new(&credential).as_bytes());
    let slot = server.limits.acquire(entity, login, call)?;
    Ok(AuthenticatedCaller { access, business, _slot: slot })
}

/// Returns the cabinet of the path: 400 if it is not an id, 403 if the caller lacks access.
fn check_business(access: &Access, segment: &str) -> Result<BusinessId> {
    let segment = percent_encoding::percent_decode_str(segment).decode_utf8_lossy();
    let business: BusinessId = query::id("businessId", query::parse(&segment)?)?;
    if access.allows(business) { Ok(business) } else { Err(access_denied()) }
}

fn check_scopes(holder: &Principal, operation: Operation) -> Result<()> {
    const TEXT: &str = "Token does not have any of the scopes to access the API method: ";
    let wanted = operation.endpoint().scopes;
    let Principal::ApiKey { scopes, .. } = holder else { return Ok(()) };
    if wanted.is_empty() || wanted.iter().any(|scope| scopes.contains(scope)) {
        return Ok(());
    }
    let list = if wanted.contains(&Scope::AllMethodsReadOnly) {
        "communication, all-methods, all-methods:read-only"
    } else {
        "communication, all-methods"
    };
    Err(forbidden(&format!("{TEXT}{list}")))
}

/// Creates the 403 for a valid credential without access.
pub(crate) fn access_denied() -> Error {
    forbidden("Access denied")
}

fn forbidden(text: &str) -> Error {
    Error::new(ErrorKind::Forbidden, text)
}

fn unauthorized(text: &str) -> Error {
    Error::new(ErrorKind::Unauthorized, text)
}

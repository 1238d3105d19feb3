//! API keys of the gateway, stored by an engine. The names of active keys are unique in a cabinet,
//! because quotas and the audit log identify programs by them. Cabinets and campaigns come from the
//! upstream.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use beseda_api::{
    Access, Administration, ApiKeyInfo, AuthResult, BusinessId, Cabinet, Campaign, Clock,
    Credential, Directory, Error, IssuedKey, IssuedToken, NewCabinet, NewCampaign, NewKey, NewUser,
    Result, TokenInfo, User,
};
use beseda_engine::Engine;

use crate::{
    db::{GatewayDb, ProgramQuota},
    scheduler::share::Quota,
    settings::GatewayOpenError,
    upstream::{CabinetDirectory, UpstreamCredential},
};

/// API keys of a gateway and their quotas. Several processes may have them open, a running gateway
/// included.
#[derive(Clone)]
pub struct KeyStore {
    pub(crate) engine: Arc<Engine>,
    pub(crate) db: GatewayDb,
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyStore").finish_non_exhaustive()
    }
}

impl KeyStore {
    /// Opens the keys of the gateway on an archive folder.
    ///
    /// # Errors
    /// If no gateway has run on this archive yet, or its files can't be opened.
    pub async fn open(archive: &Path, clock: Arc<dyn Clock>) -> Result<Self, GatewayOpenError> {
        let folder = archive.join("gateway");
        if !folder.join("gateway.sqlite").exists() {
            return Err(GatewayOpenError::NoGateway(archive.to_owned()));
        }
        let db = GatewayDb::open(&folder.join("gateway.sqlite"))?;
        let engine = Arc::new(Engine::share_sqlite(&folder, clock).await?);
        Ok(Self { engine, db })
    }

    /// Returns the gateway's database.
    #[must_use]
    pub fn db(&self) -> &GatewayDb {
        &self.db
    }

    /// Issues a key with a quota.
    ///
    /// # Errors
    /// 400 if an active key has this name, or if the shares of the cabinet would exceed 100
    /// percent.
    pub async fn create(
        &self,
        business: BusinessId,
        key: NewKey,
        quota: Quota,
    ) -> Result<IssuedKey> {
        self.check_name(business, &key.name).await?;
        let quotas = self.active_quotas(business).await?;
        let assigned: u32 = quotas
            .iter()
            .filter(|quota| quota.program != key.name)
            .filter_map(|quota| quota.quota.share)
            .sum();
        let share = quota.share.unwrap_or(0);
        if assigned + share > 100 {
            let left = 100_u32.saturating_sub(assigned);
            return Err(Error::bad_request(format!(
                "share: {assigned} percent are assigned to other keys: at most {left} are left (rejected value: {share})"
            )));
        }
        let program = key.name.clone();
        self.db.set_quota(ProgramQuota { business, program, quota }).await?;
        self.engine.create_key(business, key).await
    }

    /// Returns the quotas of the active keys of a cabinet.
    ///
    /// # Errors
    /// If the databases can't be read.
    pub async fn active_quotas(&self, business: BusinessId) -> Result<Vec<ProgramQuota>> {
        let keys = self.engine.list_keys(business).await?;
        let mut quotas = self.db.quotas().await?;
        quotas.retain(|quota| {
            let is_active =
                |key: &ApiKeyInfo| key.name == quota.program && key.revoked_at.is_none();
            quota.business == business && keys.iter().any(is_active)
        });
        Ok(quotas)
    }

    async fn check_name(&self, business: BusinessId, name: &str) -> Result<()> {
        let keys = self.engine.list_keys(business).await?;
        if keys.iter().any(|key| key.name == name && key.revoked_at.is_none()) {
            return Err(Error::bad_request(format!(
                "name: an active key is already called '{name}'"
            )));
        }
        Ok(())
    }
}

fn managed_upstream() -> Error {
    Error::bad_request("Cabinets and campaigns are managed upstream: a gateway can't create them")
}

#[async_trait]
impl Administration for KeyStore {
    async fn create_cabinet(&self, _: NewCabinet) -> Result<Cabinet> {
        Err(managed_upstream())
    }

    async fn list_cabinets(&self) -> Result<Vec<Cabinet>> {
        self.engine.list_cabinets().await
    }

    async fn create_campaign(&self, _: BusinessId, _: NewCampaign) -> Result<Campaign> {
        Err(managed_upstream())
    }

    async fn list_campaigns(&self, business: BusinessId) -> Result<Vec<Campaign>> {
        self.engine.list_campaigns(business).await
    }

    async fn create_key(&self, business: BusinessId, key: NewKey) -> Result<IssuedKey> {
        // A new key keeps the quota of an earlier key with its name.
        let quotas = self.db.quotas().await?;
        let earlier = quotas.into_iter().find(|q| q.business == business && q.program == key.name);
        self.create(business, key, earlier.map_or_else(Quota::default, |found| found.quota)).await
    }

    async fn list_keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>> {
        self.engine.list_keys(business).await
    }

    async fn revoke_key(&self, business: BusinessId, key: i64) -> Result<()> {
        self.engine.revoke_key(business, key).await
    }

    async fn create_user(&self, user: NewUser) -> Result<User> {
        self.engine.create_user(user).await
    }

    async fn list_users(&self) -> Result<Vec<User>> {
        self.engine.list_users().await
    }

    async fn grant_access(&self, user: i64, business: BusinessId) -> Result<()> {
        self.engine.grant_access(user, business).await
    }

    async fn withdraw_access(&self, user: i64, business: BusinessId) -> Result<()> {
        self.engine.withdraw_access(user, business).await
    }

    async fn create_token(&self, user: i64) -> Result<IssuedToken> {
        self.engine.create_token(user).await
    }

    async fn list_tokens(&self, user: i64) -> Result<Vec<TokenInfo>> {
        self.engine.list_tokens(user).await
    }

    async fn revoke_token(&self, user: i64, token: i64) -> Result<()> {
        self.engine.revoke_token(user, token).await
    }
}

/// Authentication: the engine's keys and users, and the upstream's own credential.
pub(crate) struct GatewayDirectory {
    engine: Arc<Engine>,
    credential: Option<UpstreamCredential>,
    cabinets: Arc<CabinetDirectory>,
}

impl GatewayDirectory {
    /// Creates a directory.
    pub(crate) fn new(
        engine: Arc<Engine>,
        credential: Option<UpstreamCredential>,
        cabinets: Arc<CabinetDirectory>,
    ) -> Self {
        Self { engine, credential, cabinets }
    }
}

#[async_trait]
impl Directory for GatewayDirectory {
    async fn authenticate(&self, credential: &Credential) -> Result<AuthResult> {
        let businesses: Vec<BusinessId> = self.cabinets.cabinets().into_keys().collect();
        if let Some(own) = self.credential.as_ref().filter(|own| own.matches(credential)) {
            let principal = own.principal.clone();
            return Ok(AuthResult::Granted(Access { principal, businesses }));
        }
        Ok(match self.engine.authenticate(credential).await? {
            AuthResult::Granted(mut access) => {
                access.businesses.retain(|business| businesses.contains(business));
                AuthResult::Granted(access)
            }
            denied => denied,
        })
    }

    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>> {
        Ok(self.cabinets.campaigns(businesses).await)
    }

    async fn ready(&self) -> Result<()> {
        self.engine.ready().await
    }
}

//! Keys of the gateway: an engine keeps them; here the upstream's own credential opens too, and names are unique, because
//! shares and the audit go by them. The cabinets are the upstream's and can't be made here.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use beseda_api::{
    Access, Administration, ApiKeyInfo, AuthResult, BusinessId, Cabinet, Campaign, Clock,
    Credential, Directory, Error, IssuedKey, IssuedToken, NewCabinet, NewCampaign, NewKey, NewUser,
    Principal, Result, TokenInfo, User,
};
use beseda_engine::Engine;

use crate::{
    Agreement, Ledger, OpenError, Terms,
    upstream::{OwnCredential, Shops},
};

/// Administration of a gateway's keys, in its folder. Beside a running gateway it works too.
#[derive(Clone)]
pub struct Keys {
    pub(crate) engine: Arc<Engine>,
    pub(crate) ledger: Ledger,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    /// Opens the keys of the gateway of an archive, whether it runs or not.
    ///
    /// # Errors
    /// If there has been no gateway on this archive yet, or its files can't be used.
    pub async fn share(archive: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let folder = archive.join("gateway");
        if !folder.join("gateway.sqlite").exists() {
            return Err(OpenError::NoGateway(archive.to_owned()));
        }
        let ledger = Ledger::open(&folder.join("gateway.sqlite"))?;
        let engine = Arc::new(Engine::share_sqlite(&folder, clock).await?);
        Ok(Self { engine, ledger })
    }

    /// The gateway's own file.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Issues a key with a share of the budget.
    ///
    /// # Errors
    /// 400 if a key in force has this name, or if more than 100 percent would be promised.
    pub async fn create(
        &self,
        business: BusinessId,
        key: NewKey,
        terms: Terms,
    ) -> Result<IssuedKey> {
        self.check_name(business, &key.name).await?;
        let agreements = self.in_force(business).await?;
        let promised: u32 = agreements
            .iter()
            .filter(|agreement| agreement.program != key.name)
            .filter_map(|agreement| agreement.terms.share)
            .sum();
        let wanted = terms.share.unwrap_or(0);
        if promised + wanted > 100 {
            let left = 100_u32.saturating_sub(promised);
            return Err(Error::bad_request(format!(
                "share: {promised} percent are promised to other keys: at most {left} are left (rejected value: {wanted})"
            )));
        }
        let program = key.name.clone();
        self.ledger.agree(Agreement { business, program, terms }).await?;
        self.engine.create_key(business, key).await
    }

    /// What was agreed with the programs of a cabinet whose keys are in force.
    ///
    /// # Errors
    /// If the files can't be read.
    pub async fn in_force(&self, business: BusinessId) -> Result<Vec<Agreement>> {
        let keys = self.engine.list_keys(business).await?;
        let mut agreements = self.ledger.agreements().await?;
        agreements.retain(|agreement| {
            let its = |key: &ApiKeyInfo| key.name == agreement.program && key.revoked_at.is_none();
            agreement.business == business && keys.iter().any(its)
        });
        Ok(agreements)
    }

    async fn check_name(&self, business: BusinessId, name: &str) -> Result<()> {
        let keys = self.engine.list_keys(business).await?;
        if keys.iter().any(|key| key.name == name && key.revoked_at.is_none()) {
            return Err(Error::bad_request(format!(
                "name: a key in force is called '{name}' already"
            )));
        }
        Ok(())
    }
}

fn upstreams() -> Error {
    Error::bad_request("Cabinets and campaigns are those of the upstream: a gateway makes none")
}

#[async_trait]
impl Administration for Keys {
    async fn create_cabinet(&self, _: NewCabinet) -> Result<Cabinet> {
        Err(upstreams())
    }

    async fn list_cabinets(&self) -> Result<Vec<Cabinet>> {
        self.engine.list_cabinets().await
    }

    async fn create_campaign(&self, _: BusinessId, _: NewCampaign) -> Result<Campaign> {
        Err(upstreams())
    }

    async fn list_campaigns(&self, business: BusinessId) -> Result<Vec<Campaign>> {
        self.engine.list_campaigns(business).await
    }

    async fn create_key(&self, business: BusinessId, key: NewKey) -> Result<IssuedKey> {
        // A new key of an old name goes on with what was agreed under it.
        let agreements = self.ledger.agreements().await?;
        let before =
            agreements.into_iter().find(|a| a.business == business && a.program == key.name);
        self.create(business, key, before.map_or_else(Terms::default, |before| before.terms)).await
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

/// Who may pass: the engine's keys and users, and whoever has the upstream's own credential.
pub(crate) struct Door {
    pub(crate) engine: Arc<Engine>,
    pub(crate) own: Option<OwnCredential>,
    pub(crate) shops: Arc<Shops>,
}

#[async_trait]
impl Directory for Door {
    async fn authenticate(&self, credential: &Credential) -> Result<AuthResult> {
        let served: Vec<BusinessId> = self.shops.cabinets().into_keys().collect();
        if let Some(own) = self.own.as_ref().filter(|own| own.is(credential)) {
            let holder: Principal = own.holder.clone();
            return Ok(AuthResult::Granted(Access { principal: holder, businesses: served }));
        }
        Ok(match self.engine.authenticate(credential).await? {
            AuthResult::Granted(mut access) => {
                access.businesses.retain(|business| served.contains(business));
                AuthResult::Granted(access)
            }
            verdict => verdict,
        })
    }

    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>> {
        Ok(self.shops.campaigns(businesses).await)
    }

    async fn ready(&self) -> Result<()> {
        self.engine.ready().await
    }
}

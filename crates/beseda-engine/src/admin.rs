//! `Administration` and `Directory` over a store, which gets secrets only as hashes.

use async_trait::async_trait;
use beseda_api::{
    Administration, ApiKeyInfo, AuthResult, BusinessId, Cabinet, Campaign, Credential, Directory,
    Error, ErrorKind, IssuedKey, IssuedToken, NewCabinet, NewCampaign, NewKey, NewUser,
    PlacementType, Result, Scope, TokenInfo, User,
};

use crate::{Engine, secret, store::KeyRecord};

/// Maximum number of active keys of a cabinet ([documented](https://yandex.ru/dev/market/partner-api/doc/ru/concepts/api-key)).
const MAX_KEYS: u32 = 30;
/// Maximum length of a name in characters.
const MAX_NAME_LENGTH: usize = 100;

#[async_trait]
impl Administration for Engine {
    async fn create_cabinet(&self, cabinet: NewCabinet) -> Result<Cabinet> {
        check_name(&cabinet.name)?;
        let id = cabinet.business_id;
        let created = self.store.put_cabinet(cabinet).await?;
        created.ok_or_else(|| id_taken("businessId", id.map_or(0, BusinessId::get)))
    }

    async fn list_cabinets(&self) -> Result<Vec<Cabinet>> {
        self.store.cabinets().await
    }

    async fn create_campaign(&self, business: BusinessId, new: NewCampaign) -> Result<Campaign> {
        check_name(&new.name)?;
        if !new.placement_type.is_known() {
            let known: Vec<&str> = PlacementType::ALL.iter().map(PlacementType::as_str).collect();
            return Err(Error::unknown_value("placementType", new.placement_type.as_str(), &known));
        }
        self.cabinet_exists(business).await?;
        let id = new.campaign_id;
        let created = self.store.put_campaign(business, new).await?;
        created.ok_or_else(|| id_taken("campaignId", id.map_or(0, beseda_api::CampaignId::get)))
    }

    async fn list_campaigns(&self, business: BusinessId) -> Result<Vec<Campaign>> {
        self.cabinet_exists(business).await?;
        self.store.campaigns(&[business]).await
    }

    async fn create_key(&self, business: BusinessId, key: NewKey) -> Result<IssuedKey> {
        let api_key = secret::new_api_key(&mut rand::rng());
        let id = self.import_key(business, key, &api_key).await?;
        Ok(IssuedKey { id, api_key })
    }

    async fn list_keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>> {
        self.cabinet_exists(business).await?;
        self.store.keys(business).await
    }

    async fn revoke_key(&self, business: BusinessId, key: i64) -> Result<()> {
        let found = self.store.revoke_key(business, key, self.now()).await?;
        found.then_some(()).ok_or_else(|| not_found("Api-Key", key))
    }

    async fn create_user(&self, user: NewUser) -> Result<User> {
        check_name(&user.name)?;
        for business in &user.business_ids {
            self.cabinet_exists(*business).await?;
        }
        self.store.put_user(&user.name, &user.business_ids).await
    }

    async fn list_users(&self) -> Result<Vec<User>> {
        self.store.users().await
    }

    async fn grant_access(&self, user: i64, business: BusinessId) -> Result<()> {
        self.cabinet_exists(business).await?;
        let found = self.store.set_access(user, business, true).await?;
        found.then_some(()).ok_or_else(|| not_found("User", user))
    }

    async fn withdraw_access(&self, user: i64, business: BusinessId) -> Result<()> {
        let found = self.store.set_access(user, business, false).await?;
        found.then_some(()).ok_or_else(|| not_found("User", user))
    }

    async fn create_token(&self, user: i64) -> Result<IssuedToken> {
        let oauth_token = secret::new_oauth_token(&mut rand::rng());
        let id = self.import_token(user, &oauth_token).await?;
        Ok(IssuedToken { id, oauth_token })
    }

    async fn list_tokens(&self, user: i64) -> Result<Vec<TokenInfo>> {
        self.user_exists(user).await?;
        self.store.tokens(user).await
    }

    async fn revoke_token(&self, user: i64, token: i64) -> Result<()> {
        let found = self.store.revoke_token(user, token, self.now()).await?;
        found.then_some(()).ok_or_else(|| not_found("OAuth token", token))
    }
}

impl Engine {
    /// Stores an Api-Key with a given secret; returns its id.
    ///
    /// # Errors
    /// As those of [`Administration::create_key`].
    pub async fn import_key(
        &self,
        business: BusinessId,
        key: NewKey,
        api_key: &str,
    ) -> Result<i64> {
        check_name(&key.name)?;
        let parse = |scope: &String| Scope::parse(scope).map_err(|error| error.to_string());
        let scopes = key.scopes.iter().map(parse).collect::<Result<Vec<_>, _>>();
        let mut scopes = scopes.map_err(|text| Error::bad_request(format!("scopes: {text}")))?;
        scopes.sort();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(Error::bad_request("scopes must not be empty (rejected value: [])"));
        }
        self.cabinet_exists(business).await?;
        let (hash, at) = (secret::hash(api_key), self.now());
        let record = KeyRecord { business, name: key.name, scopes, hash, at };
        let id = self.store.put_key(record, MAX_KEYS).await?;
        id.ok_or_else(|| {
            let text = format!("Business {business} has {MAX_KEYS} Api-Keys already: revoke one");
            Error::bad_request(text)
        })
    }

    /// Stores an OAuth token with a given secret; returns its id.
    ///
    /// # Errors
    /// As those of [`Administration::create_token`].
    pub async fn import_token(&self, user: i64, oauth_token: &str) -> Result<i64> {
        let hash = secret::hash(oauth_token);
        let id = self.store.put_token(user, hash, self.now()).await?;
        id.ok_or_else(|| not_found("User", user))
    }

    /// Rejects an unknown user with 404.
    async fn user_exists(&self, user: i64) -> Result<()> {
        let found = self.store.user(user).await?;
        found.map(drop).ok_or_else(|| not_found("User", user))
    }
}

#[async_trait]
impl Directory for Engine {
    async fn authenticate(&self, credential: &Credential) -> Result<AuthResult> {
        match credential {
            Credential::ApiKey(key) => self.store.key_access(&secret::hash(key)).await,
            Credential::OAuth(token) => self.store.token_access(&secret::hash(token)).await,
        }
    }

    async fn campaigns(&self, businesses: &[BusinessId]) -> Result<Vec<Campaign>> {
        self.store.campaigns(businesses).await
    }

    async fn ready(&self) -> Result<()> {
        self.store.ready().await
    }
}

fn check_name(name: &str) -> Result<()> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > MAX_NAME_LENGTH {
        return Err(Error::bad_request(format!(
            "name size must be between 1 and {MAX_NAME_LENGTH} (rejected size: {length})"
        )));
    }
    Ok(())
}

fn id_taken(field: &str, id: i64) -> Error {
    Error::bad_request(format!("{field} {id} is taken"))
}

fn not_found(entity: &str, id: i64) -> Error {
    Error::new(ErrorKind::NotFound, format!("{entity} not found: {id}"))
}

//! Administration of a Beseda server: cabinets, campaigns, Api-Keys, users and OAuth tokens. The
//! published service offers this in its web pages only, so these types are our own.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{BusinessId, Campaign, CampaignId, PlacementType, Result, Scope, Time};

/// Cabinet (business).
///
/// ```
/// use beseda_api::Cabinet;
///
/// let cabinet: Cabinet = serde_json::from_str(r#"{"businessId":1,"name":"Чайная лавка"}"#)?;
/// assert_eq!((cabinet.business_id.get(), cabinet.name.as_str()), (1, "Чайная лавка"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cabinet {
    /// Cabinet id.
    pub business_id: BusinessId,
    /// Name.
    pub name: String,
}

/// Cabinet to create.
///
/// ```
/// use beseda_api::NewCabinet;
///
/// let cabinet = NewCabinet { name: "Чайная лавка".to_owned(), ..NewCabinet::default() };
/// assert_eq!(serde_json::to_string(&cabinet)?, r#"{"name":"Чайная лавка"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCabinet {
    /// Id of the cabinet; `None` takes the next free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// Name, 1 to 100 characters.
    pub name: String,
}

/// Campaign (shop) to create.
///
/// ```
/// use beseda_api::{NewCampaign, PlacementType};
///
/// let shop = NewCampaign {
///     campaign_id: None,
///     name: "Чай почтой".to_owned(),
///     placement_type: PlacementType::Dbs,
/// };
/// assert_eq!(serde_json::to_string(&shop)?, r#"{"name":"Чай почтой","placementType":"DBS"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCampaign {
    /// Id of the campaign; `None` takes the next free one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Fulfilment model.
    pub placement_type: PlacementType,
}

/// Api-Key to create.
///
/// ```
/// use beseda_api::{NewKey, Scope};
///
/// let key = NewKey { name: "bot".to_owned(), scopes: vec![Scope::Communication.slug()] };
/// assert_eq!(serde_json::to_string(&key)?, r#"{"name":"bot","scopes":["communication"]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Scopes in either spelling, at least one.
    pub scopes: Vec<String>,
}

/// Api-Key without its secret.
///
/// ```
/// use beseda_api::{ApiKeyInfo, Scope};
///
/// let key: ApiKeyInfo = serde_json::from_str(
///     r#"{"id":3,"businessId":1,"name":"bot","scopes":["COMMUNICATION"],"createdAt":"2026-05-31T07:30:17Z"}"#,
/// )?;
/// assert_eq!(key.scopes, [Scope::Communication]);
/// assert!(key.revoked_at.is_none(), "valid");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyInfo {
    /// Number of the key, used to revoke it.
    pub id: i64,
    /// Cabinet of the key.
    pub business_id: BusinessId,
    /// Name.
    pub name: String,
    /// Scopes.
    pub scopes: Vec<Scope>,
    /// Creation time.
    pub created_at: Time,
    /// Revocation time, or `None` if the key is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
}

/// Newly created Api-Key with its secret, which is not shown again.
///
/// ```
/// use beseda_api::IssuedKey;
///
/// let key: IssuedKey = serde_json::from_str(r#"{"id":3,"apiKey":"ACMA:secret"}"#)?;
/// assert_eq!(key.api_key, "ACMA:secret");
/// assert!(!format!("{key:?}").contains("secret"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct IssuedKey {
    /// Number of the key, used to revoke it.
    pub id: i64,
    /// Secret: `ACMA:` + 40 letters and digits + `:` + 8 hexadecimal digits.
    pub api_key: String,
}

/// User who can hold OAuth tokens.
///
/// ```
/// use beseda_api::User;
///
/// let user: User = serde_json::from_str(r#"{"id":7,"name":"Анна","businessIds":[1,2]}"#)?;
/// assert_eq!(user.business_ids.len(), 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// User id.
    pub id: i64,
    /// Name of the user.
    pub name: String,
    /// Cabinets the user's tokens have access to.
    pub business_ids: Vec<BusinessId>,
}

/// User to create.
///
/// ```
/// use beseda_api::{BusinessId, NewUser};
///
/// let user = NewUser { name: "Анна".to_owned(), business_ids: vec![BusinessId::new(1)?] };
/// assert_eq!(serde_json::to_string(&user)?, r#"{"name":"Анна","businessIds":[1]}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// Name of the user, 1 to 100 characters.
    pub name: String,
    /// Cabinets the user's tokens will have access to.
    #[serde(default)]
    pub business_ids: Vec<BusinessId>,
}

/// OAuth token without its secret.
///
/// ```
/// use beseda_api::TokenInfo;
///
/// let token: TokenInfo = serde_json::from_str(
///     r#"{"id":4,"userId":7,"createdAt":"2026-05-31T07:30:17Z","revokedAt":"2026-06-01T00:00:00Z"}"#,
/// )?;
/// assert!(token.revoked_at > Some(token.created_at));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// Number of the token, used to revoke it.
    pub id: i64,
    /// Id of the user who holds the token.
    pub user_id: i64,
    /// Creation time.
    pub created_at: Time,
    /// Revocation time, or `None` if the token is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
}

/// Newly created OAuth token with its secret, which is not shown again.
///
/// ```
/// use beseda_api::IssuedToken;
///
/// let token: IssuedToken = serde_json::from_str(r#"{"id":4,"oauthToken":"y0_secret"}"#)?;
/// assert_eq!(token.oauth_token, "y0_secret");
/// assert!(!format!("{token:?}").contains("secret"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct IssuedToken {
    /// Number of the token, used to revoke it.
    pub id: i64,
    /// Secret, `y0_…`.
    pub oauth_token: String,
}

impl fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Operations of an administrator.
///
/// Errors of the API are 400 (an invalid name, an id that is taken, a cabinet that is full) and
/// 404.
///
/// ```
/// use beseda_api::{Administration, BusinessId, NewCabinet, NewKey, Result, Scope};
///
/// /// Creates a cabinet and returns its id and a key for its chats.
/// async fn new_cabinet(admin: &dyn Administration, name: &str) -> Result<(BusinessId, String)> {
///     let cabinet = NewCabinet { business_id: None, name: name.to_owned() };
///     let business = admin.create_cabinet(cabinet).await?.business_id;
///     let key = NewKey { name: "bot".to_owned(), scopes: vec![Scope::Communication.slug()] };
///     Ok((business, admin.create_key(business, key).await?.api_key))
/// }
/// ```
#[async_trait]
pub trait Administration: Send + Sync {
    /// Creates a cabinet; 400 if the id is taken.
    async fn create_cabinet(&self, cabinet: NewCabinet) -> Result<Cabinet>;
    /// Returns every cabinet, ordered by id.
    async fn list_cabinets(&self) -> Result<Vec<Cabinet>>;
    /// Creates a campaign in a cabinet; 400 if the id is taken.
    async fn create_campaign(
        &self,
        business: BusinessId,
        campaign: NewCampaign,
    ) -> Result<Campaign>;
    /// Returns the campaigns of a cabinet, ordered by id.
    async fn list_campaigns(&self, business: BusinessId) -> Result<Vec<Campaign>>;
    /// Creates an Api-Key; 400 if the cabinet already has 30.
    async fn create_key(&self, business: BusinessId, key: NewKey) -> Result<IssuedKey>;
    /// Returns the keys of a cabinet, including revoked ones.
    async fn list_keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>>;
    /// Revokes a key. Revoking it again has no effect.
    async fn revoke_key(&self, business: BusinessId, key: i64) -> Result<()>;
    /// Creates a user.
    async fn create_user(&self, user: NewUser) -> Result<User>;
    /// Returns every user, ordered by id.
    async fn list_users(&self) -> Result<Vec<User>>;
    /// Gives a user access to a cabinet.
    async fn grant_access(&self, user: i64, business: BusinessId) -> Result<()>;
    /// Withdraws a user's access to a cabinet.
    async fn withdraw_access(&self, user: i64, business: BusinessId) -> Result<()>;
    /// Creates an OAuth token.
    async fn create_token(&self, user: i64) -> Result<IssuedToken>;
    /// Returns the tokens of a user, including revoked ones.
    async fn list_tokens(&self, user: i64) -> Result<Vec<TokenInfo>>;
    /// Revokes a token. Revoking it again has no effect.
    async fn revoke_token(&self, user: i64, token: i64) -> Result<()>;
}

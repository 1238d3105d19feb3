//! Administration: cabinets, campaigns, keys, users. The published service has this in its web pages only, so the shapes are ours.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{BusinessId, Campaign, CampaignId, PlacementType, Result, Scope, Time};

/// A cabinet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cabinet {
    /// Its id.
    pub business_id: BusinessId,
    /// Its name.
    pub name: String,
}

/// A cabinet to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCabinet {
    /// The id it shall have; the next free one if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_id: Option<BusinessId>,
    /// Its name, 1 to 100 characters.
    pub name: String,
}

/// A campaign (shop) to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCampaign {
    /// The id it shall have; the next free one if `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign_id: Option<CampaignId>,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// The model it works by.
    pub placement_type: PlacementType,
}

/// An Api-Key to be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKey {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// What it may do, at least one scope; either spelling.
    pub scopes: Vec<String>,
}

/// What is known of an Api-Key besides its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyInfo {
    /// Its number, to revoke it by.
    pub id: i64,
    /// The cabinet it opens.
    pub business_id: BusinessId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was issued.
    pub created_at: Time,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
}

/// A key just issued: the only moment its secret is seen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct IssuedKey {
    /// Its number, to revoke it by.
    pub id: i64,
    /// The secret: `ACMA:` + 40 letters and digits + `:` + 8 hexadecimal digits.
    pub api_key: String,
}

/// A user who may hold OAuth tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The user's id.
    pub id: i64,
    /// The user's name.
    pub name: String,
    /// The cabinets the user's tokens open.
    pub business_ids: Vec<BusinessId>,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// The user's name, 1 to 100 characters.
    pub name: String,
    /// The cabinets the user's tokens shall open.
    #[serde(default)]
    pub business_ids: Vec<BusinessId>,
}

/// What is known of an OAuth token besides its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenInfo {
    /// Its number, to revoke it by.
    pub id: i64,
    /// Whose it is.
    pub user_id: i64,
    /// When it was issued.
    pub created_at: Time,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
}

/// A token just issued: the only moment its secret is seen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct IssuedToken {
    /// Its number, to revoke it by.
    pub id: i64,
    /// The secret, `y0_…`.
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

/// What an administrator does. Refusals are 400 (a bad name, a taken id, a full cabinet) and 404.
#[async_trait]
pub trait Administration: Send + Sync {
    /// Makes a cabinet; 400 if the id is taken.
    async fn create_cabinet(&self, cabinet: NewCabinet) -> Result<Cabinet>;
    /// Every cabinet, by id.
    async fn list_cabinets(&self) -> Result<Vec<Cabinet>>;
    /// Makes a campaign in a cabinet; 400 if the id is taken.
    async fn create_campaign(
        &self,
        business: BusinessId,
        campaign: NewCampaign,
    ) -> Result<Campaign>;
    /// The campaigns of a cabinet, by id.
    async fn list_campaigns(&self, business: BusinessId) -> Result<Vec<Campaign>>;
    /// Issues an Api-Key; 400 if the cabinet has 30 already.
    async fn create_key(&self, business: BusinessId, key: NewKey) -> Result<IssuedKey>;
    /// The keys of a cabinet, revoked ones included.
    async fn list_keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>>;
    /// Revokes a key; a second time does nothing.
    async fn revoke_key(&self, business: BusinessId, key: i64) -> Result<()>;
    /// Makes a user.
    async fn create_user(&self, user: NewUser) -> Result<User>;
    /// Every user, by id.
    async fn list_users(&self) -> Result<Vec<User>>;
    /// Lets a user's tokens open a cabinet.
    async fn grant_access(&self, user: i64, business: BusinessId) -> Result<()>;
    /// Takes that back.
    async fn withdraw_access(&self, user: i64, business: BusinessId) -> Result<()>;
    /// Issues an OAuth token.
    async fn create_token(&self, user: i64) -> Result<IssuedToken>;
    /// The tokens of a user, revoked ones included.
    async fn list_tokens(&self, user: i64) -> Result<Vec<TokenInfo>>;
    /// Revokes a token; a second time does nothing.
    async fn revoke_token(&self, user: i64, token: i64) -> Result<()>;
}

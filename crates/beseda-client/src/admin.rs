//! Client of a Beseda server's administration: cabinets, campaigns, keys, users, webhook
//! subscriptions.

use async_trait::async_trait;
use beseda_api::{
    Administration, ApiKeyInfo, BusinessId, Cabinet, Campaign, DeliveriesRequest, DeliveryPage,
    IssuedKey, IssuedToken, NewCabinet, NewCampaign, NewKey, NewSubscription, NewUser, Result,
    Subscription, Subscriptions, TokenInfo, User,
};
use reqwest::Method;
use serde::Deserialize;

use crate::http::{HttpRequest, HttpTransport};

/// Client of `/admin/v1`. Lists are retried after failures, other calls are not.
#[derive(Clone)]
pub struct AdminClient {
    pub(crate) transport: HttpTransport,
}

impl std::fmt::Debug for AdminClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminClient").field("url", &self.transport.base.as_str()).finish()
    }
}

fn path(resource: &str) -> String {
    format!("/admin/v1/{resource}")
}

#[derive(Deserialize)]
struct Cabinets {
    cabinets: Vec<Cabinet>,
}

#[derive(Deserialize)]
struct Campaigns {
    campaigns: Vec<Campaign>,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<ApiKeyInfo>,
}

#[derive(Deserialize)]
struct Users {
    users: Vec<User>,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<TokenInfo>,
}

#[derive(Deserialize)]
struct Subscribed {
    subscriptions: Vec<Subscription>,
}

#[async_trait]
impl Administration for AdminClient {
    async fn create_cabinet(&self, cabinet: NewCabinet) -> Result<Cabinet> {
        self.transport.result(&HttpRequest::post(path("cabinets")).json(&cabinet)?).await
    }

    async fn list_cabinets(&self) -> Result<Vec<Cabinet>> {
        let list: Cabinets = self.transport.result(&HttpRequest::get(path("cabinets"))).await?;
        Ok(list.cabinets)
    }

    async fn create_campaign(
        &self,
        business: BusinessId,
        campaign: NewCampaign,
    ) -> Result<Campaign> {
        let call = HttpRequest::post(path(&format!("cabinets/{business}/campaigns")));
        self.transport.result(&call.json(&campaign)?).await
    }

    async fn list_campaigns(&self, business: BusinessId) -> Result<Vec<Campaign>> {
        let call = HttpRequest::get(path(&format!("cabinets/{business}/campaigns")));
        let list: Campaigns = self.transport.result(&call).await?;
        Ok(list.campaigns)
    }

    async fn create_key(&self, business: BusinessId, key: NewKey) -> Result<IssuedKey> {
        let call = HttpRequest::post(path(&format!("cabinets/{business}/keys")));
        self.transport.result(&call.json(&key)?).await
    }

    async fn list_keys(&self, business: BusinessId) -> Result<Vec<ApiKeyInfo>> {
        let call = HttpRequest::get(path(&format!("cabinets/{business}/keys")));
        let list: Keys = self.transport.result(&call).await?;
        Ok(list.keys)
    }

    async fn revoke_key(&self, business: BusinessId, key: i64) -> Result<()> {
        let path = path(&format!("cabinets/{business}/keys/{key}"));
        self.transport.execute(&HttpRequest::new(Method::DELETE, path)).await
    }

    async fn create_user(&self, user: NewUser) -> Result<User> {
        self.transport.result(&HttpRequest::post(path("users")).json(&user)?).await
    }

    async fn list_users(&self) -> Result<Vec<User>> {
        let list: Users = self.transport.result(&HttpRequest::get(path("users"))).await?;
        Ok(list.users)
    }

    async fn grant_access(&self, user: i64, business: BusinessId) -> Result<()> {
        let path = path(&format!("users/{user}/cabinets/{business}"));
        self.transport.execute(&HttpRequest::new(Method::PUT, path)).await
    }

    async fn withdraw_access(&self, user: i64, business: BusinessId) -> Result<()> {
        let path = path(&format!("users/{user}/cabinets/{business}"));
        self.transport.execute(&HttpRequest::new(Method::DELETE, path)).await
    }

    async fn create_token(&self, user: i64) -> Result<IssuedToken> {
        self.transport.result(&HttpRequest::post(path(&format!("users/{user}/tokens")))).await
    }

    async fn list_tokens(&self, user: i64) -> Result<Vec<TokenInfo>> {
        let call = HttpRequest::get(path(&format!("users/{user}/tokens")));
        let list: Tokens = self.transport.result(&call).await?;
        Ok(list.tokens)
    }

    async fn revoke_token(&self, user: i64, token: i64) -> Result<()> {
        let path = path(&format!("users/{user}/tokens/{token}"));
        self.transport.execute(&HttpRequest::new(Method::DELETE, path)).await
    }
}

/// Returns the path of a subscription or of a resource below it.
fn subscription(business: BusinessId, subscription: i64, what: &str) -> String {
    path(&format!("cabinets/{business}/subscriptions/{subscription}{what}"))
}

#[async_trait]
impl Subscriptions for AdminClient {
    async fn create_subscription(
        &self,
        business: BusinessId,
        new: NewSubscription,
    ) -> Result<Subscription> {
        let call = HttpRequest::post(path(&format!("cabinets/{business}/subscriptions")));
        self.transport.result(&call.json(&new)?).await
    }

    async fn list_subscriptions(&self, business: BusinessId) -> Result<Vec<Subscription>> {
        let call = HttpRequest::get(path(&format!("cabinets/{business}/subscriptions")));
        let list: Subscribed = self.transport.result(&call).await?;
        Ok(list.subscriptions)
    }

    async fn pause(&self, business: BusinessId, id: i64) -> Result<Subscription> {
        self.transport.result(&HttpRequest::post(subscription(business, id, "/pause"))).await
    }

    async fn resume(&self, business: BusinessId, id: i64) -> Result<Subscription> {
        self.transport.result(&HttpRequest::post(subscription(business, id, "/resume"))).await
    }

    async fn delete(&self, business: BusinessId, id: i64) -> Result<()> {
        let path = subscription(business, id, "");
        self.transport.execute(&HttpRequest::new(Method::DELETE, path)).await
    }

    async fn deliveries(
        &self,
        business: BusinessId,
        id: i64,
        page: DeliveriesRequest,
    ) -> Result<DeliveryPage> {
        let call = HttpRequest::get(subscription(business, id, "/deliveries"))
            .query("limit", page.limit.map(beseda_api::Limit::get))
            .query("pageToken", page.token.as_ref().map(beseda_api::PageToken::as_str));
        self.transport.result(&call).await
    }

    async fn replay(&self, business: BusinessId, id: i64, delivery: i64) -> Result<()> {
        let path = subscription(business, id, &format!("/deliveries/{delivery}/replay"));
        self.transport.execute(&HttpRequest::post(path)).await
    }
}

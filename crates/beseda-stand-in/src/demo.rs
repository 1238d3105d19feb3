//! Demo cabinet: credentials and chats derived from a seed, the same at every start.

mod conversations;

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use beseda_api::{
    Administration, AuthResult, BusinessId, CampaignId, Credential, Directory, ManualClock,
    NewCabinet, NewCampaign, NewKey, NewUser, OrderId, PlacementType, ReturnId,
};
use beseda_engine::{Engine, EngineSettings, secret};
use rand::{Rng, RngExt, SeedableRng, distr::Alphanumeric};
use rand_chacha::ChaCha20Rng;
use serde_json::json;

/// Time of the first demo message; the others follow.
const FIRST_MESSAGE_AT: &str = "2026-10-01T09:00:00+03:00";

/// Ids and credentials derived from a seed.
#[derive(Clone)]
pub struct Demo {
    /// Cabinet.
    pub business: BusinessId,
    /// First campaign (shop).
    pub campaign: CampaignId,
    /// Second campaign, with its own delivery (DBS).
    pub own_delivery: CampaignId,
    /// Six orders; the last belongs to the second campaign.
    pub orders: [OrderId; 6],
    /// Returns of the third and the fourth order.
    pub returns: [ReturnId; 2],
    /// Api-Key with all scopes.
    pub api_key: String,
    /// OAuth token of a user with access to the cabinet.
    pub oauth_token: String,
    /// Key of the marketplace side.
    pub market_key: String,
    /// Key of the admin API.
    pub admin_key: String,
}

impl std::fmt::Debug for Demo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demo").field("business", &self.business).finish_non_exhaustive()
    }
}

impl Demo {
    /// Derives everything from a seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut random = ChaCha20Rng::seed_from_u64(seed);
        let mut id = |low: i64, high: i64| random.random_range(low..high);
        let (business, campaign) = (id(100_000_000, 300_000_000), id(20_000_000, 90_000_000));
        let (first_order, first_return) =
            (id(30_000_000_000, 50_000_000_000), id(1_000_000, 9_000_000));
        let positive = "ids from a seed are positive";
        Self {
            business: BusinessId::new(business).expect(positive),
            campaign: CampaignId::new(campaign).expect(positive),
            own_delivery: CampaignId::new(campaign + 1).expect(positive),
            orders: std::array::from_fn(|i| {
                OrderId::new(first_order + 17 * i as i64).expect(positive)
            }),
            returns: std::array::from_fn(|i| {
                ReturnId::new(first_return + i as i64).expect(positive)
            }),
            api_key: secret::new_api_key(&mut random),
            oauth_token: secret::new_oauth_token(&mut random),
            market_key: service_key("market", &mut random),
            admin_key: service_key("admin", &mut random),
        }
    }

    /// Returns a link that opens `/__admin/` with the key. Browsers don't send the part after `#`.
    #[must_use]
    pub fn admin_url(&self, url: &str) -> String {
        format!("{url}/__admin/#key={}", self.admin_key)
    }

    /// Returns one line of JSON for programs.
    #[must_use]
    pub fn ready_line(&self, url: &str) -> String {
        json!({
            "url": url,
            "docs": format!("{url}/docs"),
            "businessId": self.business,
            "campaignId": self.campaign,
            "apiKey": self.api_key,
            "oauthToken": self.oauth_token,
            "marketKey": self.market_key,
            "adminKey": self.admin_key,
            "adminUrl": self.admin_url(url),
        })
        .to_string()
    }

    /// Returns a text for people, with three commands to paste.
    #[must_use]
    pub fn welcome(&self, url: &str) -> String {
        let Self { business, campaign, api_key, oauth_token, market_key, admin_key, .. } = self;
        let (chat, page) = (conversations::FIRST_CHAT, self.admin_url(url));
        format!(
            "Beseda stand-in: the Yandex Market Chats API with a demo cabinet.\n\
             \n\
             address      {url}\n\
             docs         {url}/docs\n\
             page         {page}\n\
             businessId   {business}\n\
             campaignId   {campaign}\n\
             Api-Key      {api_key}\n\
             OAuth token  {oauth_token}\n\
             market key   {market_key}\n\
             admin key    {admin_key}\n\
             \n\
             Who waits for an answer:\n\
             curl -s '{url}/v2/businesses/{business}/chats' -H 'Api-Key: {api_key}' -H 'Content-Type: application/json' -d '{{\"statuses\":[\"WAITING_FOR_PARTNER\"]}}'\n\
             \n\
             Answer a buyer:\n\
             curl -s '{url}/v2/businesses/{business}/chats/message?chatId={chat}' -H 'Api-Key: {api_key}' -H 'Content-Type: application/json' -d '{{\"message\":\"Здравствуйте! Уже отправляем.\"}}'\n\
             \n\
             Let the buyer write back:\n\
             curl -s '{url}/market/v1/businesses/{business}/chats/{chat}/messages' -H 'Authorization: Bearer {market_key}' -H 'Content-Type: application/json' -d '{{\"sender\":\"CUSTOMER\",\"message\":\"Спасибо, жду!\"}}'\n\
             \n\
             Ctrl-C ends it."
        )
    }
}

fn service_key(kind: &str, random: &mut impl Rng) -> String {
    let body: String = random.sample_iter(Alphanumeric).take(40).map(char::from).collect();
    format!("{kind}-{body}")
}

/// Creates the demo in a folder at its own time. Completes an interrupted creation and leaves a
/// complete demo alone.
pub(crate) async fn create(
    folder: &Path,
    settings: &EngineSettings,
    demo: &Demo,
) -> anyhow::Result<()> {
    let first_message_at = FIRST_MESSAGE_AT.parse().context("the demo's beginning is a date")?;
    let clock = Arc::new(ManualClock::new(first_message_at));
    let engine = Engine::open_sqlite(folder, settings.clone(), clock.clone()).await?;
    let credential = Credential::OAuth(demo.oauth_token.clone());
    if matches!(engine.authenticate(&credential).await?, AuthResult::Granted(_)) {
        return Ok(());
    }
    create_cabinet(&engine, demo).await?;
    conversations::create(&engine, &clock, demo).await?;
    // The token is created last; its existence means that the demo is complete.
    let user = NewUser { name: "Demo".to_owned(), business_ids: vec![demo.business] };
    let user = match engine.list_users().await?.into_iter().next() {
        Some(user) => user,
        None => engine.create_user(user).await?,
    };
    engine.import_token(user.id, &demo.oauth_token).await?;
    Ok(())
}

async fn create_cabinet(engine: &Engine, demo: &Demo) -> anyhow::Result<()> {
    let cabinets = engine.list_cabinets().await?;
    if !cabinets.iter().any(|cabinet| cabinet.business_id == demo.business) {
        if let Some(other) = cabinets.first() {
            bail!(
                "the data folder belongs to cabinet {}, which another seed created: give that --seed, or another --data folder",
                other.business_id
            );
        }
        let business_id = Some(demo.business);
        engine.create_cabinet(NewCabinet { business_id, name: "Чайная лавка".to_owned() }).await?;
    }
    let campaigns = engine.list_campaigns(demo.business).await?;
    for (id, name, placement_type) in [
        (demo.campaign, "Чайная лавка", PlacementType::Fbs),
        (demo.own_delivery, "Чайная лавка: своя доставка", PlacementType::Dbs),
    ] {
        if !campaigns.iter().any(|campaign| campaign.id == Some(id)) {
            let campaign_id = Some(id);
            let new = NewCampaign { campaign_id, name: name.to_owned(), placement_type };
            engine.create_campaign(demo.business, new).await?;
        }
    }
    let key = Credential::ApiKey(demo.api_key.clone());
    if engine.authenticate(&key).await? == AuthResult::Unknown {
        let scopes = vec!["communication".to_owned(), "all-methods".to_owned()];
        let key = NewKey { name: "demo".to_owned(), scopes };
        engine.import_key(demo.business, key, &demo.api_key).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Demo;

    #[test]
    fn credentials_are_derived_from_the_seed() {
        assert_eq!(Demo::from_seed(1).ready_line("x"), Demo::from_seed(1).ready_line("x"));
        assert_ne!(Demo::from_seed(1).api_key, Demo::from_seed(2).api_key);
        assert_ne!(Demo::from_seed(1).business, Demo::from_seed(2).business);
    }

    #[tokio::test]
    async fn a_folder_of_another_seed_is_rejected_and_the_same_seed_changes_nothing() {
        use beseda_api::{ChatFilter, ChatsApi, PageRequest};
        let folder = tempfile::tempdir().unwrap();
        let settings = beseda_engine::EngineSettings::default();
        let demo = Demo::from_seed(1);
        let mut listed = Vec::new();
        for _ in 0..2 {
            super::create(folder.path(), &settings, &demo).await.unwrap();
            let clock = std::sync::Arc::new(beseda_api::SystemClock);
            let engine =
                beseda_engine::Engine::open_sqlite(folder.path(), settings.clone(), clock).await;
            let page = PageRequest::default();
            let chats = engine.unwrap().get_chats(demo.business, ChatFilter::default(), page).await;
            listed.push(chats.unwrap());
        }
        assert_eq!(listed[0], listed[1]);
        assert!(listed[0].chats.len() >= 6);
        let other = super::create(folder.path(), &settings, &Demo::from_seed(2)).await;
        assert!(other.unwrap_err().to_string().contains("--seed"));
    }
}

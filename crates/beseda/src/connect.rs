//! Builds the clients that commands use: shop, marketplace, administration and stand-in control.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Context;
use beseda_api::{Administration, BusinessId, SystemClock};
use beseda_client::{AdminClient, Client, ClientBuilder, MarketClient, RetryPolicy, StandInClient};
use beseda_engine::Engine;

use crate::{
    args::{CabinetArgs, ConnectionArgs, GenerationArg},
    credential,
    exit_status::UsageError,
    limit_notice,
};

/// Client of the shop and the cabinet it works on.
pub(crate) struct ShopClient {
    pub(crate) client: Client,
    pub(crate) business: BusinessId,
}

impl ShopClient {
    /// Connects to the given cabinet, or to the only one of the credential.
    pub(crate) async fn connect(
        connection: &ConnectionArgs,
        cabinet: &CabinetArgs,
        trusted: &[String],
    ) -> anyhow::Result<Self> {
        let client = client(connection, cabinet.generation, trusted)?;
        let business = match cabinet.business {
            Some(business) => business,
            None => only_cabinet(&client).await?,
        };
        Ok(Self { client, business })
    }
}

/// Returns a client of the shop that also sends its credential to the trusted origins when it
/// downloads files.
pub(crate) fn client(
    connection: &ConnectionArgs,
    generation: GenerationArg,
    trusted: &[String],
) -> anyhow::Result<Client> {
    let settings = builder(connection).generation(generation.into());
    let settings =
        trusted.iter().fold(settings, |settings, origin| settings.trust_files_from(origin));
    Ok(credential::set_shop_credential(connection, settings)?.build()?)
}

/// Returns a client of the marketplace and the cabinet it works on.
pub(crate) async fn market(
    connection: &ConnectionArgs,
    cabinet: &CabinetArgs,
) -> anyhow::Result<(MarketClient, BusinessId)> {
    let key = credential::service_key(connection, "BESEDA_MARKET_KEY")?;
    let market = server_builder(connection)?.build_market(&key)?;
    let business = match cabinet.business {
        Some(business) => business,
        // The market key has access to every cabinet; only a shop credential identifies one.
        None if credential::env_has_shop_credential() => {
            let shop = server_builder(connection)?.generation(cabinet.generation.into());
            only_cabinet(&credential::set_shop_credential_from_env(shop).build()?).await?
        }
        None => {
            return Err(UsageError::error("no cabinet: give --business or set BESEDA_BUSINESS_ID"));
        }
    };
    Ok((market, business))
}

/// Returns a client with the shop credential of the environment, for commands whose own credential
/// is the market key.
pub(crate) fn shop_from_env(
    connection: &ConnectionArgs,
    cabinet: &CabinetArgs,
) -> anyhow::Result<Client> {
    if !credential::env_has_shop_credential() {
        return Err(UsageError::error(
            "no shop credential to read the chats with: set BESEDA_API_KEY or BESEDA_OAUTH_TOKEN",
        ));
    }
    let shop = server_builder(connection)?.generation(cabinet.generation.into());
    Ok(credential::set_shop_credential_from_env(shop).build()?)
}

/// Returns the administration over HTTP, or of the database in `data`.
pub(crate) async fn admin(
    connection: &ConnectionArgs,
    data: Option<&Path>,
) -> anyhow::Result<Arc<dyn Administration>> {
    if let Some(folder) = data {
        let opened = Engine::share_sqlite(folder, Arc::new(SystemClock)).await;
        let engine = opened.with_context(|| format!("can't open {}", folder.display()))?;
        return Ok(Arc::new(engine));
    }
    let key = credential::service_key(connection, "BESEDA_ADMIN_KEY")?;
    Ok(Arc::new(server_builder(connection)?.build_admin(&key)?))
}

/// Returns the client for webhook subscriptions, which need a running server.
pub(crate) fn subscriptions(
    connection: &ConnectionArgs,
    on_database: bool,
) -> anyhow::Result<AdminClient> {
    if on_database {
        let text = "subscriptions need a running server: omit --data and give --url";
        return Err(UsageError::error(text));
    }
    let key = credential::service_key(connection, "BESEDA_ADMIN_KEY")?;
    Ok(server_builder(connection)?.build_admin(&key)?)
}

/// Returns the client of a stand-in's admin API.
pub(crate) fn stand_in(connection: &ConnectionArgs) -> anyhow::Result<StandInClient> {
    let key = credential::service_key(connection, "BESEDA_ADMIN_KEY")?;
    Ok(server_builder(connection)?.build_stand_in(&key)?)
}

/// Returns a client builder for operations of the published API.
pub(crate) fn builder(connection: &ConnectionArgs) -> ClientBuilder {
    builder_to(connection, connection.service_url())
}

/// Returns a client builder for operations that only a Beseda server has.
fn server_builder(connection: &ConnectionArgs) -> anyhow::Result<ClientBuilder> {
    Ok(builder_to(connection, connection.server_url().map_err(UsageError::error)?))
}

fn builder_to(connection: &ConnectionArgs, url: &str) -> ClientBuilder {
    let patience = RetryPolicy { deadline: connection.deadline(), ..RetryPolicy::default() };
    let builder = Client::builder().url(url).timeout(connection.timeout());
    let builder = match &connection.ca_file {
        Some(authority) => builder.root_certificate(authority.0.clone()),
        None => builder,
    };
    builder.retry_policy(patience).rate_limiter(limit_notice::governor())
}

async fn only_cabinet(client: &Client) -> anyhow::Result<BusinessId> {
    let mut cabinets = BTreeMap::new();
    for campaign in client.campaigns().await? {
        if let Some(business) = campaign.business {
            cabinets.extend(business.id.map(|id| (id, business.name.unwrap_or_default())));
        }
    }
    if cabinets.len() > 1 {
        let lines = cabinets.iter().map(|(id, name)| format!("\n  --business {id}  {name}"));
        let lines: String = lines.collect();
        return Err(UsageError::error(format!(
            "the credential has access to {} cabinets; choose one:{lines}",
            cabinets.len()
        )));
    }
    cabinets.into_keys().next().ok_or_else(|| {
        UsageError::error("can't determine the cabinet from the credential: give --business")
    })
}

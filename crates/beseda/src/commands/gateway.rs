//! `beseda gateway`: runs the gateway.

mod admin;

use anyhow::Context;
use beseda_api::{BusinessId, Credential, Generation};
use beseda_client::{RateLimiter, RetryPolicy};
use beseda_gateway::{Gateway, GatewayOpenError, GatewaySettings};
use beseda_server::{Router, TransportSettings};
use beseda_webhook::receiver::Receiver;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

use crate::{
    args::{GatewayArgs, GatewayCommand},
    connect, credential,
    exit_status::UsageError,
    output::Output,
    signals,
};

pub(crate) async fn run(mut args: GatewayArgs, out: Output) -> anyhow::Result<()> {
    match args.command.take() {
        None => serve(args, out).await,
        Some(GatewayCommand::Keys(keys)) => admin::keys(keys, out).await,
        Some(GatewayCommand::Audit(audit)) => admin::audit(audit, out).await,
    }
}

async fn serve(args: GatewayArgs, out: Output) -> anyhow::Result<()> {
    signals::start_log("warn", false)?;
    let mut settings = settings(&args)?;
    let (listener, address_taken) = beseda_server::listen(args.listen).await?;
    let url = beseda_server::local_url(address_taken, "http");
    if args.connection().service_url().trim_end_matches('/') == url {
        let text =
            format!("{url} is the gateway itself: give the upstream service with --upstream");
        return Err(UsageError::error(text));
    }
    settings.public_url = args.public_url.clone().unwrap_or_else(|| url.clone());
    let gateway = Gateway::open(settings).await.map_err(to_error)?;
    let webhooks = WebhookListener::bind(&args, &gateway).await?;
    let end = signals::shutdown_signal()?;
    let mut ready = ready(&gateway, &url).await;
    if let Some(webhooks) = &webhooks {
        ready["notifications"] = json!(webhooks.url);
    }
    if out.is_json() {
        println!("{ready}");
    } else {
        println!("{}", welcome(&ready, args.connection().service_url()));
    }
    let router = beseda_server::router(gateway.services(), gateway.server_settings())?;
    let (told, others) = tokio::sync::watch::channel(false);
    let both = async {
        end.await;
        told.send_replace(true);
    };
    let webhook_task = webhooks.map(|webhooks| tokio::spawn(webhooks.serve(others)));
    beseda_server::serve(listener, router, TransportSettings::default(), both).await?;
    if let Some(webhook_task) = webhook_task {
        webhook_task.await??;
    }
    gateway.shutdown().await;
    Ok(())
}

/// Webhook listener for the upstream's notifications.
struct WebhookListener {
    url: String,
    listener: TcpListener,
    router: Router,
}

impl WebhookListener {
    async fn bind(args: &GatewayArgs, gateway: &Gateway) -> anyhow::Result<Option<Self>> {
        let Some(address) = args.notifications else { return Ok(None) };
        let (listener, address_taken) = beseda_server::listen(address).await?;
        let mut receiver = Receiver::builder().name("beseda gateway");
        receiver = receiver.trusted_proxies(args.trust_proxy.iter().copied());
        if args.any_source {
            receiver = receiver.any_source();
        } else if !args.source.is_empty() {
            receiver = receiver.sources(args.source.iter().copied());
        }
        for (business, _) in gateway.cabinets() {
            receiver = receiver.business(*business);
        }
        let router = receiver.build_with_sink(gateway.webhook_sink())?;
        Ok(Some(Self { url: beseda_server::local_url(address_taken, "http"), listener, router }))
    }

    async fn serve(self, mut end: tokio::sync::watch::Receiver<bool>) -> anyhow::Result<()> {
        let transport =
            TransportSettings { provide_peer_address: true, ..TransportSettings::default() };
        let ended = async move { drop(end.wait_for(|ended| *ended).await) };
        Ok(beseda_server::serve(self.listener, self.router, transport, ended).await?)
    }
}

fn settings(args: &GatewayArgs) -> anyhow::Result<GatewaySettings> {
    let connection = args.connection();
    let generation: Generation = args.generation.into();
    let credential = credential::shop_credential(&connection)?;
    let timeout = Duration::from_secs(args.timeout.into());
    let patience = RetryPolicy { deadline: timeout, ..RetryPolicy::default() };
    let parallel = args.parallel.unwrap_or(match generation {
        Generation::Y2024 => 2,
        Generation::Y2026 => 4,
    });
    let builder = connect::builder(&connection).generation(generation).retry_policy(patience);
    let builder = builder.rate_limiter(RateLimiter::default().parallel(parallel));
    let trusted = args.trusted.iter();
    let builder = trusted.fold(builder, |builder, origin| builder.trust_files_from(origin));
    let client = match &credential {
        Credential::ApiKey(key) => builder.api_key(key.clone()),
        Credential::OAuth(token) => builder.oauth_token(token.clone()),
    }
    .build()?;
    let archive = args.archive.clone().context("no archive folder")?;
    Ok(GatewaySettings {
        credential: Some(credential),
        businesses: args.business.clone(),
        parallel,
        admin_key: credential::admin_key_in_env(),
        request_timeout_seconds: args.timeout.into(),
        sync: args.sync,
        unversioned: args.unversioned.into(),
        file_links: args.file_links,
        audit_days: args.audit_days,
        ..GatewaySettings::new(client, archive)
    })
}

/// Converts the error so that a refusal of the upstream keeps its exit status.
fn to_error(error: GatewayOpenError) -> anyhow::Error {
    match error {
        GatewayOpenError::Upstream(error) => anyhow::Error::from(error),
        other => other.into(),
    }
}

/// Returns the JSON printed when ready: the first cabinet in the fields of a stand-in, then all
/// cabinets.
async fn ready(gateway: &Gateway, url: &str) -> Value {
    let mut cabinets = Vec::new();
    for (business, api_key) in gateway.cabinets() {
        let campaign = gateway.campaigns(*business).await.into_iter().find_map(|shop| shop.id);
        cabinets.push(cabinet(*business, campaign, api_key.as_deref()));
    }
    let first = cabinets.first().cloned().unwrap_or_default();
    json!({
        "url": url,
        "docs": format!("{url}/docs"),
        "businessId": first["businessId"],
        "campaignId": first["campaignId"],
        "apiKey": first["apiKey"],
        "adminKey": gateway.admin_key().expose_secret(),
        "cabinets": cabinets,
    })
}

fn cabinet(
    business: BusinessId,
    campaign: Option<beseda_api::CampaignId>,
    api_key: Option<&str>,
) -> Value {
    json!({ "businessId": business, "campaignId": campaign, "apiKey": api_key })
}

/// Formats the ready document for people.
fn welcome(ready: &Value, upstream: &str) -> String {
    let text = |name: &str| ready[name].as_str().unwrap_or("(revoked)").to_owned();
    let mut lines = format!(
        "Beseda gateway to {upstream}\n\naddress      {}\ndocs         {}\nadmin key    {}\n",
        text("url"),
        text("docs"),
        text("adminKey")
    );
    for cabinet in ready["cabinets"].as_array().into_iter().flatten() {
        let key = cabinet["apiKey"].as_str().unwrap_or("(revoked: see beseda gateway keys)");
        lines.push_str(&format!("businessId   {}\nApi-Key      {key}\n", cabinet["businessId"]));
    }
    lines + "\nCtrl-C ends it."
}

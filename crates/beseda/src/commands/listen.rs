//! `beseda listen`: receives webhooks, forwards them and prints them.

mod forward;
mod print;

use std::sync::Arc;

use async_trait::async_trait;
use beseda_server::{Tls, TransportSettings};
use beseda_webhook::receiver::{Ack, EventSink, Receiver, ReceiverBuilder, WebhookEvent};
use serde_json::json;

use crate::{args::ListenArgs, exit_status::UsageError, output::Output, signals};
use forward::Forwarder;
use print::Printer;

pub(crate) async fn run(args: ListenArgs, out: Output) -> anyhow::Result<()> {
    let transport = transport(&args)?;
    let forward = args.forward.as_deref().map(Forwarder::new).transpose();
    let forward = forward.map_err(|error| UsageError::error(error.to_string()))?;
    let (printer, broken) = Printer::start(out)?;
    let router = receiver(&args)
        .build_with_sink(Arc::new(Relay { forward, printer }))
        .map_err(|error| UsageError::error(error.to_string()))?;
    signals::start_log("info", out.is_json())?;
    let (listener, address) = beseda_server::listen(args.listen).await?;
    let scheme = if transport.tls.is_some() { "https" } else { "http" };
    let url =
        format!("{}{}", beseda_server::local_url(address, scheme), args.path.trim_end_matches('/'));
    let end = signals::shutdown_signal()?;
    if out.is_json() {
        out.line(&json!({ "url": url }))?;
    } else {
        out.note(format_args!("Listening on {url} {}", source_description(&args)));
    }
    let mut failure = None;
    let end = async {
        tokio::select! {
            () = end => {}
            Ok(error) = broken => failure = Some(error),
        }
    };
    beseda_server::serve(listener, router, transport, end).await?;
    failure.map_or(Ok(()), Err)
}

fn transport(args: &ListenArgs) -> anyhow::Result<TransportSettings> {
    let files = args.tls_cert.clone().zip(args.tls_key.clone());
    let tls = files.map(|(cert, key)| Tls { cert, key });
    let transport =
        TransportSettings { tls, provide_peer_address: true, ..TransportSettings::default() };
    transport.check().map_err(|error| UsageError::error(error.to_string()))?;
    Ok(transport)
}

fn receiver(args: &ListenArgs) -> ReceiverBuilder {
    let mut receiver = Receiver::builder().name(&args.name).path(&args.path);
    receiver = receiver.trusted_proxies(args.trust_proxy.iter().copied());
    if args.any_source {
        receiver = receiver.any_source();
    } else if !args.source.is_empty() {
        receiver = receiver.sources(args.source.iter().copied());
    }
    if args.duplicates {
        receiver = receiver.dedup_window(0);
    }
    args.business.iter().fold(receiver, |receiver, business| receiver.business(*business))
}

fn source_description(args: &ListenArgs) -> String {
    if args.any_source {
        return "for notifications from anywhere.".to_owned();
    }
    if args.source.is_empty() {
        return "for notifications from Market's addresses; --any-source takes them from anywhere."
            .to_owned();
    }
    let ranges: Vec<String> = args.source.iter().map(ToString::to_string).collect();
    format!("for notifications from {}.", ranges.join(", "))
}

/// Forwards each event, then prints those that were accepted.
struct Relay {
    forward: Option<Forwarder>,
    printer: Printer,
}

#[async_trait]
impl EventSink for Relay {
    async fn accept(&self, event: WebhookEvent) -> Ack {
        let Some(forward) = &self.forward else {
            return self.printer.print(event).await.into();
        };
        let ack = forward.accept(event.clone()).await;
        if !ack.is_accepted() {
            return ack;
        }
        match self.printer.print(event).await {
            Ok(()) => ack,
            Err(error) => Ack::Failed(error.to_string()),
        }
    }

    async fn ping(&self, event: WebhookEvent) -> Ack {
        match &self.forward {
            Some(forward) => forward.ping(event).await,
            None => Ack::Accepted,
        }
    }
}

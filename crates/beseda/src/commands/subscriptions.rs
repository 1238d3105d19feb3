//! `beseda admin subscriptions`: manages webhook subscriptions and shows their delivery log.

use beseda_api::{
    Delivery, DeliveryPage, NewSubscription, PageRequest, PageToken, Subscription, Subscriptions,
    notification::Notification,
};
use comfy_table::Table;
use serde_json::json;

use crate::{
    args::SubscriptionsCommand,
    output::Output,
    tables::{optional, printable, with_headers},
};

pub(crate) async fn run(
    out: Output,
    subscriptions: &dyn Subscriptions,
    command: SubscriptionsCommand,
) -> anyhow::Result<()> {
    use SubscriptionsCommand as Cmd;
    match command {
        Cmd::Add { cabinet, address, name } => {
            let new = NewSubscription { url: address, name };
            let made = subscriptions.create_subscription(cabinet, new).await?;
            show(out, &made)
        }
        Cmd::List { cabinet } => {
            let list = subscriptions.list_subscriptions(cabinet).await?;
            out.show(&json!({ "subscriptions": list }), |out| table(out, &list))
        }
        Cmd::Pause(of) => show(out, &subscriptions.pause(of.cabinet, of.id).await?),
        Cmd::Resume(of) => show(out, &subscriptions.resume(of.cabinet, of.id).await?),
        Cmd::Delete(of) => {
            subscriptions.delete(of.cabinet, of.id).await?;
            out.done("deleted")
        }
        Cmd::Log { subscription: of, limit, page_token } => {
            let page = PageRequest { limit, token: page_token.map(PageToken::new) };
            let page = subscriptions.deliveries(of.cabinet, of.id, page).await?;
            out.show(&page, |out| log(out, &page.deliveries))?;
            note_next_page(out, &page);
            Ok(())
        }
        Cmd::Replay { subscription: of, delivery } => {
            subscriptions.replay(of.cabinet, of.id, delivery).await?;
            out.done("requeued")
        }
    }
}

fn note_next_page(out: Output, page: &DeliveryPage) {
    if let Some(token) = &page.paging.next_page_token {
        out.note(format_args!("next page: --page-token {}", token.as_str()));
    }
}

fn show(out: Output, subscription: &Subscription) -> anyhow::Result<()> {
    out.show(subscription, |out| table(out, std::slice::from_ref(subscription)))
}

fn table(out: Output, list: &[Subscription]) -> Table {
    let heads =
        ["SUBSCRIPTION", "NAME", "STATE", "WAITING", "FAILING SINCE", "NEXT ATTEMPT", "URL"];
    let mut table = with_headers(out, &heads);
    for subscription in list {
        table.add_row(vec![
            subscription.id.to_string(),
            printable(&subscription.name),
            subscription.state.to_string(),
            subscription.waiting.to_string(),
            optional(subscription.failing_since),
            optional(subscription.next_attempt_at),
            printable(&subscription.url),
        ]);
    }
    table
}

fn log(out: Output, deliveries: &[Delivery]) -> Table {
    let mut table = with_headers(
        out,
        &["DELIVERY", "AT", "NOTIFICATION", "OUTCOME", "STATUS", "MS", "FAILURE"],
    );
    for subscription in deliveries {
        table.add_row(vec![
            subscription.id.to_string(),
            subscription.attempted_at.to_string(),
            summary(&subscription.notification),
            subscription.outcome.to_string(),
            subscription.status.map(|status| status.to_string()).unwrap_or_default(),
            subscription.took_ms.to_string(),
            subscription
                .failure
                .as_ref()
                .map(|failure| printable(&failure.to_string()))
                .unwrap_or_default(),
        ]);
    }
    table
}

/// Summarises a notification in a few words.
fn summary(notification: &Notification) -> String {
    match notification {
        Notification::Ping { .. } => "PING".to_owned(),
        Notification::ChatCreated { chat_id, .. } => format!("chat {chat_id} created"),
        Notification::ChatMessageSent { chat_id, message_id, .. } => {
            format!("chat {chat_id} message {message_id}")
        }
        Notification::ChatArbitrageStarted { chat_id, .. } => format!("dispute {chat_id} started"),
        Notification::ChatArbitrageFinished { chat_id, .. } => {
            format!("dispute {chat_id} finished")
        }
        _ => "other".to_owned(),
    }
}

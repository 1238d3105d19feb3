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
    tables::{headed, printable, shown},
};

pub(crate) async fn run(
    out: Output,
    desk: &dyn Subscriptions,
    command: SubscriptionsCommand,
) -> anyhow::Result<()> {
    use SubscriptionsCommand as Do;
    match command {
        Do::Add { cabinet, address, name } => {
            let new = NewSubscription { url: address, name };
            let made = desk.create_subscription(cabinet, new).await?;
            show(out, &made)
        }
        Do::List { cabinet } => {
            let list = desk.list_subscriptions(cabinet).await?;
            out.show(&json!({ "subscriptions": list }), |out| table(out, &list))
        }
        Do::Pause(of) => show(out, &desk.pause(of.cabinet, of.id).await?),
        Do::Resume(of) => show(out, &desk.resume(of.cabinet, of.id).await?),
        Do::Delete(of) => {
            desk.delete(of.cabinet, of.id).await?;
            out.done("deleted")
        }
        Do::Log { subscription: of, limit, page_token } => {
            let page = PageRequest { limit, token: page_token.map(PageToken::new) };
            let page = desk.deliveries(of.cabinet, of.id, page).await?;
            out.show(&page, |out| log(out, &page.deliveries))?;
            tell_next(out, &page);
            Ok(())
        }
        Do::Replay { subscription: of, delivery } => {
            desk.replay(of.cabinet, of.id, delivery).await?;
            out.done("requeued")
        }
    }
}

fn tell_next(out: Output, page: &DeliveryPage) {
    if let Some(token) = &page.paging.next_page_token {
        out.note(format_args!("more with --page-token {}", token.as_str()));
    }
}

fn show(out: Output, one: &Subscription) -> anyhow::Result<()> {
    out.show(one, |out| table(out, std::slice::from_ref(one)))
}

fn table(out: Output, list: &[Subscription]) -> Table {
    let heads =
        ["SUBSCRIPTION", "NAME", "STATE", "WAITING", "FAILING SINCE", "NEXT ATTEMPT", "URL"];
    let mut table = headed(out, &heads);
    for one in list {
        table.add_row(vec![
            one.id.to_string(),
            printable(&one.name),
            one.state.to_string(),
            one.waiting.to_string(),
            shown(one.failing_since),
            shown(one.next_attempt_at),
            printable(&one.url),
        ]);
    }
    table
}

fn log(out: Output, deliveries: &[Delivery]) -> Table {
    let mut table =
        headed(out, &["DELIVERY", "AT", "NOTIFICATION", "OUTCOME", "STATUS", "MS", "FAILURE"]);
    for one in deliveries {
        table.add_row(vec![
            one.id.to_string(),
            one.attempted_at.to_string(),
            told(&one.notification),
            one.outcome.to_string(),
            one.status.map(|status| status.to_string()).unwrap_or_default(),
            one.took_ms.to_string(),
            one.failure.as_ref().map(|failure| printable(&failure.to_string())).unwrap_or_default(),
        ]);
    }
    table
}

/// Summarises a notification in a few words.
fn told(notification: &Notification) -> String {
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

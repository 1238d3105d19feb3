//! Prints events to standard output on a thread of its own, so that a slow reader delays only the
//! responses.

use std::{io, thread};

use beseda_api::notification::Notification;
use beseda_webhook::receiver::WebhookEvent;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    output::{Output, StdoutClosed},
    tables::printable,
};

/// Capacity of the queue of lines.
const QUEUE_CAPACITY: usize = 64;

/// Line to print and the channel that confirms it.
type PrintJob = (String, oneshot::Sender<()>);

/// Prints events.
pub(super) struct Printer {
    json: bool,
    jobs: mpsc::Sender<PrintJob>,
}

impl Printer {
    /// Starts the thread. The receiver yields the error after which nothing can be printed.
    pub(super) fn start(output: Output) -> io::Result<(Self, oneshot::Receiver<anyhow::Error>)> {
        let (jobs, mut queue) = mpsc::channel::<PrintJob>(QUEUE_CAPACITY);
        let (error_sender, error) = oneshot::channel();
        let run = move || {
            while let Some((line, done)) = queue.blocking_recv() {
                if let Err(error) = output.say(line) {
                    // The receiver may be gone; printing stops either way.
                    let _ = error_sender.send(error);
                    return;
                }
                // The sender of the event may have given up.
                let _ = done.send(());
            }
        };
        thread::Builder::new().name("beseda-print".to_owned()).spawn(run)?;
        Ok((Self { json: output.is_json(), jobs }, error))
    }

    /// Prints an event; returns once it is written.
    pub(super) async fn print(&self, event: WebhookEvent) -> Result<(), StdoutClosed> {
        let line = if self.json { document(&event).to_string() } else { shown(&event) };
        let (done, out) = oneshot::channel();
        self.jobs.send((line, done)).await.map_err(|_| StdoutClosed)?;
        out.await.map_err(|_| StdoutClosed)
    }
}

/// Returns the notification as received, with the message id as a number.
fn document(event: &WebhookEvent) -> Value {
    let mut document = event.json();
    if let Notification::ChatMessageSent { message_id, .. } = event.notification {
        document["messageId"] = message_id.get().into();
    }
    document
}

/// Formats the notification for people.
fn shown(event: &WebhookEvent) -> String {
    let (what, at) = match &event.notification {
        Notification::ChatCreated { chat_id, created_at, .. } => {
            (format!("chat {chat_id}"), created_at)
        }
        Notification::ChatMessageSent { chat_id, message_id, sent_at, .. } => {
            (format!("chat {chat_id}  message {message_id}"), sent_at)
        }
        Notification::ChatArbitrageStarted { chat_id, started_at, .. } => {
            (format!("chat {chat_id}"), started_at)
        }
        Notification::ChatArbitrageFinished { chat_id, finished_at, .. } => {
            (format!("chat {chat_id}"), finished_at)
        }
        // Notifications of an unknown type are printed as received.
        _ => return printable(&event.json().to_string()),
    };
    let cabinet = event.business.map(|business| format!("  cabinet {business}"));
    let kind = &event.notification_type;
    format!("{at}  {kind:<23}  {what}{}", cabinet.unwrap_or_default())
}

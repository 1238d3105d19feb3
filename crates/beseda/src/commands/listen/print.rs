//! Events as lines of standard output, from a thread of its own: a reader that stops reading holds back the answers and nothing else.

use std::{io, thread};

use beseda_api::notification::Notification;
use beseda_client::receiver::Event;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    output::{Closed, Output},
    tables::printable,
};

/// Lines that wait to be written.
const WAITING: usize = 64;

/// A line, and where to tell that it is out.
type Job = (String, oneshot::Sender<()>);

/// Prints events.
pub(super) struct Printer {
    json: bool,
    jobs: mpsc::Sender<Job>,
}

impl Printer {
    /// Starts the thread. What comes of the second is why it can't print any more.
    pub(super) fn start(output: Output) -> io::Result<(Self, oneshot::Receiver<anyhow::Error>)> {
        let (jobs, mut queue) = mpsc::channel::<Job>(WAITING);
        let (break_off, broken) = oneshot::channel();
        let run = move || {
            while let Some((line, done)) = queue.blocking_recv() {
                if let Err(error) = output.say(line) {
                    // Told or not, nothing is printed any more.
                    let _ = break_off.send(error);
                    return;
                }
                // Whoever waited may have given up.
                let _ = done.send(());
            }
        };
        thread::Builder::new().name("beseda-print".to_owned()).spawn(run)?;
        Ok((Self { json: output.is_json(), jobs }, broken))
    }

    /// Prints an event; it is out when this comes back.
    pub(super) async fn print(&self, event: Event) -> Result<(), Closed> {
        let line = if self.json { document(&event).to_string() } else { shown(&event) };
        let (done, out) = oneshot::channel();
        self.jobs.send((line, done)).await.map_err(|_| Closed)?;
        out.await.map_err(|_| Closed)
    }
}

/// The notification as it came, with the id of a message as the number it is everywhere else.
fn document(event: &Event) -> Value {
    let mut document = event.json();
    if let Notification::ChatMessageSent { message_id, .. } = event.notification {
        document["messageId"] = message_id.get().into();
    }
    document
}

/// The same for people.
fn shown(event: &Event) -> String {
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
        // Strange types come as they are: their fields aren't known.
        _ => return printable(&event.json().to_string()),
    };
    let cabinet = event.business.map(|business| format!("  cabinet {business}"));
    let kind = &event.notification_type;
    format!("{at}  {kind:<23}  {what}{}", cabinet.unwrap_or_default())
}

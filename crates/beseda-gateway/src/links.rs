//! Links of attachments in answers: which of them programs can open themselves, and the gateway's own in place of the
//! others. Bytes are fetched in `files.rs`.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use beseda_api::{BusinessId, ChatId, Clock, FileId, Message};
use beseda_client::Client;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared, join_all},
};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use url::Url;

use crate::{Ledger, ledger::Link};

/// How long it is believed that links of an origin open for everybody, or don't.
const BELIEVED: SignedDuration = SignedDuration::from_hours(1);
/// How long an origin may take to show that it opens.
const PROBE: Duration = Duration::from_secs(2);
/// Origins that are remembered.
const ORIGINS: usize = 64;
/// Links of which it is remembered that they are in the file.
const KNOWN: usize = 20_000;

/// What becomes of the links of attachments in answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileLinks {
    /// Links that open without a credential stay as they are; the others become the gateway's own.
    #[default]
    Auto,
    /// All become the gateway's own.
    Proxy,
    /// All stay as the upstream wrote them.
    Upstream,
}

impl std::str::FromStr for FileLinks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "proxy" => Ok(Self::Proxy),
            "upstream" => Ok(Self::Upstream),
            other => Err(format!("unknown rule '{other}'; known ones: auto proxy upstream")),
        }
    }
}

/// The gateway's links.
pub(crate) struct Links {
    how: FileLinks,
    public_url: String,
    client: Client,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    mac: Hmac<Sha256>,
    known: Mutex<HashSet<FileId>>,
    asked: Mutex<HashMap<String, Asked>>,
}

/// Whether an origin's links open, as soon as that is known.
#[derive(Clone)]
struct Asked {
    at: Timestamp,
    opens: Shared<BoxFuture<'static, bool>>,
}

impl Links {
    pub(crate) fn new(
        (how, public_url): (FileLinks, &str),
        client: Client,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        secret: &[u8; 32],
    ) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(secret);
        Self {
            how,
            public_url: public_url.trim_end_matches('/').to_owned(),
            client,
            ledger,
            clock,
            mac: Hmac::new(&block.into()),
            known: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// Puts the gateway's links where the upstream's don't open, in no more than this time. They are durable then.
    pub(crate) async fn rewrite(
        &self,
        business: BusinessId,
        chat: ChatId,
        messages: &mut [Message],
        time: Duration,
    ) {
        if self.how == FileLinks::Upstream
            || messages.iter().all(|message| message.payload.as_ref().is_none_or(Vec::is_empty))
        {
            return;
        }
        let closed = self.closed(messages, time).await;
        let mut links = HashMap::new();
        for message in messages.iter() {
            let attachments = message.payload.as_deref().unwrap_or_default();
            for (attachment, place) in attachments.iter().zip(0..) {
                if origin(&attachment.url).is_none_or(|origin| !closed.contains(&origin)) {
                    continue;
                }
                links.insert(
                    attachment.url.clone(),
                    Link {
                        id: self.id(business, &attachment.url),
                        business,
                        chat,
                        message: message.message_id,
                        place,
                        url: attachment.url.clone(),
                        name: attachment.name.clone(),
                        size: attachment.size,
                    },
                );
            }
        }
        if let Err(error) = self.keep(links.values()).await {
            tracing::warn!(%error, "links can't be kept: they stay as the upstream wrote them");
            return;
        }
        let attachments = messages.iter_mut().filter_map(|message| message.payload.as_mut());
        for attachment in attachments.flatten() {
            if let Some(link) = links.get(&attachment.url) {
                attachment.url = link.id.url(&self.public_url);
            }
        }
    }

    /// The same link has the same id at every start; without the folder's secret it can't be guessed.
    fn id(&self, business: BusinessId, url: &str) -> FileId {
        let mut mac = self.mac.clone();
        mac.update(&business.get().to_be_bytes());
        mac.update(url.as_bytes());
        let whole: [u8; 32] = mac.finalize().into_bytes().into();
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        FileId::new(u128::from_be_bytes(half))
    }

    async fn keep(&self, links: impl Iterator<Item = &Link>) -> beseda_api::Result<()> {
        let fresh: Vec<Link> = {
            let known = locked(&self.known);
            links.filter(|link| !known.contains(&link.id)).cloned().collect()
        };
        if fresh.is_empty() {
            return Ok(());
        }
        let ids: Vec<FileId> = fresh.iter().map(|link| link.id.clone()).collect();
        self.ledger.keep_links(fresh).await?;
        let mut known = locked(&self.known);
        if known.len() + ids.len() > KNOWN {
            known.clear();
        }
        known.extend(ids);
        Ok(())
    }

    /// The origins among these whose links don't open for everybody, or of which that isn't known in time.
    async fn closed(&self, messages: &[Message], time: Duration) -> HashSet<String> {
        let mut links = HashMap::new();
        for attachment in messages.iter().filter_map(|message| message.payload.as_ref()).flatten() {
            if let Some(origin) = origin(&attachment.url) {
                links.entry(origin).or_insert(attachment.url.as_str());
            }
        }
        if self.how == FileLinks::Proxy {
            return links.into_keys().collect();
        }
        let asked = links.into_iter().map(|(origin, link)| async move {
            let opens = tokio::time::timeout(time, self.ask(&origin, link)).await;
            (!opens.unwrap_or(false)).then_some(origin)
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Whether an origin's links open: asked anew if that was long ago. A probe goes on if nobody waits any more.
    fn ask(&self, origin: &str, link: &str) -> Shared<BoxFuture<'static, bool>> {
        let now = self.clock.now();
        let mut asked = locked(&self.asked);
        let fresh = |asked: &&Asked| now.duration_since(asked.at).abs() < BELIEVED;
        if let Some(found) = asked.get(origin).filter(fresh) {
            return found.opens.clone();
        }
        if asked.len() >= ORIGINS && !asked.contains_key(origin) {
            let oldest = asked.iter().min_by_key(|(_, asked)| asked.at).map(|(of, _)| of.clone());
            oldest.map(|oldest| asked.remove(&oldest));
        }
        let (client, link) = (self.client.clone(), link.to_owned());
        let probe = tokio::spawn(async move {
            let opens = tokio::time::timeout(PROBE, client.is_open_link(&link)).await;
            matches!(opens, Ok(Ok(true)))
        });
        let opens = probe.map(|opens| opens.unwrap_or(false)).boxed().shared();
        asked.insert(origin.to_owned(), Asked { at: now, opens: opens.clone() });
        opens
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a link leads; `None` if that isn't HTTP.
pub(crate) fn origin(link: &str) -> Option<String> {
    let url = Url::parse(link).ok()?;
    let http = matches!(url.scheme(), "http" | "https") && url.has_host();
    http.then(|| url.origin().ascii_serialization())
}

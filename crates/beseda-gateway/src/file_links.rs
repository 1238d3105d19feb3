//! Rewriting of attachment links in responses: links that need the upstream's credential are
//! replaced with links to the gateway.

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

use crate::{
    db::{GatewayDb, links::FileLink},
    settings::{FileLinkMode, GatewaySettings},
};

/// Time for which a probe of an origin is cached.
const PROBE_TTL: SignedDuration = SignedDuration::from_hours(1);
/// Timeout of a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum number of cached probes.
const MAX_PROBES: usize = 64;
/// Maximum number of cached ids of links that are in the database.
const MAX_STORED_IDS: usize = 20_000;

/// Rewriter of attachment links.
pub(crate) struct LinkRewriter {
    mode: FileLinkMode,
    public_url: String,
    client: Client,
    db: GatewayDb,
    clock: Arc<dyn Clock>,
    mac: Hmac<Sha256>,
    stored_ids: Mutex<HashSet<FileId>>,
    probes: Mutex<HashMap<String, OriginProbe>>,
}

/// Probe of an origin, which may be in progress.
#[derive(Clone)]
struct OriginProbe {
    at: Timestamp,
    /// True if links of the origin open without a credential.
    is_public: Shared<BoxFuture<'static, bool>>,
}

impl LinkRewriter {
    /// Creates a rewriter. The ids of its links are MACs with this key.
    pub(crate) fn new(settings: &GatewaySettings, db: GatewayDb, mac_key: &[u8; 32]) -> Self {
        let mut block = [0; 64];
        block[..32].copy_from_slice(mac_key);
        Self {
            mode: settings.file_links,
            public_url: settings.public_url.trim_end_matches('/').to_owned(),
            client: settings.client.clone(),
            db,
            clock: Arc::clone(&settings.clock),
            mac: Hmac::new(&block.into()),
            stored_ids: Mutex::default(),
            probes: Mutex::default(),
        }
    }

    /// Replaces links that aren't public. The new links are durable on return.
    pub(crate) async fn rewrite(
        &self,
        business: BusinessId,
        chat: ChatId,
        messages: &mut [Message],
        timeout: Duration,
    ) {
        let has_no_files = |message: &Message| message.payload.as_ref().is_none_or(Vec::is_empty);
        if self.mode == FileLinkMode::Upstream || messages.iter().all(has_no_files) {
            return;
        }
        let origins = self.private_origins(messages, timeout).await;
        let links = self.links(business, chat, messages, &origins);
        if let Err(error) = self.store(links.values()).await {
            tracing::warn!(%error, "failed to store attachment links; keeping the upstream's");
            return;
        }
        let attachments = messages.iter_mut().filter_map(|message| message.payload.as_mut());
        for attachment in attachments.flatten() {
            if let Some(link) = links.get(&attachment.url) {
                attachment.url = link.id.url(&self.public_url);
            }
        }
    }

    /// Returns links of the gateway for the attachments of these origins, by the upstream's URL.
    fn links(
        &self,
        business: BusinessId,
        chat: ChatId,
        messages: &[Message],
        origins: &HashSet<String>,
    ) -> HashMap<String, FileLink> {
        let mut links = HashMap::new();
        for message in messages {
            let attachments = message.payload.as_deref().unwrap_or_default();
            for (attachment, index) in attachments.iter().zip(0..) {
                if origin(&attachment.url).is_none_or(|origin| !origins.contains(&origin)) {
                    continue;
                }
                let link = FileLink {
                    id: self.id(business, &attachment.url),
                    business,
                    chat,
                    message: message.message_id,
                    index,
                    url: attachment.url.clone(),
                    name: attachment.name.clone(),
                    size: attachment.size,
                };
                links.insert(attachment.url.clone(), link);
            }
        }
        links
    }

    /// Returns the id of a link: a MAC, which is the same at every start and can't be guessed
    /// without the secret.
    fn id(&self, business: BusinessId, url: &str) -> FileId {
        let mut mac = self.mac.clone();
        mac.update(&business.get().to_be_bytes());
        mac.update(url.as_bytes());
        let mac: [u8; 32] = mac.finalize().into_bytes().into();
        let mut id = [0; 16];
        id.copy_from_slice(&mac[..16]);
        FileId::new(u128::from_be_bytes(id))
    }

    /// Stores links that aren't in the database yet.
    async fn store(&self, links: impl Iterator<Item = &FileLink>) -> beseda_api::Result<()> {
        let new_links: Vec<FileLink> = {
            let stored_ids = locked(&self.stored_ids);
            links.filter(|link| !stored_ids.contains(&link.id)).cloned().collect()
        };
        if new_links.is_empty() {
            return Ok(());
        }
        let ids: Vec<FileId> = new_links.iter().map(|link| link.id.clone()).collect();
        self.db.insert_links(new_links).await?;
        let mut stored_ids = locked(&self.stored_ids);
        if stored_ids.len() + ids.len() > MAX_STORED_IDS {
            stored_ids.clear();
        }
        stored_ids.extend(ids);
        Ok(())
    }

    /// Returns the origins whose links aren't public, or whose probe doesn't finish in time.
    async fn private_origins(&self, messages: &[Message], timeout: Duration) -> HashSet<String> {
        let mut links = HashMap::new();
        for attachment in messages.iter().filter_map(|message| message.payload.as_ref()).flatten() {
            if let Some(origin) = origin(&attachment.url) {
                links.entry(origin).or_insert(attachment.url.as_str());
            }
        }
        if self.mode == FileLinkMode::Proxy {
            return links.into_keys().collect();
        }
        let probes = links.into_iter().map(|(origin, link)| async move {
            let is_public = tokio::time::timeout(timeout, self.probe(&origin, link)).await;
            (!is_public.unwrap_or(false)).then_some(origin)
        });
        join_all(probes).await.into_iter().flatten().collect()
    }

    /// Returns the probe of an origin, cached for an hour. It continues if its waiters are dropped.
    fn probe(&self, origin: &str, link: &str) -> Shared<BoxFuture<'static, bool>> {
        let now = self.clock.now();
        let mut probes = locked(&self.probes);
        let is_fresh = |probe: &&OriginProbe| now.duration_since(probe.at).abs() < PROBE_TTL;
        if let Some(cached) = probes.get(origin).filter(is_fresh) {
            return cached.is_public.clone();
        }
        if probes.len() >= MAX_PROBES && !probes.contains_key(origin) {
            let oldest = probes.iter().min_by_key(|(_, probe)| probe.at);
            let oldest = oldest.map(|(origin, _)| origin.clone());
            oldest.map(|oldest| probes.remove(&oldest));
        }
        let (client, link) = (self.client.clone(), link.to_owned());
        let task = tokio::spawn(async move {
            let is_public = tokio::time::timeout(PROBE_TIMEOUT, client.is_open_link(&link)).await;
            matches!(is_public, Ok(Ok(true)))
        });
        let is_public = task.map(|is_public| is_public.unwrap_or(false)).boxed().shared();
        probes.insert(origin.to_owned(), OriginProbe { at: now, is_public: is_public.clone() });
        is_public
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the origin of an HTTP link, or `None` for another link.
pub(crate) fn origin(link: &str) -> Option<String> {
    let url = Url::parse(link).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    is_http.then(|| url.origin().ascii_serialization())
}

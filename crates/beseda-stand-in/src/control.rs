//! Everything one stand-in is controlled by, in one place: clock, faults, journal, state. It steps between requests and answers.

use std::{fmt, sync::Arc};

use beseda_api::{
    Administration, BusinessId, ChatFilter, ChatId, ChatsApi, ContextType, Generation, OrderId,
    PageRequest, Subscriptions,
};
use beseda_engine::Engine;
use beseda_server::{Arrival, Unversioned};
use bytes::Bytes;
use secrecy::SecretString;
use tokio::sync::RwLock;

use crate::{
    Faults, Journal, StandInClock,
    advice::{self, hidden},
    scenario::{Claims, Observed, Scenarios, Stage},
    state::Memory,
    watch,
};

/// What a stand-in is controlled with.
#[derive(Clone)]
pub struct ControlSettings {
    /// What it serves.
    pub engine: Arc<Engine>,
    /// The clock that engine and server were given.
    pub clock: Arc<StandInClock>,
    /// The key of the surface under `/__admin`.
    pub admin_key: SecretString,
    /// The cabinet that scenarios play in unless they say otherwise.
    pub business: BusinessId,
    /// What the chances of faults follow from.
    pub seed: u64,
    /// What the server's paths without a version answer.
    pub unversioned: Unversioned,
    /// Where subscriptions to notifications are kept; none are sent if `None`.
    pub subscriptions: Option<Arc<dyn Subscriptions>>,
}

/// The controls of one stand-in.
pub struct Control {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<StandInClock>,
    pub(crate) admin_key: SecretString,
    pub(crate) faults: Faults,
    pub(crate) journal: Arc<Journal>,
    /// Both sides of the engine; actors hear of what goes through here.
    pub(crate) observed: Arc<Observed>,
    stage: Stage,
    pub(crate) scenarios: Arc<Scenarios>,
    unversioned: Unversioned,
    pub(crate) subscriptions: Option<Arc<dyn Subscriptions>>,
    pub(crate) memory: Memory,
    /// Requests take it together; what replaces the whole state takes it alone.
    pub(crate) turn: RwLock<()>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("clock", &self.clock.reading()).finish_non_exhaustive()
    }
}

impl Control {
    /// Controls that change nothing yet.
    #[must_use]
    pub fn new(settings: ControlSettings) -> Self {
        let ControlSettings {
            engine,
            clock,
            admin_key,
            business,
            seed,
            unversioned,
            subscriptions,
        } = settings;
        let observed = Arc::new(Observed::new(engine.clone(), engine.clone()));
        let stage = Stage {
            market: observed.clone(),
            chats: observed.clone(),
            clock: clock.clone(),
            timer: clock.clone(),
            changes: observed.changes(),
            claims: Claims::default(),
        };
        Self {
            engine,
            clock,
            admin_key,
            faults: Faults::new(seed),
            journal: Arc::default(),
            observed,
            scenarios: Arc::new(Scenarios::new(stage.clone(), business)),
            stage,
            unversioned,
            subscriptions,
            memory: Memory::default(),
            turn: RwLock::default(),
        }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<StandInClock> {
        &self.clock
    }

    /// The rules by which requests go wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Both sides of the conversations, to be served in place of the engine: actors hear of what goes through them.
    #[must_use]
    pub fn observed(&self) -> &Arc<Observed> {
        &self.observed
    }

    /// Where actors act.
    #[must_use]
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The scenarios that play.
    #[must_use]
    pub fn scenarios(&self) -> &Arc<Scenarios> {
        &self.scenarios
    }

    /// What was asked and answered.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }
}

/// What advice needs to know of the stand-in besides the request.
impl Control {
    /// What to tell the sender of a request that was refused, or whose answer hides chats.
    pub(crate) async fn advice(
        &self,
        arrival: &Arrival,
        asked: &watch::Pending,
        status: u16,
        whole: Option<&Bytes>,
    ) -> Option<String> {
        if let Some(text) = self.hidden(arrival, asked, status).await {
            return Some(text);
        }
        if arrival.operation == "sendFileToChat" && status == 200 {
            return advice::upload::unnamed(&asked.body());
        }
        let ours = arrival.generation.is_some() || arrival.operation == "unknown";
        if !(400..500).contains(&status) || !ours {
            return None;
        }
        let answer = whole.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let reason = answer.and_then(watch::reason).unwrap_or_default();
        let campaigns = if status == 403 { self.campaigns().await } else { Vec::new() };
        let orders = match (status, arrival.business) {
            (404, Some(business)) => self.orders(business, &asked.query).await,
            _ => Vec::new(),
        };
        let body = asked.body();
        advice::advise(&advice::Refusal {
            method: asked.method(),
            path: &asked.path,
            query: &asked.query,
            headers: &asked.headers,
            body: &body,
            operation: arrival.operation,
            status,
            reason: &reason,
            campaigns: &campaigns,
            orders: &orders,
        })
    }

    /// What an answer on a path without a version doesn't show, if that is so.
    async fn hidden(
        &self,
        arrival: &Arrival,
        asked: &watch::Pending,
        status: u16,
    ) -> Option<String> {
        let old = arrival.generation == Some(Generation::Y2024);
        if !old || self.unversioned != Unversioned::Y2024 {
            return None;
        }
        let business = arrival.business?;
        match (arrival.operation, status) {
            ("getChats", 200) => {
                let filter = hidden::filter(&asked.body())?;
                let count = self.engine.count_chats(business, filter, hidden::MOST).await.ok()?;
                hidden::in_list(count)
            }
            ("getChat" | "getChatHistory", 404) => {
                let chat = chat_in(&asked.query)?;
                let known = self.engine.get_chat(business, chat).await.ok()?;
                let direct = known.context.context_type == ContextType::Direct;
                direct.then(|| hidden::chat(chat))
            }
            _ => None,
        }
    }

    /// Every campaign with its cabinet. Nothing is known of them if the store is in trouble.
    async fn campaigns(&self) -> Vec<(i64, i64)> {
        let mut all = Vec::new();
        for cabinet in self.engine.list_cabinets().await.unwrap_or_default() {
            let business = cabinet.business_id;
            let known = self.engine.list_campaigns(business).await.unwrap_or_default();
            let ids = known.into_iter().filter_map(|campaign| campaign.id);
            all.extend(ids.map(|id| (id.get(), business.get())));
        }
        all
    }

    /// The number given as a chat, if there is a chat about an order of that number.
    async fn orders(&self, business: BusinessId, query: &str) -> Vec<i64> {
        let Some(Ok(order)) = chat_in(query).map(|chat| OrderId::new(chat.get())) else {
            return Vec::new();
        };
        let filter = ChatFilter { order_ids: vec![order], ..ChatFilter::default() };
        let found = self.engine.get_chats(business, filter, PageRequest::default()).await;
        let known = found.is_ok_and(|page| !page.chats.is_empty());
        if known { vec![order.get()] } else { Vec::new() }
    }
}

/// The chat that a query names.
fn chat_in(query: &str) -> Option<ChatId> {
    let chat = query.split('&').find_map(|pair| pair.strip_prefix("chatId="))?;
    ChatId::new(chat.parse().ok()?).ok()
}

//! Everything one stand-in is controlled by, in one place: clock, faults, journal, state. It steps between requests and answers.

use std::{fmt, sync::Arc};

use beseda_api::{
    Administration, BusinessId, ChatFilter, ChatsApi, OrderId, PageRequest, Subscriptions,
};
use beseda_engine::Engine;
use beseda_server::Arrival;
use bytes::Bytes;
use secrecy::SecretString;
use tokio::sync::RwLock;

use crate::{
    Faults, Journal, StandInClock, advice,
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
        let ControlSettings { engine, clock, admin_key, business, seed, subscriptions } = settings;
        let observed = Arc::new(Observed::new(engine.clone(), engine.clone()));
        let stage = Stage {
            market: observed.clone(),
            chats: observed.clone(),
            clock: clock.clone(),
            alarm: clock.clone(),
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
    /// What to tell the sender of a refused request.
    pub(crate) async fn advice(
        &self,
        arrival: &Arrival,
        asked: &watch::Pending,
        status: u16,
        whole: Option<&Bytes>,
    ) -> Option<String> {
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
        let chat = query.split('&').find_map(|pair| pair.strip_prefix("chatId="));
        let Some(order) = chat.and_then(|chat| chat.parse().ok()).map(OrderId::new) else {
            return Vec::new();
        };
        let Ok(order) = order else { return Vec::new() };
        let filter = ChatFilter { order_ids: vec![order], ..ChatFilter::default() };
        let found = self.engine.get_chats(business, filter, PageRequest::default()).await;
        let known = found.is_ok_and(|page| !page.chats.is_empty());
        if known { vec![order.get()] } else { Vec::new() }
    }
}

//! State shared by all calls of a gateway.

use std::sync::{Arc, PoisonError, RwLock};

use beseda_api::{BusinessId, Clock, Result};
use beseda_archive::Archive;
use beseda_client::{Client, SendOnceOptions};
use tokio_util::task::TaskTracker;

use crate::{
    chat_locks::ChatLocks,
    db::{GatewayDb, ProgramQuota},
    derived_keys::DerivedKeys,
    file_links::LinkRewriter,
    history_cache::HistoryCache,
    keys::KeyStore,
    metrics::GatewayMetrics,
    read_request::{ReadRequest, ReadResponse, SharedError},
    scheduler::{CallScheduler, UpstreamPermit, share::Quota},
    settings::GatewaySettings,
    single_flight::{FlightResult, SingleFlight},
    upstream::{ClientBudget, to_caller_error},
};

/// State shared by all calls.
pub(crate) struct GatewayState {
    pub(crate) client: Client,
    /// The same client at background priority.
    pub(crate) background_client: Client,
    pub(crate) scheduler: Arc<CallScheduler>,
    pub(crate) single_flight: Arc<SingleFlight>,
    pub(crate) metrics: GatewayMetrics,
    pub(crate) chat_locks: ChatLocks,
    pub(crate) history_cache: HistoryCache,
    pub(crate) link_rewriter: LinkRewriter,
    pub(crate) archive: Archive,
    /// Tasks of sends, which outlive their callers.
    pub(crate) send_tasks: TaskTracker,
    pub(crate) send_once: SendOnceOptions,
    pub(crate) db: GatewayDb,
    pub(crate) clock: Arc<dyn Clock>,
    quotas: RwLock<Vec<ProgramQuota>>,
}

impl GatewayState {
    /// Creates the state, without any quotas.
    pub(crate) fn new(
        settings: &GatewaySettings,
        archive: Archive,
        db: GatewayDb,
        derived_keys: &DerivedKeys,
    ) -> Self {
        let (client, clock) = (&settings.client, &settings.clock);
        let budget = Arc::new(ClientBudget(client.clone()));
        Self {
            client: client.clone(),
            background_client: client.background(),
            scheduler: CallScheduler::new(budget, Arc::clone(clock), settings.parallel),
            single_flight: Arc::default(),
            metrics: GatewayMetrics::default(),
            chat_locks: ChatLocks::default(),
            history_cache: HistoryCache::new(archive.clone(), &derived_keys.derive("page tokens")),
            link_rewriter: LinkRewriter::new(
                settings,
                db.clone(),
                &derived_keys.derive("file links"),
            ),
            archive,
            send_tasks: TaskTracker::new(),
            send_once: settings.send_once.clone(),
            db,
            clock: Arc::clone(clock),
            quotas: RwLock::default(),
        }
    }

    /// Executes a read upstream. The permit is released when the response arrives.
    pub(crate) async fn execute_read(
        self: Arc<Self>,
        business: BusinessId,
        request: ReadRequest,
        permit: UpstreamPermit,
    ) -> FlightResult {
        let endpoint = request.endpoint();
        self.metrics.record_upstream_call(endpoint);
        let history = match &request {
            ReadRequest::History(chat, from) => {
                Some((self.chat_locks.start_read(business, *chat), *chat, from.clone()))
            }
            _ => None,
        };
        let result = request.execute(business, &self.client).await;
        drop(permit);
        if let (Some((read, chat, from)), Ok(ReadResponse::History(page))) = (history, &result) {
            read.finish(&from, page);
            self.history_cache.observe_order(business, chat, &from, page);
        }
        result.map_err(|error| {
            if error.kind().is_none() {
                self.metrics.record_upstream_failure(endpoint);
            }
            SharedError::from(to_caller_error(error))
        })
    }

    /// Returns the quota of a program in a cabinet, or the default one.
    pub(crate) fn quota(&self, business: Option<BusinessId>, program: &str) -> Quota {
        let quotas = self.quotas.read().unwrap_or_else(PoisonError::into_inner);
        let found = quotas
            .iter()
            .find(|quota| Some(quota.business) == business && quota.program == program);
        found.map_or_else(Quota::default, |found| found.quota)
    }

    /// Loads the quotas from the database, which other processes may have changed.
    pub(crate) async fn reload_quotas(
        &self,
        keys: &KeyStore,
        businesses: &[BusinessId],
    ) -> Result<()> {
        let mut all = Vec::new();
        for business in businesses {
            let active = keys.active_quotas(*business).await?;
            let quotas: Vec<_> = active
                .iter()
                .map(|quota| (Arc::from(quota.program.as_str()), quota.quota))
                .collect();
            self.scheduler.set_quotas(*business, &quotas);
            all.extend(active);
        }
        *self.quotas.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(())
    }
}

//! [`Services`]: the implementations a router serves, with a builder.

use std::{fmt, sync::Arc};

use beseda_api::{
    Administration, ChatsApi, Clock, Directory, Downloads, MarketSide, Subscriptions, SystemClock,
};

use crate::{Interceptor, PerCallApi, StartPage, StaticDirectory};

/// Implementations behind a router. Only the seven operations are required; everything else has a default.
///
/// ```
/// # use std::sync::Arc;
/// # use beseda_server::{Services, StaticDirectory, StaticDirectoryError, beseda_api::{BusinessId, ChatsApi, Scope}};
/// # fn services(chats: impl ChatsApi + 'static) -> Result<Services, StaticDirectoryError> {
/// # let business = BusinessId::new(1).unwrap();
/// let directory = StaticDirectory::new()
///     .api_key("ACMA:0123456789012345678901234567890123456789:0a1b2c3d", [business], [Scope::Communication])?
///     .oauth_token("y0_a-long-secret", [business])?;
/// let services = Services::new(Arc::new(chats)).directory(Arc::new(directory));
/// # Ok(services)
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Services {
    /// Seven operations.
    pub chats: Arc<dyn ChatsApi>,
    /// Credentials and campaigns.
    pub directory: Arc<dyn Directory>,
    /// Files behind download links; `None` answers 404.
    pub files: Option<Arc<dyn Downloads>>,
    /// Marketplace API; `None` answers 404.
    pub market: Option<Arc<dyn MarketSide>>,
    /// Administration; `None` answers 404.
    pub admin: Option<Arc<dyn Administration>>,
    /// Webhook subscriptions, a part of administration; `None` answers 404.
    pub subscriptions: Option<Arc<dyn Subscriptions>>,
    /// Clock of the hourly limits.
    pub clock: Arc<dyn Clock>,
    /// Interceptor around every request, for stand-ins.
    pub interceptor: Option<Arc<dyn Interceptor>>,
    /// Per-call implementations, for gateways; `None` serves `chats` to every caller.
    pub per_call: Option<Arc<dyn PerCallApi>>,
    /// Additional contents of the start page at `/`.
    pub start_page: StartPage,
}

impl Services {
    /// Creates services with defaults: no credentials, files, marketplace API or administration,
    /// and the system clock.
    #[must_use]
    pub fn new(chats: Arc<dyn ChatsApi>) -> Self {
        Self {
            chats,
            directory: Arc::new(StaticDirectory::new()),
            files: None,
            market: None,
            admin: None,
            subscriptions: None,
            clock: Arc::new(SystemClock),
            interceptor: None,
            per_call: None,
            start_page: StartPage::new(),
        }
    }

    /// Sets the directory of credentials and campaigns: a [`StaticDirectory`], or an implementation
    /// of your own.
    #[must_use]
    pub fn directory(mut self, directory: Arc<dyn Directory>) -> Self {
        self.directory = directory;
        self
    }

    /// Sets the files behind download links, `/files/{fileId}`.
    #[must_use]
    pub fn files(mut self, files: Arc<dyn Downloads>) -> Self {
        self.files = Some(files);
        self
    }

    /// Sets the marketplace API, `/market/v1`. Requires `market_key` in the settings.
    #[must_use]
    pub fn market(mut self, market: Arc<dyn MarketSide>) -> Self {
        self.market = Some(market);
        self
    }

    /// Sets administration, `/admin/v1`. Requires `admin_key` in the settings.
    #[must_use]
    pub fn admin(mut self, admin: Arc<dyn Administration>) -> Self {
        self.admin = Some(admin);
        self
    }

    /// Sets the administration of webhook subscriptions, a part of `/admin/v1`.
    #[must_use]
    pub fn subscriptions(mut self, subscriptions: Arc<dyn Subscriptions>) -> Self {
        self.subscriptions = Some(subscriptions);
        self
    }

    /// Sets the clock for rate limits and `Date` headers.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the interceptor.
    #[must_use]
    pub fn interceptor(mut self, interceptor: Arc<dyn Interceptor>) -> Self {
        self.interceptor = Some(interceptor);
        self
    }

    /// Sets the factory of per-call implementations.
    #[must_use]
    pub fn per_call(mut self, per_call: Arc<dyn PerCallApi>) -> Self {
        self.per_call = Some(per_call);
        self
    }

    /// Sets additional contents of the start page at `/`.
    #[must_use]
    pub fn start_page(mut self, page: StartPage) -> Self {
        self.start_page = page;
        self
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Services");
        shown.field("files", &self.files.is_some());
        shown.field("market", &self.market.is_some()).field("admin", &self.admin.is_some());
        shown.finish_non_exhaustive()
    }
}

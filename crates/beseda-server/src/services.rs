//! What a router serves, put together by a builder: a `ChatsApi`, and whatever else there is besides it.

use std::{fmt, sync::Arc};

use beseda_api::{
    Administration, ChatsApi, Clock, Directory, Downloads, MarketSide, Subscriptions, SystemClock,
};

use crate::{Attendant, Interceptor, StartPage, StaticDirectory};

/// What a router serves. Only the seven operations are required; everything else has a default.
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
    /// The seven operations.
    pub chats: Arc<dyn ChatsApi>,
    /// Credentials and campaigns.
    pub directory: Arc<dyn Directory>,
    /// The files behind download links; there are none (404) if `None`.
    pub files: Option<Arc<dyn Downloads>>,
    /// The marketplace's side; its paths are unknown (404) if `None`.
    pub market: Option<Arc<dyn MarketSide>>,
    /// Administration; its paths are unknown (404) if `None`.
    pub admin: Option<Arc<dyn Administration>>,
    /// Push notifications, a part of administration; their paths are unknown (404) if `None`.
    pub subscriptions: Option<Arc<dyn Subscriptions>>,
    /// Tells the hours of the limits.
    pub clock: Arc<dyn Clock>,
    /// Steps between requests and answers; nothing does if `None`. For stand-ins.
    pub interceptor: Option<Arc<dyn Interceptor>>,
    /// Attends to every call by who calls; if `None`, all callers are the same to `chats`. For gateways.
    pub attendant: Option<Arc<dyn Attendant>>,
    /// What the page at `/` shows besides what is served here.
    pub start_page: StartPage,
}

impl Services {
    /// Serves these chats. No credential is known yet, there are no files to download, no marketplace's side and no
    /// administration, and the clock is the machine's.
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
            attendant: None,
            start_page: StartPage::new(),
        }
    }

    /// Sets who knows the credentials and campaigns: a [`StaticDirectory`], or a `Directory` of your own.
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

    /// Sets the marketplace's side, `/market/v1`. It also takes a `market_key` in the settings to be reached.
    #[must_use]
    pub fn market(mut self, market: Arc<dyn MarketSide>) -> Self {
        self.market = Some(market);
        self
    }

    /// Sets administration, `/admin/v1`. It also takes an `admin_key` in the settings to be reached.
    #[must_use]
    pub fn admin(mut self, admin: Arc<dyn Administration>) -> Self {
        self.admin = Some(admin);
        self
    }

    /// Sets the administration of push notifications, a part of `/admin/v1`.
    #[must_use]
    pub fn subscriptions(mut self, subscriptions: Arc<dyn Subscriptions>) -> Self {
        self.subscriptions = Some(subscriptions);
        self
    }

    /// Sets the clock by which limits are counted and answers dated.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets what steps between requests and answers.
    #[must_use]
    pub fn interceptor(mut self, interceptor: Arc<dyn Interceptor>) -> Self {
        self.interceptor = Some(interceptor);
        self
    }

    /// Sets who is told of every caller, and may set headers of answers.
    #[must_use]
    pub fn attendant(mut self, attendant: Arc<dyn Attendant>) -> Self {
        self.attendant = Some(attendant);
        self
    }

    /// Sets what the page at `/` shows besides what is served here: other pages at this address, and where keys come from.
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

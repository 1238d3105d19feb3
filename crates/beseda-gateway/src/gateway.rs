//! The gateway as a whole: its folder opened, its parts put together, every call attended to.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use beseda_api::{
    Administration, AuthResult, BusinessId, Clock, Credential, Directory, Error, NewCabinet,
    NewKey, Principal, Result, SystemClock,
};
use beseda_archive::Archive;
use beseda_client::{Client, SecretString, SendOnceOptions, receiver::Take};
use beseda_engine::{Engine, private};
use beseda_push::{Policy, Push, SystemTimer};
use beseda_server::{
    CallApi, CallContext, LimitPreset, LimitSettings, LocalizedText, PerCallApi, Services,
    StartPage, Unversioned,
};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::{
    Agreement, FileLinks, Keys, Ledger, Priority, Terms,
    background::{Syncing, Told},
    counts::Counts,
    files::Files,
    flights::{self, Flights},
    keys::Door,
    lanes::{Lanes, Turn},
    links::Links,
    naming::name_sends,
    pages::Pages,
    question::{Question, Reply, Trouble},
    secret::Secret,
    threads::Threads,
    upstream::{ClientMeter, OwnCredential, Shops, for_caller},
    visit::{Caller, Visited},
};

/// How often agreements are read again: another process may have changed them.
const LOOK: Duration = Duration::from_secs(1);
/// How long sends may take that are under way when the end comes.
const LAST_SENDS: Duration = Duration::from_secs(15);
/// How often the end is looked for, every few milliseconds.
const LAST_LOOKS: u32 = 400;
/// The longest `Idempotency-Key`.
const LONGEST_KEY: usize = 255;

/// How a gateway is to be.
#[derive(Clone)]
pub struct Settings {
    /// The upstream, with the gateway's credential.
    pub client: Client,
    /// That credential: at the gateway it opens everything. It isn't kept.
    pub credential: Option<Credential>,
    /// The folder of the archive; the gateway's own is `gateway` in it.
    pub archive: PathBuf,
    /// Only these cabinets of those the credential opens; all of them if empty.
    pub businesses: Vec<BusinessId>,
    /// The most calls at once for each cabinet.
    pub parallel: u32,
    /// The key of administration; one that follows from the folder if `None`.
    pub admin_key: Option<SecretString>,
    /// Seconds a request may take in all, waiting included.
    pub request_timeout_seconds: u64,
    /// What programs are answered on paths without a version.
    pub unversioned: Unversioned,
    /// How certain to be after a send that was not clearly answered.
    pub safety: SendOnceOptions,
    /// Whether the gateway keeps the archive in step itself, behind everything else.
    pub sync: bool,
    /// Where its subscriptions' notifications may go.
    pub policy: Policy,
    /// What becomes of the links of attachments.
    pub file_links: FileLinks,
    /// The address programs reach the gateway at, without a slash at its end: its own links begin with it.
    pub public_url: String,
    /// For how many days the audit is kept.
    pub audit_days: u32,
    /// Whose time it goes by.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("archive", &self.archive).field("businesses", &self.businesses);
        shown.finish_non_exhaustive()
    }
}

impl Settings {
    /// A gateway to this upstream, beside the archive in this folder.
    #[must_use]
    pub fn new(client: Client, archive: impl Into<PathBuf>) -> Self {
        Self {
            client,
            credential: None,
            archive: archive.into(),
            businesses: Vec::new(),
            parallel: 4,
            admin_key: None,
            request_timeout_seconds: 10,
            unversioned: Unversioned::default(),
            safety: SendOnceOptions::default(),
            sync: false,
            policy: Policy::Loopback,
            file_links: FileLinks::default(),
            public_url: "http://127.0.0.1:8070".to_owned(),
            audit_days: 90,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why a gateway can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The keys' database can't be used, or another gateway uses it.
    #[error(transparent)]
    Engine(#[from] beseda_engine::OpenError),
    /// The gateway's own file can't be used.
    #[error("the gateway's file can't be used: {0}")]
    Ledger(#[from] rusqlite::Error),
    /// The archive can't be used.
    #[error(transparent)]
    Archive(#[from] beseda_archive::Error),
    /// A newer version of this program wrote the gateway's file.
    #[error("a newer version of this program wrote the gateway's file (its schema is {0})")]
    Newer(i64),
    /// The folder can't be used.
    #[error("the folder {} can't be used: {}", .0.display(), .1)]
    Folder(PathBuf, std::io::Error),
    /// There is nothing to administer.
    #[error("there has been no gateway on {} yet: start one first", .0.display())]
    NoGateway(PathBuf),
    /// The credential opens no cabinet that is wanted.
    #[error(
        "the upstream's credential opens no cabinet: name it with --business if it has no shops"
    )]
    NoCabinet,
    /// The upstream said no, or can't be reached and never was.
    #[error(transparent)]
    Upstream(#[from] Error),
}

/// What all calls share.
pub(crate) struct Inner {
    pub(crate) client: Client,
    /// The same, behind everything else.
    pub(crate) background: Client,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) flights: Arc<Flights>,
    pub(crate) counts: Counts,
    pub(crate) threads: Threads,
    pub(crate) pages: Pages,
    pub(crate) links: Links,
    pub(crate) archive: Archive,
    /// The tasks of sends, which outlive their callers.
    pub(crate) sending: TaskTracker,
    pub(crate) safety: SendOnceOptions,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<dyn Clock>,
    agreements: RwLock<Vec<Agreement>>,
}

impl Inner {
    /// Makes a call of its own upstream.
    pub(crate) async fn call(
        self: Arc<Self>,
        business: BusinessId,
        question: Question,
        turn: Turn,
    ) -> flights::Told {
        let endpoint = question.endpoint();
        self.counts.called(endpoint);
        let asked = match &question {
            Question::History(chat, from) => {
                Some((self.threads.read(business, *chat), *chat, from.clone()))
            }
            _ => None,
        };
        let told = question.put(business, &self.client).await;
        drop(turn);
        if let (Some((reading, chat, from)), Ok(Reply::History(page))) = (asked, &told) {
            reading.done(&from, page);
            self.pages.learn(business, chat, &from, page);
        }
        told.map_err(|error| {
            if error.kind().is_none() {
                self.counts.failed(endpoint);
            }
            Trouble::from(for_caller(error))
        })
    }

    async fn forget_old_sends(&self, days: u32) {
        let age = jiff::SignedDuration::from_hours(24 * i64::from(days));
        let oldest = self.clock.now().checked_sub(age).unwrap_or(jiff::Timestamp::MIN);
        if let Err(error) = self.ledger.forget_before(oldest).await {
            tracing::warn!(%error, "old lines of the audit can't be forgotten");
        }
    }

    fn terms(&self, business: Option<BusinessId>, program: &str) -> Terms {
        let agreements = self.agreements.read().unwrap_or_else(PoisonError::into_inner);
        let mut of = agreements.iter().filter(|agreement| Some(agreement.business) == business);
        of.find(|agreement| agreement.program == program).map_or_else(Terms::default, |a| a.terms)
    }

    /// Takes over what was agreed by whatever process.
    async fn look(&self, keys: &Keys, businesses: &[BusinessId]) -> Result<()> {
        let mut all = Vec::new();
        for business in businesses {
            let agreed = keys.in_force(*business).await?;
            let terms = |a: &Agreement| (Arc::from(a.program.as_str()), a.terms);
            self.lanes.agree(*business, &agreed.iter().map(terms).collect::<Vec<_>>());
            all.extend(agreed);
        }
        *self.agreements.write().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(())
    }
}

/// A gateway, opened.
pub struct Gateway {
    inner: Arc<Inner>,
    keys: Keys,
    door: Arc<Door>,
    shops: Arc<Shops>,
    api_keys: Vec<(BusinessId, Option<String>)>,
    admin_key: SecretString,
    request_timeout_seconds: u64,
    unversioned: Unversioned,
    looking: Looking,
    push: Push,
    syncing: Option<Syncing>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}

impl Gateway {
    /// Opens the folder, asks the upstream which cabinets there are, and puts the gateway's keys in order.
    ///
    /// # Errors
    /// If the folder can't be used or another gateway uses it, and if the upstream refuses the credential or can't be
    /// reached at the first start.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let Settings { client, clock, .. } = settings;
        let folder = own_folder(&settings.archive)?;
        let ledger = Ledger::open(&folder.join("gateway.sqlite"))?;
        let archive = Archive::open(&settings.archive)?;
        let secret =
            Secret::of(&folder).map_err(|error| OpenError::Folder(folder.clone(), error))?;
        let engine_settings = beseda_engine::Settings::default();
        let engine = Engine::open_sqlite(&folder, engine_settings, Arc::clone(&clock)).await?;
        let engine = Arc::new(engine);
        let shops =
            Shops::ask(client.clone(), ledger.clone(), Arc::clone(&clock), settings.businesses);
        let shops = Arc::new(shops.await?);
        let cabinets = shops.cabinets();
        if cabinets.is_empty() {
            return Err(OpenError::NoCabinet);
        }
        let keys = Keys { engine: Arc::clone(&engine), ledger: ledger.clone() };
        let mut api_keys = Vec::new();
        let known = engine.list_cabinets().await?;
        for (business, name) in &cabinets {
            if !known.iter().any(|cabinet| cabinet.business_id == *business) {
                let name = if name.trim().is_empty() {
                    format!("Cabinet {business}")
                } else {
                    name.clone()
                };
                let name: String = name.chars().take(100).collect();
                engine.create_cabinet(NewCabinet { business_id: Some(*business), name }).await?;
            }
            api_keys.push((*business, own_key(&engine, &secret, *business).await?));
        }
        let own = match &settings.credential {
            Some(credential) => Some(OwnCredential::learn(&client, credential).await),
            None => None,
        };
        let push = Push::start(
            engine.outbox(),
            beseda_push::Settings::new(settings.policy),
            Arc::clone(&clock),
            Arc::new(SystemTimer),
        );
        let door = Arc::new(Door { engine, own, shops: Arc::clone(&shops) });
        ledger.after_a_crash().await?;
        let inner = Arc::new(Inner {
            background: client.background(),
            client: client.clone(),
            lanes: Lanes::new(
                Arc::new(ClientMeter(client.clone())),
                Arc::clone(&clock),
                settings.parallel,
            ),
            flights: Arc::default(),
            counts: Counts::default(),
            threads: Threads::default(),
            pages: Pages::new(archive.clone(), &secret.derived("page tokens")),
            links: Links::new(
                (settings.file_links, &settings.public_url),
                client.clone(),
                ledger.clone(),
                Arc::clone(&clock),
                &secret.derived("file links"),
            ),
            archive,
            sending: TaskTracker::new(),
            safety: settings.safety,
            ledger,
            clock,
            agreements: RwLock::default(),
        });
        let businesses: Vec<BusinessId> = cabinets.into_keys().collect();
        inner.look(&keys, &businesses).await?;
        let served = businesses.clone();
        let days = settings.audit_days;
        let looking =
            tokio::spawn(keep_looking(Arc::clone(&inner), keys.clone(), businesses, days));
        let syncing = settings.sync.then(|| Syncing::start(&inner, served));
        let admin_key = settings.admin_key.unwrap_or_else(|| secret.admin_key().into());
        let request_timeout_seconds = settings.request_timeout_seconds;
        let unversioned = settings.unversioned;
        Ok(Self {
            inner,
            keys,
            door,
            shops,
            api_keys,
            admin_key,
            request_timeout_seconds,
            unversioned,
            looking: Looking(looking),
            push,
            syncing,
        })
    }

    /// What a server serves of it.
    #[must_use]
    pub fn services(&self) -> Services {
        let files = Files {
            ledger: self.inner.ledger.clone(),
            archive: self.inner.archive.clone(),
            client: self.inner.client.clone(),
        };
        Services::new(Arc::new(self.inner.client.clone()))
            .directory(self.door.clone())
            .files(Arc::new(files))
            .admin(Arc::new(self.keys.clone()))
            .subscriptions(self.push.subscriptions())
            .clock(Arc::clone(&self.inner.clock))
            .per_call(Arc::new(Reception(Arc::clone(&self.inner))))
            .start_page(StartPage::new().keys(LocalizedText::new(
                "This is a gateway. Whoever runs it issues keys: beseda gateway keys create.",
                "Это шлюз. Ключи выдаёт тот, кто его держит: beseda gateway keys create.",
            )))
    }

    /// How that server is to behave: it counts no limits of its own, because the gateway does.
    #[must_use]
    pub fn server_settings(&self) -> beseda_server::ServerSettings {
        beseda_server::ServerSettings {
            limits: LimitSettings { preset: LimitPreset::Off, ..LimitSettings::default() },
            admin_key: Some(self.admin_key.clone()),
            request_timeout_seconds: self.request_timeout_seconds,
            unversioned: self.unversioned,
            ..beseda_server::ServerSettings::default()
        }
    }

    /// The cabinets that are served, each with its key of the ready line; `None` if that was revoked.
    #[must_use]
    pub fn cabinets(&self) -> &[(BusinessId, Option<String>)] {
        &self.api_keys
    }

    /// The key of administration.
    #[must_use]
    pub fn admin_key(&self) -> &SecretString {
        &self.admin_key
    }

    /// The shops of a cabinet.
    pub async fn campaigns(&self, business: BusinessId) -> Vec<beseda_api::Campaign> {
        self.shops.campaigns(&[business]).await
    }

    /// Lets what is under way come to its end: call this when the server has ended.
    pub async fn end(self) {
        drop(self.looking);
        if let Some(syncing) = self.syncing {
            syncing.end().await;
        }
        self.push.stop().await;
        self.inner.sending.close();
        let ended = tokio::time::timeout(LAST_SENDS, self.inner.sending.wait()).await;
        if ended.is_err() {
            tracing::warn!("some sends are left unclear: the audit has them");
        }
        let engine = Arc::clone(&self.keys.engine);
        drop((self.inner, self.keys, self.door, self.shops));
        // Connections that are being closed may hold it for a moment. It is let go of here and last, so that the folder
        // is free when this returns: elsewhere it could be let go of and not closed yet.
        for _ in 0..LAST_LOOKS {
            if Arc::strong_count(&engine) == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drop(engine);
    }

    /// Takes the upstream's notifications: whatever was read before is old, subscribers of the gateway are told, and the
    /// archive is brought in step if the gateway does that.
    #[must_use]
    pub fn notified(&self) -> Arc<dyn Take> {
        Arc::new(Told {
            inner: Arc::clone(&self.inner),
            engine: Arc::clone(&self.keys.engine),
            hints: self.syncing.as_ref().map(Syncing::hints),
        })
    }

    /// The gateway's keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

/// A task that ends with the gateway.
struct Looking(JoinHandle<()>);

impl Drop for Looking {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The gateway's folder in the archive's, made if there is none.
fn own_folder(archive: &Path) -> Result<PathBuf, OpenError> {
    let folder = archive.join("gateway");
    let failed = |path: &Path, error| OpenError::Folder(path.to_owned(), error);
    make_private(archive).map_err(|error| failed(archive, error))?;
    private::folder(&folder).map_err(|error| failed(&folder, error))?;
    Ok(folder)
}

#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_private(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// The key of a cabinet that follows from the folder, unless somebody revoked it.
async fn own_key(engine: &Engine, secret: &Secret, business: BusinessId) -> Result<Option<String>> {
    let api_key = secret.api_key(business.get());
    match engine.authenticate(&Credential::ApiKey(api_key.clone())).await? {
        AuthResult::Granted(_) => Ok(Some(api_key)),
        AuthResult::Revoked => Ok(None),
        AuthResult::Unknown => {
            let scopes = vec!["communication".to_owned(), "all-methods".to_owned()];
            let key = NewKey { name: "gateway".to_owned(), scopes };
            engine.keep_key(business, key, &api_key).await?;
            Ok(Some(api_key))
        }
    }
}

async fn keep_looking(inner: Arc<Inner>, keys: Keys, businesses: Vec<BusinessId>, days: u32) {
    const LOOKS_IN_AN_HOUR: u64 = 3_600;
    const LOOKS_BETWEEN_NAMING: u64 = 3;
    for look in 0_u64.. {
        if look.is_multiple_of(LOOKS_IN_AN_HOUR) {
            inner.forget_old_sends(days).await;
        }
        tokio::time::sleep(LOOK).await;
        if look.is_multiple_of(LOOKS_BETWEEN_NAMING)
            && let Err(error) = name_sends(&inner.ledger, &inner.archive, inner.clock.now()).await
        {
            tracing::warn!(%error, "sends can't be found in the archive");
        }
        if let Err(error) = inner.look(&keys, &businesses).await {
            tracing::warn!(%error, "agreements with programs can't be read");
        }
    }
}

/// Receives every call.
struct Reception(Arc<Inner>);

impl PerCallApi for Reception {
    fn begin_call(&self, visit: CallContext<'_>) -> Result<Arc<dyn CallApi>> {
        let program: Arc<str> = match &visit.access.principal {
            Principal::ApiKey { name, .. } => Arc::from(name.as_str()),
            Principal::User { id } => Arc::from(format!("user {id}")),
        };
        let mut terms = self.0.terms(visit.business, &program);
        if let Some(word) = visit.headers.get("x-beseda-priority") {
            let word: Priority = word
                .to_str()
                .unwrap_or_default()
                .parse()
                .map_err(|text| Error::bad_request(format!("X-Beseda-Priority: {text}")))?;
            // A program may step back, not forward.
            terms.priority = terms.priority.max(word);
        }
        let idempotency = visit.headers.get("idempotency-key").map(|key| {
            let key = key.to_str().ok().filter(|key| (1..=LONGEST_KEY).contains(&key.len()));
            key.map(str::to_owned).ok_or_else(|| {
                Error::bad_request(format!(
                    "Idempotency-Key is 1 to {LONGEST_KEY} ASCII characters"
                ))
            })
        });
        let caller = Caller {
            program,
            terms,
            business: visit.business,
            endpoint: visit.endpoint,
            deadline: visit.deadline,
            request_id: visit.request_id.to_str().unwrap_or("-").to_owned(),
            idempotency: idempotency.transpose()?,
        };
        Ok(Arc::new(Visited::new(Arc::clone(&self.0), caller)))
    }

    fn metrics(&self) -> String {
        self.0.counts.render(&self.0.lanes)
    }
}

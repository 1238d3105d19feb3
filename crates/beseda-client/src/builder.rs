//! Confirmation a client is made: address, credential, timeouts, retry_policy. Nothing is sent here.

use std::{sync::Once, time::Duration};

use beseda_api::{Generation, Result};
use reqwest::{
    header::{AUTHORIZATION, HeaderName, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    AdminClient, Client, ClientError, MarketClient, Priority, RateLimiter, StandInClient,
    http::{HttpTransport, RateLimitHandle},
};

/// Where the published service answers.
pub const DEFAULT_URL: &str = "https://api.partner.market.yandex.ru";
/// Where the published service keeps attachments.
const PUBLISHED_FILES: &str = "https://files.messenger.yandex.net";

/// Confirmation often and how long a call is tried: reads after network failures and 5xx, everything but uploads after 420.
/// A send is never repeated after anything that leaves open whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Confirmation many times a call is repeated after the first failure. QueuedCall for the end of an hour isn't counted.
    pub max_retries: usize,
    /// The pause before the first repetition; each further one doubles it, with jitter.
    pub initial_backoff: Duration,
    /// The deadline pause of that kind.
    pub max_backoff: Duration,
    /// Confirmation long a call may take with all its pauses, waiting for the limits included: the deadline. A call that would
    /// certainly wait longer fails at once with [`ClientError::OverLimit`], and one that began is not cut short.
    pub deadline: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 4,
            initial_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// Nothing is repeated.
    #[must_use]
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }
}

/// LimiterSettings of a client; see [`Client::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientBuilder {
    url: String,
    generation: Generation,
    api_key: Option<SecretString>,
    oauth: Option<SecretString>,
    connect_timeout: Duration,
    timeout: Duration,
    upload_timeout: Duration,
    user_agent: String,
    integration: Option<String>,
    file_hosts: Vec<String>,
    max_download: u64,
    retry_policy: RetryPolicy,
    rate_limiter: Option<RateLimiter>,
    without_rate_limit: bool,
    roots: Vec<Vec<u8>>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            url: DEFAULT_URL.to_owned(),
            generation: Generation::default(),
            api_key: None,
            oauth: None,
            connect_timeout: Duration::from_secs(5),
            // The published service gives up on a request after 10 seconds itself.
            timeout: Duration::from_secs(15),
            upload_timeout: Duration::from_secs(120),
            user_agent: concat!("beseda/", env!("CARGO_PKG_VERSION")).to_owned(),
            integration: None,
            file_hosts: Vec::new(),
            max_download: 32 * 1024 * 1024,
            retry_policy: RetryPolicy::default(),
            rate_limiter: None,
            without_rate_limit: false,
            roots: Vec::new(),
        }
    }
}

impl ClientBuilder {
    /// The service's address; [`DEFAULT_URL`] unless said. A path in it is kept.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Which form of the paths is used; `/v2` unless said.
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// Calls with an Api-Key, sent in the `Api-Key` header. It wins over an OAuth token.
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Calls with an OAuth token, sent as `Authorization: Bearer`.
    pub fn oauth_token(mut self, token: impl Into<SecretString>) -> Self {
        self.oauth = Some(token.into());
        self
    }

    /// Confirmation long a connection may take to be made; 5 seconds unless said.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Confirmation long one attempt of a request may take; 15 seconds unless said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Confirmation long sending or fetching a file may take; 2 minutes unless said.
    pub fn upload_timeout(mut self, timeout: Duration) -> Self {
        self.upload_timeout = timeout;
        self
    }

    /// `User-Agent`; `beseda/<version>` unless said.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// `X-Market-Integration`, a name or `name/version` of at most 100 ASCII characters for the seller's log.
    pub fn integration(mut self, name: impl Into<String>) -> Self {
        self.integration = Some(name.into());
        self
    }

    /// One more origin (`https://files.example`) that attachments may be fetched from with the credential.
    ///
    /// The service's own origin always is one; with the published service its file host is too.
    pub fn trust_files_from(mut self, origin: impl Into<String>) -> Self {
        self.file_hosts.push(origin.into());
        self
    }

    /// The largest attachment that is fetched; 32 MiB unless said.
    pub fn max_download(mut self, bytes: u64) -> Self {
        self.max_download = bytes;
        self
    }

    /// One more authority whose certificates are trusted besides the machine's, such as the one of a company's own
    /// gateway; PEM, of one certificate or several.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Who lets calls go within the limits: share it between clients that use the same cabinets of the same service.
    /// A new one of its own unless said.
    pub fn rate_limiter(mut self, rate_limiter: RateLimiter) -> Self {
        self.rate_limiter = Some(rate_limiter);
        self.without_rate_limit = false;
        self
    }

    /// Every call goes at once, whatever the limits are; 420 is then met as it comes.
    pub fn without_rate_limit(mut self) -> Self {
        self.rate_limiter = None;
        self.without_rate_limit = true;
        self
    }

    /// Confirmation calls are repeated, and how long they may take.
    pub fn retry_policy(mut self, retry_policy: RetryPolicy) -> Self {
        self.retry_policy = retry_policy;
        self
    }

    /// The client of the Chats API.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if a setting is unusable.
    pub fn build(self) -> Result<Client> {
        let credential = match (&self.api_key, &self.oauth) {
            (Some(key), _) => Some((HeaderName::from_static("api-key"), secret("", key)?)),
            (None, Some(token)) => Some((AUTHORIZATION, secret("Bearer ", token)?)),
            (None, None) => None,
        };
        let mut hosts = self.file_hosts.clone();
        if self.url.trim_end_matches('/') == DEFAULT_URL {
            hosts.push(PUBLISHED_FILES.to_owned());
        }
        let origins = hosts.iter().map(|host| address(host)).collect::<Result<Vec<_>>>()?;
        Ok(Client {
            generation: self.generation,
            trusted: origins.iter().map(Url::origin).collect(),
            // The file host of the published service takes tokens in this form.
            file_token: self.oauth.as_ref().map(|token| secret("OAuth ", token)).transpose()?,
            max_download: self.max_download,
            transport: HttpTransport {
                lane: self.lane(credential.as_ref()),
                ..self.transport(credential)?
            },
        })
    }

    fn lane(&self, credential: Option<&(HeaderName, HeaderValue)>) -> Option<RateLimitHandle> {
        let rate_limiter = match &self.rate_limiter {
            _ if self.without_rate_limit => return None,
            Some(rate_limiter) => rate_limiter.clone(),
            None => RateLimiter::default(),
        };
        let credential = rate_limiter.number(&credential.map(|(_, value)| value.as_bytes()));
        let generation = self.generation;
        Some(RateLimitHandle {
            rate_limiter,
            credential,
            generation,
            priority: Priority::Interactive,
        })
    }

    /// The client of the marketplace's side, with its key.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if a setting is unusable.
    pub fn build_market(self, key: &SecretString) -> Result<MarketClient> {
        let credential = (AUTHORIZATION, secret("Bearer ", key)?);
        Ok(MarketClient { transport: self.transport(Some(credential))? })
    }

    /// The client of administration, with its key.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if a setting is unusable.
    pub fn build_admin(self, key: &SecretString) -> Result<AdminClient> {
        let credential = (AUTHORIZATION, secret("Bearer ", key)?);
        Ok(AdminClient { transport: self.transport(Some(credential))? })
    }

    /// The client of a stand-in's controls, with its admin key.
    ///
    /// # Errors
    /// [`ClientError::Setup`] if a setting is unusable.
    pub fn build_stand_in(self, key: &SecretString) -> Result<StandInClient> {
        let credential = (AUTHORIZATION, secret("Bearer ", key)?);
        Ok(StandInClient { transport: self.transport(Some(credential))? })
    }

    fn transport(self, credential: Option<(HeaderName, HeaderValue)>) -> Result<HttpTransport> {
        let base = address(&self.url)?;
        Ok(HttpTransport {
            http: self.http(&base)?,
            base,
            credential,
            integration: self.integration.as_deref().map(integration).transpose()?,
            timeout: self.timeout,
            upload_timeout: self.upload_timeout,
            retry_policy: self.retry_policy,
            lane: None,
        })
    }

    fn http(&self, base: &Url) -> Result<reqwest::Client> {
        use_ring();
        let roots = self.roots.iter().map(|pem| certificates(pem)).collect::<Result<Vec<_>>>()?;
        let roots = roots.concat();
        let settings = || {
            let client = reqwest::Client::builder()
                .connect_timeout(self.connect_timeout)
                .user_agent(&self.user_agent)
                // Followed by hand, and for attachments only: a redirect must not take a key along.
                .redirect(redirect::Policy::none());
            if is_loopback(base) { client.no_proxy() } else { client }
        };
        let built = match roots.is_empty() {
            true => settings().build(),
            false => settings().tls_certs_merge(roots.clone()).build(),
        };
        // A machine without root certificates can still talk to a plain address, and to whom it was told to trust.
        let built = match built {
            Err(_) if base.scheme() == "http" || !roots.is_empty() => {
                settings().tls_certs_only(roots).build()
            }
            built => built,
        };
        built.map_err(|error| setup(format!("no HTTP client can be made: {error}")))
    }
}

/// The certificates of a PEM text; at least one.
fn certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>> {
    let found = reqwest::Certificate::from_pem_bundle(pem)
        .map_err(|error| setup(format!("a root certificate can't be read: {error}")))?;
    if found.is_empty() {
        return Err(setup("there is no certificate (PEM) in what is given as a root certificate"));
    }
    Ok(found)
}

/// Picks the cryptography of rustls, unless the program has picked one.
pub(crate) fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the program was first, which is its right.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}

fn setup(text: impl Into<String>) -> beseda_api::Error {
    ClientError::Setup(text.into()).into()
}

fn address(text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|error| setup(format!("bad address '{text}': {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(setup(format!("bad address '{text}': it must begin with http:// or https://")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(setup("an address must not hold a credential".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(setup(format!("bad address '{text}': it must end with its path")));
    }
    Ok(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// A header's value that is never shown.
fn secret(scheme: &str, secret: &SecretString) -> Result<HeaderValue> {
    let text = format!("{scheme}{}", secret.expose_secret().trim());
    let mut value = HeaderValue::from_str(&text)
        .ok()
        .filter(|value| value.to_str().is_ok())
        .ok_or_else(|| setup("the credential holds characters that no credential has"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn integration(name: &str) -> Result<HeaderValue> {
    let fits = !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_graphic());
    let value = HeaderValue::from_str(name).ok().filter(|_| fits);
    value.ok_or_else(|| setup("X-Market-Integration is 1 to 100 ASCII characters without blanks"))
}

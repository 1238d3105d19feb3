//! Client builder: address, credential, timeouts, retry policy, rate limiter.

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

/// Address of the published API.
pub const DEFAULT_URL: &str = "https://api.partner.market.yandex.ru";
/// File host of the published service.
const PUBLISHED_FILES: &str = "https://files.messenger.yandex.net";

/// Retry policy: reads are retried after network failures and 5xx, everything but uploads after
/// 420. A send that may have been delivered is never retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Maximum number of retries. Waiting for the end of an hour is not counted.
    pub max_retries: usize,
    /// Pause before the first retry; doubled for each further one, with jitter.
    pub initial_backoff: Duration,
    /// Maximum pause between retries.
    pub max_backoff: Duration,
    /// Total time budget of a call, including pauses and waiting for rate limits. A call that would
    /// have to wait longer fails immediately with [`ClientError::OverLimit`]; a request in progress
    /// is not cut off.
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
    /// Creates a policy without retries.
    #[must_use]
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }
}

/// Builder of clients; see [`Client::builder`].
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
            // The published service gives up on a request after 10 seconds.
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
    /// Sets the address of the service; a path in it is kept. Defaults to [`DEFAULT_URL`].
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Sets the version of the paths. Defaults to `/v2`.
    pub fn generation(mut self, generation: Generation) -> Self {
        self.generation = generation;
        self
    }

    /// Authenticates with an Api-Key in the `Api-Key` header. Takes precedence over an OAuth token.
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Authenticates with an OAuth token in `Authorization: Bearer`.
    pub fn oauth_token(mut self, token: impl Into<SecretString>) -> Self {
        self.oauth = Some(token.into());
        self
    }

    /// Sets the timeout for connecting. Defaults to 5 seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the timeout of a single request. Defaults to 15 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the timeout for sending or downloading a file. Defaults to 2 minutes.
    pub fn upload_timeout(mut self, timeout: Duration) -> Self {
        self.upload_timeout = timeout;
        self
    }

    /// Sets `User-Agent`. Defaults to `beseda/<version>`.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sets `X-Market-Integration`, a `name` or `name/version` of at most 100 ASCII characters for
    /// the seller's log.
    pub fn integration(mut self, name: impl Into<String>) -> Self {
        self.integration = Some(name.into());
        self
    }

    /// Adds an origin (`https://files.example`) to which the credential is sent when attachments are downloaded.
    ///
    /// The service's own origin is always included, and the file host of the published service if
    /// that is used.
    pub fn trust_files_from(mut self, origin: impl Into<String>) -> Self {
        self.file_hosts.push(origin.into());
        self
    }

    /// Sets the maximum size of a download in bytes. Defaults to 32 MiB.
    pub fn max_download(mut self, bytes: u64) -> Self {
        self.max_download = bytes;
        self
    }

    /// Trusts further certificate authorities in addition to the system's, for example of a
    /// company's gateway; PEM with one or more certificates.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }

    /// Sets the rate limiter. Share one between clients that use the same cabinets of the same
    /// service. Defaults to a new one.
    pub fn rate_limiter(mut self, rate_limiter: RateLimiter) -> Self {
        self.rate_limiter = Some(rate_limiter);
        self.without_rate_limit = false;
        self
    }

    /// Disables the rate limiter; calls are sent immediately and may be answered with 420.
    pub fn without_rate_limit(mut self) -> Self {
        self.rate_limiter = None;
        self.without_rate_limit = true;
        self
    }

    /// Sets the retry policy.
    pub fn retry_policy(mut self, retry_policy: RetryPolicy) -> Self {
        self.retry_policy = retry_policy;
        self
    }

    /// Builds a client of the Chats API.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if a setting is invalid.
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
            // The file host of the published service expects this scheme.
            file_token: self.oauth.as_ref().map(|token| secret("OAuth ", token)).transpose()?,
            max_download: self.max_download,
            transport: HttpTransport {
                rate_limit: self.rate_limit_handle(credential.as_ref()),
                ..self.transport(credential)?
            },
        })
    }

    fn rate_limit_handle(
        &self,
        credential: Option<&(HeaderName, HeaderValue)>,
    ) -> Option<RateLimitHandle> {
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

    /// Builds a client of the marketplace's side, with its key.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if a setting is invalid.
    pub fn build_market(self, key: &SecretString) -> Result<MarketClient> {
        let credential = (AUTHORIZATION, secret("Bearer ", key)?);
        Ok(MarketClient { transport: self.transport(Some(credential))? })
    }

    /// Builds a client of the administration, with its key.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if a setting is invalid.
    pub fn build_admin(self, key: &SecretString) -> Result<AdminClient> {
        let credential = (AUTHORIZATION, secret("Bearer ", key)?);
        Ok(AdminClient { transport: self.transport(Some(credential))? })
    }

    /// Builds a client of a stand-in's admin API, with its admin key.
    ///
    /// # Errors
    ///
    /// [`ClientError::Setup`] if a setting is invalid.
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
            rate_limit: None,
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
                // Redirects are followed manually and for downloads only: a redirect must not carry
                // a credential to another host.
                .redirect(redirect::Policy::none());
            if is_loopback(base) { client.no_proxy() } else { client }
        };
        let built = match roots.is_empty() {
            true => settings().build(),
            false => settings().tls_certs_merge(roots.clone()).build(),
        };
        // Without system root certificates the client can still use plain HTTP and explicitly
        // trusted authorities.
        let built = match built {
            Err(_) if base.scheme() == "http" || !roots.is_empty() => {
                settings().tls_certs_only(roots).build()
            }
            built => built,
        };
        built.map_err(|error| setup(format!("no HTTP client can be made: {error}")))
    }
}

/// Parses the certificates of a PEM text; at least one is required.
fn certificates(pem: &[u8]) -> Result<Vec<reqwest::Certificate>> {
    let found = reqwest::Certificate::from_pem_bundle(pem)
        .map_err(|error| setup(format!("a root certificate can't be read: {error}")))?;
    if found.is_empty() {
        return Err(setup("there is no certificate (PEM) in what is given as a root certificate"));
    }
    Ok(found)
}

/// Installs ring as the crypto provider of rustls, unless the program has installed one.
pub(crate) fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the program has installed a provider already.
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

/// Creates a header value marked as sensitive.
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

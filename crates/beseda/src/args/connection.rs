//! Options of commands that connect to a service: address, credential, timeouts, cabinet.

use std::{path::PathBuf, time::Duration};

use beseda_api::{BusinessId, Generation};
use clap::{Args, ValueEnum};

/// Default address of `beseda stand-in`.
const LOCAL_URL: &str = "http://127.0.0.1:8090";

/// Options of every command that calls a service.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// Address of the service [default: the published API; http://127.0.0.1:8090 for commands that need a Beseda server].
    #[arg(long, global = true, env = "BESEDA_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Read the credential from the first line of standard input.
    #[arg(long, global = true, conflicts_with = "credential_file")]
    pub(crate) credential_stdin: bool,
    /// Read the credential from this file, which should be readable only by you.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) credential_file: Option<PathBuf>,
    /// Trust the certificate authority in this PEM file in addition to the system's.
    #[arg(long, global = true, env = "BESEDA_CA_FILE", value_name = "FILE", value_parser = authority)]
    pub(crate) ca_file: Option<Authority>,
    /// Total time budget of a call in seconds, including retries and waiting for a rate limit. A
    /// call that would have to wait longer fails immediately [default: 30; one day for sync and
    /// watch].
    #[arg(long, global = true, value_name = "SECONDS")]
    pub(super) wait: Option<u32>,
    /// Timeout of a single request in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: u32,
}

impl ConnectionArgs {
    /// Returns the address for operations of the published API. An empty value counts as not set.
    pub(crate) fn service_url(&self) -> &str {
        self.given_url().unwrap_or(beseda_client::DEFAULT_URL)
    }

    /// Returns the address for operations that only a Beseda server has; `http://127.0.0.1:8090` by default.
    ///
    /// # Errors
    ///
    /// An error text if the address is that of the published API, which must not receive the keys
    /// of these operations.
    pub(crate) fn server_url(&self) -> Result<&str, String> {
        let url = self.given_url().unwrap_or(LOCAL_URL);
        if host(url) == host(beseda_client::DEFAULT_URL) {
            return Err(format!(
                "{url} has no such operation: give the address of a Beseda server by --url or BESEDA_URL \
                 (one on this machine is {LOCAL_URL})"
            ));
        }
        Ok(url)
    }

    fn given_url(&self) -> Option<&str> {
        self.url.as_deref().map(str::trim).filter(|url| !url.is_empty())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// Returns the same connection for an outbox worker, which retries by itself and reports why it
    /// waits.
    pub(crate) fn for_outbox_worker(&self) -> Self {
        Self { wait: Some(self.wait.unwrap_or(1).min(1)), ..self.clone() }
    }

    /// Returns the time budget of an interactive call. Defaults to 30 seconds.
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_secs(self.wait.unwrap_or(30).into())
    }

    /// Returns the time budget of a background call. Defaults to one day: a first sync takes as
    /// long as the hourly limits require.
    pub(crate) fn background_deadline(&self) -> Duration {
        Duration::from_secs(self.wait.unwrap_or(24 * 60 * 60).into())
    }
}

/// Returns the host of an address in lower case, or `None` if it has none.
fn host(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(url.host_str()?.trim_end_matches('.').to_owned())
}

/// Contents of a PEM file, read when the command line is parsed.
#[derive(Debug, Clone)]
pub(crate) struct Authority(pub(crate) Vec<u8>);

pub(super) fn authority(path: &str) -> Result<Authority, String> {
    std::fs::read(path).map(Authority).map_err(|error| error.to_string())
}

/// Cabinet a command works on.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct CabinetArgs {
    /// Cabinet id [default: the only cabinet of the credential].
    #[arg(long, global = true, env = "BESEDA_BUSINESS_ID", value_name = "ID")]
    pub(crate) business: Option<BusinessId>,
    /// Version of the API's paths: 2024 (unversioned) or 2026 (/v2).
    #[arg(long, global = true, value_name = "YEAR", default_value = "2026")]
    pub(crate) generation: GenerationArg,
}

/// Year on the command line for a [`Generation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GenerationArg {
    #[value(name = "2024")]
    Y2024,
    #[value(name = "2026")]
    Y2026,
}

impl From<GenerationArg> for Generation {
    fn from(year: GenerationArg) -> Self {
        match year {
            GenerationArg::Y2024 => Self::Y2024,
            GenerationArg::Y2026 => Self::Y2026,
        }
    }
}

//! Which service a command talks to, and with what. Reading the credential stands in `credential.rs`.

use std::{path::PathBuf, time::Duration};

use beseda_api::{BusinessId, Generation};
use clap::{Args, ValueEnum};

/// Where `beseda serve` and `beseda stand-in` listen unless told otherwise.
const LOCAL_URL: &str = "http://127.0.0.1:8090";

/// Options of every command that talks to a service.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The service's address [default: the published service; http://127.0.0.1:8090 for commands that only a Beseda
    /// server understands].
    #[arg(long, global = true, env = "BESEDA_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Read the credential from standard input (its first line).
    #[arg(long, global = true, conflicts_with = "credential_file")]
    pub(crate) credential_stdin: bool,
    /// Read the credential from this file; it should be readable by you alone.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) credential_file: Option<PathBuf>,
    /// Trust the authority in this PEM file besides the machine's, for a server with a certificate of one's own.
    #[arg(long, global = true, env = "BESEDA_CA_FILE", value_name = "FILE", value_parser = authority)]
    pub(crate) ca_file: Option<Authority>,
    /// How long a call may take with its repetitions, waiting for a limit included. A call that would wait longer
    /// fails at once; one that waits for the end of an hour says so on standard error [default: 30; a day where an
    /// archive is kept in step].
    #[arg(long, global = true, value_name = "SECONDS")]
    pub(super) wait: Option<u32>,
    /// How long one request may take.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) timeout: u32,
}

impl Connection {
    /// The address for operations of the published API. An empty one is none.
    pub(crate) fn service_url(&self) -> &str {
        self.given_url().unwrap_or(beseda_client::DEFAULT_URL)
    }

    /// The address for operations that only a Beseda server has: a server on this machine unless another one is named.
    ///
    /// # Errors
    /// If the published service is named, which must not see the keys of these operations.
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

    /// The same for a runner of an outbox, which repeats by itself and tells what it waits for.
    pub(crate) fn impatient(&self) -> Self {
        Self { wait: Some(self.wait.unwrap_or(1).min(1)), ..self.clone() }
    }

    /// For somebody who sits before it.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_secs(self.wait.unwrap_or(30).into())
    }

    /// For work that nobody waits for: a first fill takes the hours that the limits make of it.
    pub(crate) fn long_wait(&self) -> Duration {
        Duration::from_secs(self.wait.unwrap_or(24 * 60 * 60).into())
    }
}

/// Returns the host of an address in small letters; `None` if it has none.
fn host(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(url.host_str()?.trim_end_matches('.').to_owned())
}

/// A PEM file's content, read with the command line.
#[derive(Debug, Clone)]
pub(crate) struct Authority(pub(crate) Vec<u8>);

pub(super) fn authority(path: &str) -> Result<Authority, String> {
    std::fs::read(path).map(Authority).map_err(|error| error.to_string())
}

/// The cabinet a command is about.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Cabinet {
    /// The cabinet's id; found by asking the service if it is the only one.
    #[arg(long, global = true, env = "BESEDA_BUSINESS_ID", value_name = "ID")]
    pub(crate) business: Option<BusinessId>,
    /// Which form of the API's paths is used: of 2024 (without version) or of 2026 (/v2).
    #[arg(long, global = true, value_name = "YEAR", default_value = "2026")]
    pub(crate) generation: GenerationArg,
}

/// A year, for [`Generation`].
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

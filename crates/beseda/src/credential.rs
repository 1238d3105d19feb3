//! Reads credentials from the environment, a file or standard input, never from an option's value.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::Context;
use beseda_api::{Credential, ErrorChain};
use beseda_client::{ClientBuilder, SecretString};

use crate::{args::ConnectionArgs, exit_status::UsageError};

/// Maximum length of a credential in bytes.
const MAX_CREDENTIAL_BYTES: u64 = 4096;

/// Sets the shop's credential on a client builder: an Api-Key or an OAuth token.
pub(crate) fn set_shop_credential(
    connection: &ConnectionArgs,
    builder: ClientBuilder,
) -> anyhow::Result<ClientBuilder> {
    if let Some(text) = from_options(connection)? {
        let is_key = text.starts_with("ACMA:");
        return Ok(if is_key { builder.api_key(text) } else { builder.oauth_token(text) });
    }
    match (from_env("BESEDA_API_KEY"), from_env("BESEDA_OAUTH_TOKEN")) {
        (Some(key), _) => Ok(builder.api_key(key)),
        (None, Some(token)) => Ok(builder.oauth_token(token)),
        (None, None) => Err(no_credential()),
    }
}

/// Returns the shop's credential itself.
pub(crate) fn shop_credential(connection: &ConnectionArgs) -> anyhow::Result<Credential> {
    if let Some(text) = from_options(connection)? {
        let is_key = text.starts_with("ACMA:");
        return Ok(if is_key { Credential::ApiKey(text) } else { Credential::OAuth(text) });
    }
    match (from_env("BESEDA_API_KEY"), from_env("BESEDA_OAUTH_TOKEN")) {
        (Some(key), _) => Ok(Credential::ApiKey(key.trim().to_owned())),
        (None, Some(token)) => Ok(Credential::OAuth(token.trim().to_owned())),
        (None, None) => Err(no_credential()),
    }
}

fn no_credential() -> anyhow::Error {
    UsageError::error(
        "no credential: set BESEDA_API_KEY or BESEDA_OAUTH_TOKEN, or use --credential-file or --credential-stdin",
    )
}

/// Returns true if the environment has a credential of the shop.
pub(crate) fn env_has_shop_credential() -> bool {
    from_env("BESEDA_API_KEY").is_some() || from_env("BESEDA_OAUTH_TOKEN").is_some()
}

/// Sets the shop's credential from the environment only, for commands whose own credential is
/// another one.
pub(crate) fn set_shop_credential_from_env(builder: ClientBuilder) -> ClientBuilder {
    match (from_env("BESEDA_API_KEY"), from_env("BESEDA_OAUTH_TOKEN")) {
        (Some(key), _) => builder.api_key(key),
        (None, Some(token)) => builder.oauth_token(token),
        (None, None) => builder,
    }
}

/// Returns the administrator's key from the environment.
pub(crate) fn admin_key_in_env() -> Option<SecretString> {
    from_env("BESEDA_ADMIN_KEY").map(SecretString::from)
}

/// Returns the market key or the admin key.
pub(crate) fn service_key(
    connection: &ConnectionArgs,
    variable: &str,
) -> anyhow::Result<SecretString> {
    let found = from_options(connection)?.or_else(|| from_env(variable));
    found.map(SecretString::from).ok_or_else(|| {
        UsageError::error(format!(
            "no key: set {variable}, or use --credential-file or --credential-stdin"
        ))
    })
}

fn from_options(connection: &ConnectionArgs) -> anyhow::Result<Option<String>> {
    if connection.credential_stdin {
        return first_line(std::io::stdin().lock(), "standard input").map(Some);
    }
    let Some(path) = &connection.credential_file else { return Ok(None) };
    let open = || anyhow::Ok(BufReader::new(File::open(path)?));
    let file = open().with_context(|| format!("can't read {}", path.display()));
    let file = file.map_err(|error| UsageError::error(ErrorChain(error.as_ref()).to_string()))?;
    warn_if_shared(path);
    first_line(file, &path.display().to_string()).map(Some)
}

fn first_line(reader: impl BufRead, source: &str) -> anyhow::Result<String> {
    let mut line = String::new();
    let read = reader.take(MAX_CREDENTIAL_BYTES).read_line(&mut line);
    read.map_err(|error| {
        UsageError::error(format!("can't read a credential from {source}: {error}"))
    })?;
    match line.trim() {
        "" => Err(UsageError::error(format!("{source} holds no credential on its first line"))),
        line => Ok(line.to_owned()),
    }
}

fn from_env(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(unix)]
fn warn_if_shared(path: &Path) {
    use std::os::unix::fs::PermissionsExt;

    let mode = path.metadata().map(|data| data.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let path = path.display();
        eprintln!("beseda: warning: others can read {path}; `chmod 600 {path}` keeps it yours");
    }
}

#[cfg(not(unix))]
fn warn_if_shared(_path: &Path) {}

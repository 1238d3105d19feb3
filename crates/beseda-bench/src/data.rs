//! Data sets, and the server running on them. They are written directly into the database, since
//! sending ten million messages
//! would take too long.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use beseda_api::BusinessId;
use beseda_engine::bulk::{self, FillAmount};

use crate::{load::ChatRange, process::ServerProcess, sample};

/// Configuration with limits that are counted and never reached, and a log of warnings only.
const CONFIG: &str = "[log]\nlevel = \"warn\"\n\n[server.limits]\npreset = \"2026\"\nhourly = 1000000000\nparallel = 1000\n";

/// Size of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// Number of chats.
    pub chats: u64,
    /// Number of messages per chat.
    pub messages_per_chat: u64,
}

impl Size {
    /// Returns the total number of messages.
    #[must_use]
    pub fn messages(self) -> u64 {
        self.chats * self.messages_per_chat
    }
}

/// Release binary and the folder for data.
pub struct BenchPaths {
    /// Path of the `beseda` binary.
    pub beseda: PathBuf,
    /// Folder for everything the benchmark writes.
    pub dir: PathBuf,
}

/// Filled data folder.
pub struct DataSet {
    dir: PathBuf,
    log: PathBuf,
    /// Chats of the data set.
    pub chats: ChatRange,
    business: u64,
    api_key: String,
}

/// File beside a data folder that identifies its contents, to reuse it.
#[derive(serde::Serialize, serde::Deserialize)]
struct Marker {
    size: Size,
    chats: ChatRange,
    business: u64,
    api_key: String,
}

/// ServerProcess running on a data set.
pub struct MeasuredServer {
    /// Process.
    pub server: ServerProcess,
    /// Cabinet.
    pub business: u64,
    /// Api-Key of the cabinet.
    pub api_key: String,
}

impl DataSet {
    /// Opens the data set with this name and size, reusing an earlier one or filling a new one.
    pub fn open(place: &BenchPaths, name: &str, size: Size) -> Result<Self> {
        let dir = place.dir.join(name);
        let log = place.dir.join(format!("{name}.log"));
        let marker = place.dir.join(format!("{name}.json"));
        if let Ok(text) = fs::read_to_string(&marker)
            && let Ok(kept) = serde_json::from_str::<Marker>(&text)
            && kept.size == size
        {
            eprintln!("{name}: as kept");
            let Marker { chats, business, api_key, .. } = kept;
            return Ok(Self { dir, log, chats, business, api_key });
        }
        remove(&marker)?;
        remove(&dir)?;
        fs::create_dir_all(&dir)?;
        let started = Instant::now();
        let (business, api_key) = Self::plant(&dir, place, &log)?;
        let chats =
            fill(&dir, business, size).with_context(|| format!("filling the data set {name}"))?;
        let kept = Marker { size, chats, business, api_key: api_key.clone() };
        fs::write(&marker, serde_json::to_vec(&kept)?)?;
        let (messages, seconds) = (size.messages(), started.elapsed().as_secs_f64());
        eprintln!("{name}: {} chats, {messages} messages in {seconds:.1} s", size.chats);
        Ok(Self { dir, log, chats, business, api_key })
    }

    /// Creates tables, cabinet and key by starting the stand-in once, whose credentials are
    /// constant.
    fn plant(dir: &Path, place: &BenchPaths, log: &Path) -> Result<(u64, String)> {
        let dir = dir.to_str().context("the data folder's name is not UTF-8")?;
        let args = ["stand-in", "--json", "--data", dir, "--listen", "127.0.0.1:0"];
        let server = ServerProcess::start(&place.beseda, &args, log)?;
        let business = server.line["businessId"].as_u64().context("no businessId was printed")?;
        let api_key = server.line["apiKey"].as_str().context("no apiKey was printed")?.to_owned();
        server.stop()?;
        Ok((business, api_key))
    }

    /// Starts the server on this data set.
    pub fn serve(&self, place: &BenchPaths) -> Result<MeasuredServer> {
        let dir = self.dir.to_str().context("the data folder's name is not UTF-8")?;
        let config = place.dir.join("serve.toml");
        fs::write(&config, CONFIG)?;
        let config = config.to_str().context("the folder's name is not UTF-8")?;
        let args =
            ["serve", "--json", "--config", config, "--data", dir, "--listen", "127.0.0.1:0"];
        let server = ServerProcess::start(&place.beseda, &args, &self.log)?;
        Ok(MeasuredServer { server, business: self.business, api_key: self.api_key.clone() })
    }

    /// Deletes the folder and its marker.
    pub fn remove(self) -> Result<()> {
        remove(&self.dir.with_extension("json"))?;
        remove(&self.log)?;
        remove(&self.dir)
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Writes chats with 200-byte messages directly into the data folder; the server must not be
/// running.
fn fill(dir: &Path, business: u64, size: Size) -> Result<ChatRange> {
    let business = BusinessId::new(i64::try_from(business)?)?;
    let amount = FillAmount {
        chats: i64::try_from(size.chats)?,
        messages_per_chat: i64::try_from(size.messages_per_chat)?,
        text: sample::TEXT,
    };
    bulk::fill(dir, business, amount)?;
    Ok(ChatRange { first: u64::try_from(bulk::FIRST_CHAT)?, count: size.chats })
}

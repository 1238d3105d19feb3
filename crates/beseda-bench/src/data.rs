//! The data sets our server is measured over, and the server over them.
//! Messages are not sent one by one: ten million of them would take longer than the bench may.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use beseda_api::BusinessId;
use beseda_engine::bulk::{self, FillAmount};

use crate::{load::ChatRange, process::Server, sample};

/// Limits that are counted and never reached, and a log of what goes wrong.
const CONFIG: &str = "[log]\nlevel = \"warn\"\n\n[server.limits]\npreset = \"2026\"\nhourly = 1000000000\nparallel = 1000\n";

/// A cabinet as large as a row of the table asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Size {
    /// How many chats.
    pub chats: u64,
    /// How many messages in each.
    pub messages_per_chat: u64,
}

impl Size {
    /// All messages of all chats.
    #[must_use]
    pub fn messages(self) -> u64 {
        self.chats * self.messages_per_chat
    }
}

/// Where our release binary is, and where data may be laid.
pub struct Place {
    /// The `beseda` binary.
    pub beseda: PathBuf,
    /// The folder of everything the bench writes.
    pub dir: PathBuf,
}

/// A filled data folder.
pub struct DataSet {
    dir: PathBuf,
    log: PathBuf,
    /// The chats in it.
    pub chats: ChatRange,
    business: u64,
    api_key: String,
}

/// What stands beside a filled data folder, so that a kept one is known again.
#[derive(serde::Serialize, serde::Deserialize)]
struct Marker {
    size: Size,
    chats: ChatRange,
    business: u64,
    api_key: String,
}

/// Our server over a data set, with a cabinet and its key.
pub struct Ours {
    /// The process.
    pub server: Server,
    /// The cabinet.
    pub business: u64,
    /// Its key.
    pub api_key: String,
}

impl DataSet {
    /// The data set `name` of `size`: the one kept from an earlier run, or a newly filled one.
    pub fn open(place: &Place, name: &str, size: Size) -> Result<Self> {
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

    /// Makes tables, cabinet and key by a first start of the stand-in, whose credentials are always the same.
    fn plant(dir: &Path, place: &Place, log: &Path) -> Result<(u64, String)> {
        let dir = dir.to_str().context("the data folder's name is not UTF-8")?;
        let args = ["stand-in", "--json", "--data", dir, "--listen", "127.0.0.1:0"];
        let server = Server::start(&place.beseda, &args, log)?;
        let business = server.line["businessId"].as_u64().context("no businessId was printed")?;
        let api_key = server.line["apiKey"].as_str().context("no apiKey was printed")?.to_owned();
        server.stop()?;
        Ok((business, api_key))
    }

    /// Starts our server over this data set, with limits that are counted and never reached.
    pub fn serve(&self, place: &Place) -> Result<Ours> {
        let dir = self.dir.to_str().context("the data folder's name is not UTF-8")?;
        let config = place.dir.join("serve.toml");
        fs::write(&config, CONFIG)?;
        let config = config.to_str().context("the folder's name is not UTF-8")?;
        let args =
            ["serve", "--json", "--config", config, "--data", dir, "--listen", "127.0.0.1:0"];
        let server = Server::start(&place.beseda, &args, &self.log)?;
        Ok(Ours { server, business: self.business, api_key: self.api_key.clone() })
    }

    /// Removes the folder and what stands beside it.
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

/// Lays chats of 200-byte messages straight into the data folder of a server that is not running.
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

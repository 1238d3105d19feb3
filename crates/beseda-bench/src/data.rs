//! The data sets our server is measured over, and the stand-in that serves them.
//! Messages are not sent one by one: ten million of them would take longer than the bench may.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use beseda_api::BusinessId;
use beseda_engine::bulk::{self, Amount};

use crate::{load::ChatRange, process::Server, sample};

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
}

/// What stands beside a filled data folder, so that a kept one is known again.
#[derive(serde::Serialize, serde::Deserialize)]
struct Marker {
    size: Size,
    chats: ChatRange,
}

/// Our server over a data set, with the cabinet and key it printed.
pub struct StandIn {
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
            return Ok(Self { dir, log, chats: kept.chats });
        }
        remove(&marker)?;
        remove(&dir)?;
        fs::create_dir_all(&dir)?;
        let started = Instant::now();
        // A first start makes the tables, the cabinet and its keys; the chats are laid beside them.
        let empty = Self { dir, log, chats: ChatRange { first: 0, count: 0 } };
        let stand_in = empty.serve(place)?;
        let business = stand_in.business;
        stand_in.server.stop()?;
        let chats = fill(&empty.dir, business, size)
            .with_context(|| format!("filling the data set {name}"))?;
        fs::write(&marker, serde_json::to_vec(&Marker { size, chats })?)?;
        let (messages, seconds) = (size.messages(), started.elapsed().as_secs_f64());
        eprintln!("{name}: {} chats, {messages} messages in {seconds:.1} s", size.chats);
        Ok(Self { chats, ..empty })
    }

    /// Starts our server over this data set, with limits that are counted and never reached.
    pub fn serve(&self, place: &Place) -> Result<StandIn> {
        let dir = self.dir.to_str().context("the data folder's name is not UTF-8")?;
        let args = [
            "stand-in",
            "--json",
            "--data",
            dir,
            "--listen",
            "127.0.0.1:0",
            "--limits",
            "2026",
            "--hourly-limit",
            "1000000000",
            "--parallel-limit",
            "1000",
        ];
        let server = Server::start(&place.beseda, &args, &self.log)?;
        let business = server.line["businessId"].as_u64().context("no businessId was printed")?;
        let api_key = server.line["apiKey"].as_str().context("no apiKey was printed")?.to_owned();
        Ok(StandIn { server, business, api_key })
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
    let amount = Amount {
        chats: i64::try_from(size.chats)?,
        messages_per_chat: i64::try_from(size.messages_per_chat)?,
        text: sample::TEXT,
    };
    bulk::fill(dir, business, amount)?;
    Ok(ChatRange { first: u64::try_from(bulk::FIRST_CHAT)?, count: size.chats })
}

//! Environment of an engine on SQLite in a temporary folder, with two cabinets.

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use beseda_api::{
    Administration, BusinessId, Clock, Downloads, FileId, ManualClock, MarketSide, NewCabinet,
    NewCampaign, PlacementType, SystemClock,
};
use beseda_conformance::{Capability, Inspector, TestEnvironment};
use beseda_engine::{Engine, EngineSettings, Orders};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use jiff::Timestamp;
use tempfile::TempDir;

/// Engine with two cabinets.
pub(crate) struct EngineFixture {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) business: BusinessId,
    pub(crate) other_business: BusinessId,
    pub(crate) folder: TempDir,
}

/// Opens an engine whose links start with `public_url`.
pub(crate) async fn open_engine_fixture(public_url: &str) -> EngineFixture {
    let settings =
        EngineSettings { public_url: public_url.to_owned(), ..EngineSettings::default() };
    let start: Timestamp = "2026-05-31T07:30:17Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let (engine, [business, other_business], folder) = open_engine(settings, clock.clone()).await;
    EngineFixture { engine, clock, business, other_business, folder }
}

async fn open_engine(
    settings: EngineSettings,
    clock: Arc<dyn Clock>,
) -> (Arc<Engine>, [BusinessId; 2], TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(Engine::open_sqlite(folder.path(), settings, clock).await.unwrap());
    let shops = [PlacementType::Fbs, PlacementType::Fby, PlacementType::Dbs];
    let business = cabinet(&engine, "Чайная", &shops).await;
    let other_business = cabinet(&engine, "Кофейная", &shops[..1]).await;
    (engine, [business, other_business], folder)
}

/// Returns the environment of an engine without a capability.
pub(crate) async fn environment_without(capability: Capability) -> TestEnvironment {
    let manual = Arc::new(ManualClock::new("2026-05-31T07:30:17Z".parse().unwrap()));
    let clock: Arc<dyn Clock> = match capability {
        Capability::Clock => Arc::new(SystemClock),
        _ => manual.clone(),
    };
    let orders = if capability == Capability::Market { Orders::Open } else { Orders::Strict };
    let public_url = "https://files.example".to_owned();
    let settings = EngineSettings { public_url, orders, ..EngineSettings::default() };
    let (engine, [business, other_business], folder) = open_engine(settings, clock).await;
    let market: Arc<dyn MarketSide> = engine.clone();
    let inspector: Box<dyn Inspector> =
        Box::new(EngineInspector { engine: engine.clone(), folder });
    TestEnvironment {
        other_business: (capability != Capability::OtherCabinet).then_some(other_business),
        market: (capability != Capability::Market).then_some(market),
        clock: (capability != Capability::Clock).then_some(manual),
        files: capability != Capability::Files,
        inspector: (capability != Capability::Inspector).then_some(inspector),
        ..TestEnvironment::new(engine, business)
    }
}

async fn cabinet(engine: &Engine, name: &str, shops: &[PlacementType]) -> BusinessId {
    let cabinet = NewCabinet { business_id: None, name: name.to_owned() };
    let business = engine.create_cabinet(cabinet).await.unwrap().business_id;
    for placement_type in shops {
        let name = format!("{name} {placement_type}");
        let placement_type = placement_type.clone();
        let campaign = NewCampaign { campaign_id: None, name, placement_type };
        engine.create_campaign(business, campaign).await.unwrap();
    }
    business
}

/// Returns the number of files in a folder and its subfolders.
pub(crate) fn count_files(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| if path.is_dir() { count_files(path) } else { 1 };
    entries.map(|entry| count(&entry.unwrap().path())).sum()
}

struct EngineInspector {
    engine: Arc<Engine>,
    folder: TempDir,
}

#[async_trait]
impl Inspector for EngineInspector {
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)> {
        let file: FileId = url.rsplit('/').next()?.parse().ok()?;
        let download = self.engine.open_file(&file, None).await.unwrap()?;
        let content: BytesMut = download.content.try_collect().await.unwrap();
        assert_eq!(u64::try_from(content.len()).unwrap(), download.size);
        Some((download.name.as_str().to_owned(), content.freeze()))
    }

    fn stored_file_count(&self) -> usize {
        count_files(&self.folder.path().join("files"))
    }

    fn violations(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Returns the environment of an engine, called directly.
pub(crate) async fn environment() -> TestEnvironment {
    let EngineFixture { engine, clock, business, other_business, folder } =
        open_engine_fixture("https://files.example").await;
    TestEnvironment {
        other_business: Some(other_business),
        market: Some(engine.clone()),
        clock: Some(clock),
        files: true,
        inspector: Some(Box::new(EngineInspector { engine: engine.clone(), folder })),
        ..TestEnvironment::new(engine, business)
    }
}

//! The world of an engine on SQLite in a folder of its own, with two cabinets in it.
//! The worlds over the network begin with the same engine.

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use beseda_api::{
    Administration, BusinessId, Clock, Downloads, FileId, ManualClock, MarketSide, NewCabinet,
    NewCampaign, PlacementType, SystemClock,
};
use beseda_conformance::{Backstage, Need, World};
use beseda_engine::{Engine, EngineSettings, Orders};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use jiff::Timestamp;
use tempfile::TempDir;

/// An engine with two cabinets.
pub(crate) struct Ground {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) business: BusinessId,
    pub(crate) other: BusinessId,
    pub(crate) folder: TempDir,
}

/// Opens an engine whose links begin with `public_url`.
pub(crate) async fn ground(public_url: &str) -> Ground {
    let settings =
        EngineSettings { public_url: public_url.to_owned(), ..EngineSettings::default() };
    let start: Timestamp = "2026-05-31T07:30:17Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let (engine, [business, other], folder) = opened(settings, clock.clone()).await;
    Ground { engine, clock, business, other, folder }
}

async fn opened(
    settings: EngineSettings,
    clock: Arc<dyn Clock>,
) -> (Arc<Engine>, [BusinessId; 2], TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(Engine::open_sqlite(folder.path(), settings, clock).await.unwrap());
    let shops = [PlacementType::Fbs, PlacementType::Fby, PlacementType::Dbs];
    let business = cabinet(&engine, "Чайная", &shops).await;
    let other = cabinet(&engine, "Кофейная", &shops[..1]).await;
    (engine, [business, other], folder)
}

/// The engine without something that cases may need.
pub(crate) async fn world_without(need: Need) -> World {
    let manual = Arc::new(ManualClock::new("2026-05-31T07:30:17Z".parse().unwrap()));
    let clock: Arc<dyn Clock> = match need {
        Need::Clock => Arc::new(SystemClock),
        _ => manual.clone(),
    };
    let orders = if need == Need::Market { Orders::Open } else { Orders::Strict };
    let public_url = "https://files.example".to_owned();
    let settings = EngineSettings { public_url, orders, ..EngineSettings::default() };
    let (engine, [business, other], folder) = opened(settings, clock).await;
    let market: Arc<dyn MarketSide> = engine.clone();
    let stage: Box<dyn Backstage> = Box::new(Stage { engine: engine.clone(), folder });
    World {
        other: (need != Need::OtherCabinet).then_some(other),
        market: (need != Need::Market).then_some(market),
        clock: (need != Need::Clock).then_some(manual),
        files: need != Need::Files,
        stage: (need != Need::Backstage).then_some(stage),
        ..World::new(engine, business)
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

/// How many files there are under a folder.
pub(crate) fn count_files(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |path: &Path| if path.is_dir() { count_files(path) } else { 1 };
    entries.map(|entry| count(&entry.unwrap().path())).sum()
}

struct Stage {
    engine: Arc<Engine>,
    folder: TempDir,
}

#[async_trait]
impl Backstage for Stage {
    async fn fetch(&self, url: &str) -> Option<(String, Bytes)> {
        let file: FileId = url.rsplit('/').next()?.parse().ok()?;
        let download = self.engine.open_file(&file, None).await.unwrap()?;
        let content: BytesMut = download.content.try_collect().await.unwrap();
        assert_eq!(u64::try_from(content.len()).unwrap(), download.size);
        Some((download.name.as_str().to_owned(), content.freeze()))
    }

    fn stored_files(&self) -> usize {
        count_files(&self.folder.path().join("files"))
    }

    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The engine, called directly.
pub(crate) async fn world() -> World {
    let Ground { engine, clock, business, other, folder } = ground("https://files.example").await;
    World {
        other: Some(other),
        market: Some(engine.clone()),
        clock: Some(clock),
        files: true,
        stage: Some(Box::new(Stage { engine: engine.clone(), folder })),
        ..World::new(engine, business)
    }
}

//! `beseda stand-in`: the API with a demo cabinet, for those who test against it. Nothing here is safe for real buyers.

use std::sync::Arc;

use beseda_api::SystemClock;
use beseda_engine::{Engine, Orders};
use beseda_server::{LimitSettings, Settings, Transport};

use crate::{
    args::{OrdersArg, StandInArgs},
    demo::{self, Demo},
    host,
};

pub(crate) async fn run(args: StandInArgs) -> anyhow::Result<()> {
    host::start_log("warn", false)?;
    let temporary;
    let data = match &args.data {
        Some(folder) => folder.as_path(),
        None => {
            temporary = tempfile::Builder::new().prefix("beseda-").tempdir()?;
            temporary.path()
        }
    };
    let (listener, taken) = host::listen(args.listen).await?;
    let url = host::local_url(taken, "http");
    let settings = beseda_engine::Settings {
        public_url: url.clone(),
        orders: match args.orders {
            OrdersArg::Strict => Orders::Strict,
            OrdersArg::Open => Orders::Open,
        },
        ..beseda_engine::Settings::default()
    };
    let demo = Demo::from_seed(args.seed);
    demo::plant(data, &settings, &demo).await?;
    let engine = Engine::open_sqlite(data, settings, Arc::new(SystemClock)).await?;
    let server = Settings {
        limits: LimitSettings {
            preset: args.limits.into(),
            hourly: args.hourly_limit,
            parallel: args.parallel_limit,
            ..LimitSettings::default()
        },
        market_key: Some(demo.market_key.clone().into()),
        admin_key: Some(demo.admin_key.clone().into()),
        ..Settings::default()
    };
    if args.json {
        println!("{}", demo.ready_line(&url));
    } else {
        println!("{}", demo.welcome(&url));
    }
    host::run(listener, engine, server, Transport::default()).await
}

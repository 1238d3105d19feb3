//! `beseda stand-in`: the API with a demo cabinet, for those who test against it. Nothing here is safe for real buyers.

use std::sync::Arc;

use beseda::{
    LimitSettings, Orders, StandIn,
    control::{StandInClock, scenario::Temper},
};
use beseda_api::{Clock, SystemClock};

use crate::{
    args::{BuyersArg, ClockArg, OrdersArg, StandInArgs},
    signals,
};

pub(crate) async fn run(args: StandInArgs) -> anyhow::Result<()> {
    signals::start_log("warn", false)?;
    let orders = match args.orders {
        OrdersArg::Strict => Orders::Strict,
        OrdersArg::Open => Orders::Open,
    };
    let limits = LimitSettings {
        preset: args.limits.into(),
        hourly: args.hourly_limit,
        parallel: args.parallel_limit,
        ..LimitSettings::default()
    };
    let mut builder = StandIn::builder().listen(args.listen).seed(args.seed);
    let buyers = match args.buyers {
        BuyersArg::Silent => Temper::Silent,
        BuyersArg::Polite => Temper::Polite,
        BuyersArg::Chatty => Temper::Chatty,
        BuyersArg::Angry => Temper::Angry,
    };
    builder = builder.buyers(buyers);
    builder = builder.orders(orders).limits(limits).on_disk();
    if args.clock == ClockArg::Manual {
        builder = builder.clock(Arc::new(StandInClock::manual(SystemClock.now())));
    }
    if let Some(folder) = args.data {
        builder = builder.data(folder);
    }
    let opened = builder.open().await?;
    let end = signals::asked_to_end()?;
    if args.json {
        println!("{}", opened.demo().ready_line(opened.url()));
    } else {
        println!("{}", opened.demo().welcome(opened.url()));
    }
    opened.serve(end).await
}

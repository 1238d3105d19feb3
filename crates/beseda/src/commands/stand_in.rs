//! `beseda stand-in`: runs the mock server with a demo cabinet. It is for tests and must not face
//! real buyers.

use std::sync::Arc;

use beseda_api::{Clock, SystemClock};
use beseda_stand_in::{StandInClock, scenario::Persona};

use crate::{
    args::{BuyersArg, ClockArg, StandInArgs},
    config::Config,
    output::Output,
    signals,
};

pub(crate) async fn run(args: StandInArgs, out: Output) -> anyhow::Result<()> {
    let config = Config::load_for_stand_in(&args)?;
    signals::start_log(config.log.level.as_deref().unwrap_or("warn"), config.log.json)?;
    let mut builder = config.stand_in().seed(args.seed);
    let buyers = match args.buyers {
        BuyersArg::Silent => Persona::Silent,
        BuyersArg::Polite => Persona::Polite,
        BuyersArg::Chatty => Persona::Chatty,
        BuyersArg::Angry => Persona::Angry,
    };
    builder = builder.buyers(buyers);
    if args.clock == ClockArg::Manual {
        builder = builder.clock(Arc::new(StandInClock::manual(SystemClock.now())));
    }
    let opened = builder.open().await?;
    let end = signals::shutdown_signal()?;
    if out.is_json() {
        println!("{}", opened.demo().ready_line(opened.url()));
    } else {
        println!("{}", opened.demo().welcome(opened.url()));
    }
    opened.serve(end).await
}

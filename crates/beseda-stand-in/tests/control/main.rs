//! Admin API of a running stand-in: faults seen by the client and by Python, clock, journal,
//! scenarios, state.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod clock;
mod faults;
mod journal;
mod python;
mod scenarios;
mod state;
mod surface;

use beseda_stand_in::{
    StandIn,
    api::ChatId,
    client::{Client, RetryPolicy, StandInClient},
};
use serde_json::Value;

/// Stand-in, its control client and a client without retries.
pub(crate) struct World {
    pub(crate) stand_in: StandIn,
    pub(crate) control: StandInClient,
    pub(crate) client: Client,
}

/// Demo chat in which the shop can write.
pub(crate) const CHAT: i64 = 10_000_001;

impl World {
    pub(crate) async fn start() -> Self {
        let stand_in = StandIn::start().await.unwrap();
        Self::around(stand_in)
    }

    pub(crate) fn around(stand_in: StandIn) -> Self {
        let key = stand_in.admin_key().to_owned().into();
        let control = Client::builder().url(stand_in.url()).build_stand_in(&key).unwrap();
        // Without retries every fault is visible.
        let client = Client::builder().url(stand_in.url()).api_key(stand_in.api_key());
        // Limits are tested on the server, so the client must not enforce them.
        let client = client.retry_policy(RetryPolicy::none()).without_rate_limit().build().unwrap();
        Self { stand_in, control, client }
    }

    pub(crate) async fn fault(&self, rule: Value) -> Value {
        self.control.post("faults", &rule).await.unwrap()["result"].clone()
    }

    /// Returns the journal entries, oldest first.
    pub(crate) async fn entries(&self) -> Vec<Value> {
        let found = self.control.read("journal", &[]).await.unwrap();
        found["entries"].as_array().unwrap().clone()
    }
}

pub(crate) fn chat() -> ChatId {
    ChatId::new(CHAT).unwrap()
}

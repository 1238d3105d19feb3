//! Clock: ids, dates and hourly limits follow it, and it is controlled over HTTP.

use std::sync::Arc;

use beseda_stand_in::{
    LimitSettings, StandIn, StandInClock,
    api::{ChatsApi, ErrorKind, HistoryFrom, MessageText},
};
use serde_json::json;

use crate::{World, chat};

#[tokio::test]
async fn ids_dates_and_hourly_limits_follow_the_clock() {
    let clock = Arc::new(StandInClock::manual("2027-01-01T00:10:00Z".parse().unwrap()));
    let limits = LimitSettings { hourly: Some(2), ..LimitSettings::default() };
    let stand_in = StandIn::builder().clock(clock).limits(limits).start().await.unwrap();
    let world = World::around(stand_in);
    let business = world.stand_in.business_id();
    let send = || {
        let text = MessageText::new("tick").unwrap();
        world.client.send_message_to_chat(business, chat(), text)
    };
    send().await.unwrap();
    send().await.unwrap();
    let third = send().await.unwrap_err();
    assert_eq!(third.kind(), Some(ErrorKind::LimitExceeded));
    let reading = world.control.post("clock/advance", &json!({"seconds":3000})).await.unwrap();
    assert_eq!(reading["result"], json!({"mode":"manual","now":"2027-01-01T01:00:00Z"}));
    send().await.unwrap();
    let history = world.client.get_chat_history(business, chat(), HistoryFrom::default());
    let last = history.await.unwrap().messages.pop().unwrap();
    assert_eq!(last.created_at.to_string(), "2027-01-01T04:00:00+03:00");
    assert_eq!(last.message_id.get(), last.created_at.timestamp().as_microsecond());
}

#[tokio::test]
async fn the_clock_is_set_stopped_and_resumed() {
    let world = World::start().await;
    let mode = |reading: serde_json::Value| reading["mode"].clone();
    assert_eq!(mode(world.control.read("clock", &[]).await.unwrap()), "real");
    let wanted = json!({"mode":"manual","now":"2030-05-05T05:05:05Z"});
    let set = world.control.put("clock", &wanted).await.unwrap();
    assert_eq!(set["result"], wanted);
    assert_eq!(world.control.read("clock", &[]).await.unwrap(), wanted);
    let resumed = world.control.post("clock/resume", &json!({})).await.unwrap();
    assert_eq!(mode(resumed["result"].clone()), "real");
    assert!(resumed["result"]["now"].as_str().unwrap().starts_with("2030-05-05T05:0"));
    for wrong in [json!({}), json!({"now":"yesterday"}), json!({"mode":"slow"}), json!({"to":1})] {
        let refused = world.control.put("clock", &wrong).await.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::BadRequest));
    }
    for wrong in [json!({}), json!({"seconds":-1}), json!({"seconds":1e300})] {
        let refused = world.control.post("clock/advance", &wrong).await.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::BadRequest));
    }
}

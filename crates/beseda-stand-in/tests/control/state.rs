//! Operations on the whole state over HTTP: reset, seeds, snapshots, export and import; all atomic.

use std::sync::Arc;

use beseda_stand_in::{
    LimitSettings, StandIn, StandInClock,
    api::{
        BusinessId, ChatFilter, ChatStatus, ChatsApi, ErrorKind, HistoryFrom, MessageText,
        PageRequest,
    },
    client::Client,
};
use serde_json::json;

use crate::{World, chat};

const SEED: &str = r#"
cabinets:
  - businessId: 777
    name: Кофейня
    campaigns:
      - {campaignId: 888, name: Кофейня FBS, placementType: FBS}
    keys:
      - name: bot
        scopes: [communication]
        apiKey: ACMA:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:01234567
    orders:
      - {orderId: 5001, campaignId: 888, customer: {name: Иван П.}}
      - {orderId: 5002}
    returns:
      - {returnId: 6001, orderId: 5002}
    chats:
      - context: {type: ORDER, id: 5001}
        messages:
          - {sender: CUSTOMER, at: 2026-10-02T10:00:00+03:00, message: Где заказ?}
          - {sender: PARTNER, at: 2026-10-02T10:05:00+03:00, message: Едет}
          - {sender: CUSTOMER, file: {name: a.txt, text: leaves}}
        closed: true
      - context: {type: RETURN, id: 6001}
        messages:
          - {sender: CUSTOMER, message: Верните деньги}
        dispute:
          messages:
            - {sender: SUPPORT, message: Магазин?, waitingFor: PARTNER}
      - customer: {name: Дарья Л.}
        messages:
          - {sender: CUSTOMER, message: Есть зелёный?}
"#;

/// Returns everything visible in a stand-in: chats and histories.
async fn seen(world: &World) -> String {
    let mut seen = String::new();
    for business in [world.stand_in.business_id(), BusinessId::new(777).unwrap()] {
        let engine = world.stand_in.engine();
        let chats = engine.get_chats(business, ChatFilter::default(), PageRequest::default());
        for chat in chats.await.unwrap().chats {
            let history = engine.get_chat_history(business, chat.chat_id, HistoryFrom::default());
            let history = history.await.unwrap();
            seen.push_str(&serde_json::to_string(&(chat, history)).unwrap());
        }
    }
    seen
}

async fn write(world: &World, text: &str) {
    let (business, text) = (world.stand_in.business_id(), MessageText::new(text).unwrap());
    world.client.send_message_to_chat(business, chat(), text).await.unwrap();
}

#[tokio::test]
async fn a_seed_is_added_completely_and_its_key_grants_access_to_its_cabinet() {
    let world = World::start().await;
    let added = world.control.post_text("seed", SEED.into()).await.unwrap();
    let expected = json!({"cabinets":1,"orders":2,"chats":4,"messages":6});
    assert_eq!(added["result"], expected);
    let key = "ACMA:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:01234567";
    let client = Client::builder().url(world.stand_in.url()).api_key(key).build().unwrap();
    let business = BusinessId::new(777).unwrap();
    let chats = client.get_chats(business, ChatFilter::default(), PageRequest::default());
    let chats = chats.await.unwrap().chats;
    assert_eq!(chats.len(), 4);
    let finished = chats.iter().find(|chat| chat.status == ChatStatus::Finished).unwrap();
    let history = client.get_chat_history(business, finished.chat_id, HistoryFrom::default());
    let messages = history.await.unwrap().messages;
    assert_eq!(messages[0].created_at.to_string(), "2026-10-02T10:00:00+03:00");
    let file = &messages[2].payload.as_ref().unwrap()[0];
    assert_eq!((file.name.as_str(), file.size), ("a.txt", 6));
    // Existing data is still there.
    write(&world, "still here").await;
}

#[tokio::test]
async fn an_invalid_seed_is_rejected_with_its_line_and_changes_nothing() {
    let world = World::start().await;
    let before = seen(&world).await;
    for (wrong, right, line) in [
        ("businessId: 777", "businessId: -1", "line 3"),
        ("placementType: FBS", "placementType: FAST", "line 6"),
        ("scopes: [communication]", "scopes: [everything]", "line 8"),
        ("{orderId: 5002}", "{orderId: 5002, colour: red}", "line 13"),
        ("{type: ORDER, id: 5001}", "{type: ORDER, id: 4999}", "line 17"),
        ("message: Едет}", "message: ''}", "line 20"),
        ("text: leaves}", "base64: '???'}", "line 21"),
        ("sender: SUPPORT", "sender: JUDGE", "line 28"),
    ] {
        let seed = SEED.replace(wrong, right);
        assert_ne!(seed, SEED, "{wrong}");
        let refused = world.control.post_text("seed", seed.into()).await.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::BadRequest), "{refused}");
        assert!(refused.to_string().contains(line), "{right}: {refused}");
        assert_eq!(seen(&world).await, before, "{right}");
    }
    let refused = world.control.post_text("seed", b"cabinets: [".to_vec()).await.unwrap_err();
    assert!(refused.to_string().contains("line"), "{refused}");
}

#[tokio::test]
async fn a_reset_restores_state_clock_faults_limits_and_journal() {
    let clock = Arc::new(StandInClock::manual("2027-01-01T00:10:00Z".parse().unwrap()));
    let limits = LimitSettings { hourly: Some(1), ..LimitSettings::default() };
    let stand_in = StandIn::builder().clock(clock).limits(limits).start().await.unwrap();
    let world = World::around(stand_in);
    let before = seen(&world).await;
    let mut after = Vec::new();
    for _ in 0..2 {
        write(&world, "one more").await;
        after.push(seen(&world).await);
        world.control.post_text("seed", SEED.into()).await.unwrap();
        world.fault(json!({"kind":"garbage"})).await;
        world.control.post("clock/advance", &json!({"seconds":60})).await.unwrap();
        world.control.post("reset", &json!({})).await.unwrap();
        assert_eq!(seen(&world).await, before);
        assert!(world.entries().await.is_empty());
    }
    // Repeating it gives equal ids and dates, which depend on the clock and not on earlier states.
    assert_eq!(after[0], after[1]);
    assert_ne!(after[0], before);
    let reading = world.control.read("clock", &[]).await.unwrap();
    assert_eq!(reading["now"], "2027-01-01T00:10:00Z");
}

#[tokio::test]
async fn snapshots_are_restored_by_name() {
    let world = World::start().await;
    let before = seen(&world).await;
    world.control.post("snapshots", &json!({"name":"clean"})).await.unwrap();
    write(&world, "one").await;
    let after = seen(&world).await;
    world.control.post("snapshots", &json!({"name":"written"})).await.unwrap();
    world.control.post("snapshots/clean/restore", &json!({})).await.unwrap();
    assert_eq!(seen(&world).await, before);
    world.control.post("snapshots/written/restore", &json!({})).await.unwrap();
    assert_eq!(seen(&world).await, after);
    let names = world.control.read("snapshots", &[]).await.unwrap();
    assert_eq!(names["snapshots"], json!(["clean", "written"]));
    world.control.delete("snapshots/clean").await.unwrap();
    let gone = world.control.post("snapshots/clean/restore", &json!({})).await.unwrap_err();
    assert_eq!(gone.kind(), Some(ErrorKind::NotFound));
    let unnamed = world.control.post("snapshots", &json!({"name":"a/b"})).await.unwrap_err();
    assert_eq!(unnamed.kind(), Some(ErrorKind::BadRequest));
}

#[tokio::test]
async fn an_export_can_be_imported_elsewhere_and_an_invalid_one_changes_nothing() {
    let (world, other) = (World::start().await, World::start().await);
    world.control.post_text("seed", SEED.into()).await.unwrap();
    let exported = world.control.read_bare("export").await.unwrap();
    other.control.post("import", &exported).await.unwrap();
    let moved = |text: String| text.replace(other.stand_in.url(), world.stand_in.url());
    assert_eq!(moved(seen(&other).await), seen(&world).await);
    let before = seen(&other).await;
    let mut broken = exported.clone();
    broken["tables"]["api_keys"]["rows"][0][1] = json!(12345);
    let mut strange = exported.clone();
    strange["tables"]["chats"]["rows"][0][2] = json!(99);
    for wrong in [json!({}), json!({"schema":1,"tables":{}}), broken, strange] {
        let refused = other.control.post("import", &wrong).await.unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::BadRequest), "{refused}");
        assert_eq!(seen(&other).await, before);
    }
    let cut = other.control.post_text("import", b"{\n\"schema\": 1,".to_vec()).await.unwrap_err();
    assert!(cut.to_string().contains("line 2"), "{cut}");
}

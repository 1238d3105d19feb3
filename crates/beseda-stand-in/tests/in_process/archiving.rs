//! Runs the example of the archive crate against a stand-in.

use std::sync::Arc;

use beseda_api::{ChatsApi, MarketMessage};
use beseda_archive::Archive;
use beseda_stand_in::StandIn;

#[expect(dead_code, reason = "its main reads the environment; what it does is called here")]
#[path = "../../../beseda-archive/examples/new_messages.rs"]
mod new_messages;

#[tokio::test]
async fn the_example_shows_each_message_of_a_buyer_once() {
    let stand_in = StandIn::start().await.unwrap();
    let (folder, business) = (tempfile::tempdir().unwrap(), stand_in.business_id());
    let archive = Archive::open(folder.path()).unwrap();
    let client: Arc<dyn ChatsApi> = Arc::new(stand_in.client().unwrap());
    let mut lines = Vec::new();
    let show = |line| lines.push(line);
    let cursor =
        new_messages::new_messages(&archive, client.clone(), business, 0, show).await.unwrap();
    assert!(!lines.is_empty());

    let chat = client.get_chats(business, Default::default(), Default::default()).await.unwrap();
    let chat = chat.chats[0].chat_id;
    let message = serde_json::json!({ "sender": "CUSTOMER", "message": "Есть вопрос" });
    let message: MarketMessage = serde_json::from_value(message).unwrap();
    stand_in.market().write_message(business, chat, message).await.unwrap();
    let mut lines = Vec::new();
    let show = |line| lines.push(line);
    new_messages::new_messages(&archive, client, business, cursor, show).await.unwrap();
    assert_eq!(lines, [format!("{chat} Есть вопрос")]);
}

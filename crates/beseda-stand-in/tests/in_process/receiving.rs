//! Receiver example of the client, with a stand-in as the sender.

use beseda_stand_in::{
    StandIn,
    api::{ChatId, ChatOpening, ChatsApi, MessageText, NewSubscription},
    client::{Client, SecretString},
};
use tokio::{net::TcpListener, sync::mpsc};

#[path = "../../../beseda-webhook/examples/receive.rs"]
#[expect(dead_code, reason = "its main is for people")]
mod example;

#[tokio::test]
async fn the_example_prints_what_buyers_write_and_not_what_the_shop_does() {
    let stand_in = StandIn::start().await.unwrap();
    let (business, client) = (stand_in.business_id(), stand_in.client().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/notification", listener.local_addr().unwrap());
    let (router, events) = example::receiver(true).unwrap();
    tokio::spawn(example::serve(listener, router));
    let (tell, mut told) = mpsc::unbounded_channel();
    let shown = client.clone();
    tokio::spawn(async move {
        example::print_messages(&shown, events, |line| tell.send(line).unwrap()).await.unwrap();
    });

    let key = SecretString::from(stand_in.admin_key());
    let admin = Client::builder().url(stand_in.url()).build_admin(&key).unwrap();
    let new = NewSubscription { url, name: "example".to_owned() };
    beseda_stand_in::api::Subscriptions::create_subscription(&admin, business, new).await.unwrap();
    let ask = async |text: &str| -> ChatId {
        let opening = ChatOpening { message: Some(text.to_owned()), ..ChatOpening::default() };
        stand_in.market().open_chat(business, opening).await.unwrap().chat_id
    };
    let one = ask("Есть синие?").await;
    client.send_message_to_chat(business, one, MessageText::new("Есть.").unwrap()).await.unwrap();
    let two = ask("А красные?").await;
    assert_eq!(told.recv().await.unwrap(), format!("{one}: Есть синие?"));
    assert_eq!(told.recv().await.unwrap(), format!("{two}: А красные?"));
}

//! Shows why a send must not be retried blindly: the connection breaks after the message is stored,
//! and a retry stores it twice.
//! `cargo run -p beseda-stand-in --features client --example blind_retry`

use beseda_stand_in::{
    StandIn,
    api::{ChatContext, ChatsApi, HistoryFrom, MessageText},
    client::ErrorExt,
    faults::{FaultKind, NewFault},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stand_in = StandIn::start().await?;
    let (business, client) = (stand_in.business_id(), stand_in.client()?);
    let chat = client.create_chat(business, ChatContext::Order(stand_in.orders()[5])).await?;
    let once = NewFault { count: Some(1), ..NewFault::new(FaultKind::ResetAfter) };
    stand_in.control().faults().add(vec![once])?;

    let text = MessageText::new("Ваш заказ в пути")?;
    let first = client.send_message_to_chat(business, chat, text.clone()).await;
    let broken = first.expect_err("the fault breaks the first try");
    println!("first try: {broken}; may have been done: {}", broken.may_have_been_done());
    assert!(broken.may_have_been_done());
    // A careful program would look into the history first.
    client.send_message_to_chat(business, chat, text).await?;

    let history = client.get_chat_history(business, chat, HistoryFrom::default()).await?;
    println!("the buyer reads it {} times", history.messages.len());
    assert_eq!(history.messages.len(), 2);
    Ok(())
}

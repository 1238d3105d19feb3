//! Stand-in within a test: fast, many at once, and deleted without a trace.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod archiving;
mod blocking;
mod rate_limiter;
mod receiving;

use std::{
    collections::HashSet,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

use beseda_stand_in::{
    LimitSettings, Orders, StandIn, StandInClock,
    api::{
        ChatContext, ChatFilter, ChatStatus, ChatsApi, Clock, HistoryFrom, MarketMessage,
        MessageText, OrderId, PageRequest,
    },
};

#[tokio::test]
async fn it_answers_as_soon_as_start_returns() {
    // Warm-up: the first stand-in of a process may hit a cold disk.
    drop(StandIn::start().await.unwrap());
    let begun = Instant::now();
    let stand_in = StandIn::start().await.unwrap();
    // Printed only; a limit would depend on the machine.
    println!("ready after {:?}", begun.elapsed());
    let business = stand_in.business_id();
    let client = stand_in.client().unwrap();
    let page = client.get_chats(business, ChatFilter::default(), PageRequest::default()).await;
    assert!(!page.unwrap().chats.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_run_at_once_without_sharing_state() {
    let started = (0..200).map(|seed| {
        tokio::spawn(async move { StandIn::builder().seed(seed % 7).start().await.unwrap() })
    });
    let mut all = Vec::new();
    for stand_in in started.collect::<Vec<_>>() {
        all.push(stand_in.await.unwrap());
    }
    for (number, stand_in) in all.iter().enumerate() {
        let (business, client) = (stand_in.business_id(), stand_in.client().unwrap());
        let chat = client.create_chat(business, ChatContext::Order(stand_in.orders()[0]));
        let text = MessageText::new(format!("number {number}")).unwrap();
        client.send_message_to_chat(business, chat.await.unwrap(), text).await.unwrap();
    }
    for (number, stand_in) in all.iter().enumerate() {
        let (business, engine) = (stand_in.business_id(), stand_in.engine());
        let chat = engine.create_chat(business, ChatContext::Order(stand_in.orders()[0]));
        let history =
            engine.get_chat_history(business, chat.await.unwrap(), HistoryFrom::default());
        let said = history.await.unwrap().messages.pop().unwrap().message;
        assert_eq!(said.unwrap(), format!("number {number}"));
    }
    let ports: HashSet<&str> = all.iter().map(StandIn::url).collect();
    assert_eq!(ports.len(), 200);
}

#[tokio::test]
async fn dropping_it_frees_folder_and_port_and_closes_connections() {
    let stand_in = StandIn::start().await.unwrap();
    let folder = stand_in.folder().to_owned();
    assert!(folder.join("beseda.sqlite").is_file());
    let address = stand_in.url().strip_prefix("http://").unwrap().to_owned();
    let mut idle = TcpStream::connect(&address).unwrap();
    drop(stand_in);
    assert!(!folder.exists(), "{}", folder.display());
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn a_stand_in_starts_without_an_async_runtime() {
    let stand_in = StandIn::builder().seed(3).start_blocking().unwrap();
    let mut socket = TcpStream::connect(stand_in.url().strip_prefix("http://").unwrap()).unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn messages_written_without_http_are_visible_over_http() {
    let stand_in = StandIn::start().await.unwrap();
    let (business, client) = (stand_in.business_id(), stand_in.client().unwrap());
    let chat =
        client.create_chat(business, ChatContext::Order(stand_in.orders()[5])).await.unwrap();
    let asked = MarketMessage::customer("Когда приедет?");
    stand_in.market().write_message(business, chat, asked).await.unwrap();
    let waiting = client.get_chat(business, chat).await.unwrap();
    assert_eq!(waiting.status, ChatStatus::WaitingForPartner);
}

#[tokio::test]
async fn the_builder_sets_orders_limits_and_seed() {
    // The clock stands still, because a new hour would reset the limits.
    let clock = Arc::new(StandInClock::manual("2026-06-01T10:17:00Z".parse().unwrap()));
    let builder = StandIn::builder().seed(42).orders(Orders::Open).clock(clock);
    let limits = LimitSettings { hourly: Some(2), ..LimitSettings::default() };
    let stand_in = builder.limits(limits).start().await.unwrap();
    let (business, client) = (stand_in.business_id(), stand_in.client().unwrap());
    assert!(stand_in.ready_line().contains(stand_in.api_key()));
    let unheard_of = ChatContext::Order(OrderId::new(7).unwrap());
    for _ in 0..2 {
        client.create_chat(business, unheard_of).await.unwrap();
    }
    let third = client.create_chat(business, unheard_of).await.unwrap_err();
    assert!(third.to_string().contains("the limit of createChat"), "{third}");
    let other = stand_in.client().unwrap().create_chat(business, unheard_of).await.unwrap_err();
    assert!(other.to_string().contains("Hit rate limit"), "{other}");
    let same = StandIn::builder().seed(42).start().await.unwrap();
    assert_eq!(same.api_key(), stand_in.api_key());
}

#[tokio::test]
async fn messages_have_the_time_of_the_given_clock() {
    let now = "2027-01-01T00:00:00Z".parse().unwrap();
    let clock = Arc::new(StandInClock::manual(now));
    let stand_in = StandIn::builder().clock(clock.clone()).start().await.unwrap();
    let (business, client) = (stand_in.business_id(), stand_in.client().unwrap());
    clock.advance(Duration::from_secs(3600));
    let chat =
        client.create_chat(business, ChatContext::Order(stand_in.orders()[5])).await.unwrap();
    let text = MessageText::new("С Новым годом!").unwrap();
    client.send_message_to_chat(business, chat, text).await.unwrap();
    let history = client.get_chat_history(business, chat, HistoryFrom::default()).await.unwrap();
    assert_eq!(history.messages[0].message_id.get(), clock.now().as_microsecond());
}

#[tokio::test]
async fn a_given_data_folder_is_kept_and_a_locked_one_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let first = StandIn::builder().data(folder.path()).start().await.unwrap();
    let business = first.business_id();
    let chat = ChatContext::Order(first.orders()[5]);
    let chat = first.engine().create_chat(business, chat).await.unwrap();
    let second = StandIn::builder().data(folder.path()).start().await.unwrap_err();
    assert!(second.to_string().contains("in use"), "{second}");
    first.market().close_chat(business, chat).await.unwrap();
    drop(first);
    let again = StandIn::builder().data(folder.path()).start().await.unwrap();
    let chat = again.client().unwrap().get_chat(business, chat).await.unwrap();
    assert_eq!(chat.status, ChatStatus::Finished);
}

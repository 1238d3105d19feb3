//! Sending once over a chat that misbehaves as told, on a clock that only waiting moves: what is written, and what is said of it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use beseda_api::{
    ApiError, BusinessId, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi, Clock, Error,
    ErrorKind, FileUpload, FullContext, HistoryFrom, ManualClock, Message, MessageId, MessagePage,
    MessageText, PageRequest, Paging, RateLimit, Result, Timer,
};
use beseda_client::{
    ClientError, OutgoingMessage, SendOnce, SendOnceOptions, SendOutcome, send_once::Confirmation,
};
use futures::TryStreamExt;
use jiff::Timestamp;
use serde_json::json;

use crate::double::{business, chat};

/// Waits by moving the clock.
struct Mover(Arc<ManualClock>);

#[async_trait]
impl Timer for Mover {
    async fn sleep_until(&self, moment: Timestamp) {
        if moment > self.0.now() {
            self.0.set(moment);
        }
        tokio::task::yield_now().await;
    }
}

/// Time at which a send appears in the history.
#[derive(Clone, Copy)]
enum Written {
    Never,
    AtOnce,
    After(u64),
}

type Step = (Written, fn() -> Result<()>);

/// A chat whose sends go as scripted, and as they should when the script has ended.
struct Moody {
    clock: Arc<ManualClock>,
    script: Mutex<VecDeque<Step>>,
    messages: Mutex<Vec<(Timestamp, Message)>>,
    /// Confirmation many of the next readings fail.
    unreadable: Mutex<VecDeque<fn() -> Error>>,
    sends: Mutex<usize>,
    reads: Mutex<Vec<Timestamp>>,
}

impl Moody {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse().unwrap()));
        let moody = Self {
            clock,
            script: Mutex::new(steps.into_iter().collect()),
            messages: Mutex::default(),
            unreadable: Mutex::default(),
            sends: Mutex::default(),
            reads: Mutex::default(),
        };
        moody.write("CUSTOMER", json!({ "message": "где заказ?" }), 0);
        moody
    }

    fn write(&self, sender: &str, body: serde_json::Value, seconds: u64) -> MessageId {
        let at = self.clock.now() + Duration::from_secs(seconds);
        let mut messages = self.messages.lock().unwrap();
        let last = messages.iter().map(|(_, m)| m.message_id.get()).max().unwrap_or(100);
        let mut message = body;
        message["messageId"] = json!(last + 1);
        message["createdAt"] = json!(at.to_string());
        message["sender"] = json!(sender);
        let message: Message = serde_json::from_value(message).unwrap();
        let id = message.message_id;
        messages.push((at, message));
        id
    }

    fn options(&self) -> SendOnceOptions {
        SendOnceOptions::default().by(self.clock.clone(), Arc::new(Mover(self.clock.clone())))
    }

    async fn say(&self, text: &str, since: Option<MessageId>) -> SendOutcome {
        let what = OutgoingMessage::text(text).unwrap();
        self.send_once(business(), chat(), what, since, &self.options()).await
    }

    fn fail_reading(&self, times: usize, error: fn() -> Error) {
        self.unreadable.lock().unwrap().extend((0..times).map(|_| error));
    }

    fn written(&self) -> usize {
        let ours = self.messages.lock().unwrap();
        ours.iter().filter(|(_, m)| m.sender.as_str() == "PARTNER").count()
    }

    fn sends(&self) -> usize {
        *self.sends.lock().unwrap()
    }

    fn waited(&self) -> Duration {
        let start: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        Duration::try_from(self.clock.now().duration_since(start)).unwrap()
    }

    fn take(&self, body: serde_json::Value) -> Result<()> {
        *self.sends.lock().unwrap() += 1;
        let next = self.script.lock().unwrap().pop_front();
        let (written, answer) = next.unwrap_or((Written::AtOnce, || Ok(())));
        match written {
            Written::Never => {}
            Written::AtOnce => drop(self.write("PARTNER", body, 0)),
            Written::After(seconds) => drop(self.write("PARTNER", body, seconds)),
        }
        answer()
    }
}

#[async_trait]
impl ChatsApi for Moody {
    async fn get_chats(
        &self,
        _: BusinessId,
        _: ChatFilter,
        _: PageRequest<20>,
    ) -> Result<ChatPage> {
        Err(Error::internal("nobody asks for chats"))
    }

    async fn get_chat(&self, _: BusinessId, _: ChatId) -> Result<Chat> {
        Err(Error::internal("nobody asks for the chat"))
    }

    async fn get_chat_history(
        &self,
        _: BusinessId,
        _: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let now = self.clock.now();
        self.reads.lock().unwrap().push(now);
        if let Some(error) = self.unreadable.lock().unwrap().pop_front() {
            return Err(error());
        }
        let all = self.messages.lock().unwrap().clone();
        let there = all.into_iter().filter(|(at, _)| *at <= now).map(|(_, message)| message);
        let wanted = there.filter(|message| Some(message.message_id) >= from.message_id_from);
        // Newest first: nothing may depend on the order.
        let mut messages: Vec<Message> = wanted.collect();
        messages.reverse();
        let context = FullContext::by_order(None);
        Ok(MessagePage { order_id: None, context, messages, paging: Paging::default() })
    }

    async fn get_chat_message(&self, _: BusinessId, _: ChatId, _: MessageId) -> Result<Message> {
        Err(Error::internal("nobody asks for a message"))
    }

    async fn create_chat(&self, _: BusinessId, _: ChatContext) -> Result<ChatId> {
        Err(Error::internal("nobody creates a chat"))
    }

    async fn send_message_to_chat(
        &self,
        _: BusinessId,
        _: ChatId,
        text: MessageText,
    ) -> Result<()> {
        self.take(json!({ "message": text.as_str().trim() }))
    }

    async fn send_file_to_chat(&self, _: BusinessId, _: ChatId, file: FileUpload) -> Result<()> {
        let pieces: Vec<_> = file.content.try_collect().await.map_err(Error::internal)?;
        let size: usize = pieces.iter().map(bytes::Bytes::len).sum();
        let file = json!({ "name": file.name.as_str(), "url": "http://localhost/x", "size": size });
        self.take(json!({ "payload": [file] }))
    }
}

fn silence() -> Result<()> {
    Err(ClientError::Timeout("nobody answered".into()).into())
}

fn broken(status: u16) -> Error {
    ClientError::Undocumented { status, body: String::new(), answer: Box::default() }.into()
}

fn oops() -> Result<()> {
    Err(broken(500))
}

fn bad_gateway() -> Result<()> {
    Err(broken(502))
}

fn no_connection() -> Result<()> {
    Err(ClientError::Connect("refused".into()).into())
}

fn id_of(sent: &SendOutcome) -> Option<(Option<i64>, Confirmation)> {
    match sent {
        SendOutcome::Delivered { message_id, confirmation } => {
            Some((message_id.map(MessageId::get), *confirmation))
        }
        _ => None,
    }
}

#[tokio::test]
async fn a_message_that_arrived_in_spite_of_a_failure_is_found_and_not_sent_again() {
    for failure in [silence, oops, bad_gateway] {
        let moody = Moody::new([(Written::AtOnce, failure as fn() -> Result<()>)]);
        let sent = moody.say(" Едет! ", None).await;
        assert_eq!(id_of(&sent), Some((Some(102), Confirmation::History)), "{sent:?}");
        assert_eq!((moody.sends(), moody.written()), (1, 1));
        assert_eq!(moody.waited(), Duration::ZERO, "what is there already is not waited for");
    }
}

#[tokio::test]
async fn what_arrives_late_is_waited_for() {
    let moody = Moody::new([(Written::After(11), silence as fn() -> Result<()>)]);
    let sent = moody.say("Едет!", None).await;
    assert_eq!(id_of(&sent), Some((Some(102), Confirmation::History)), "{sent:?}");
    assert_eq!((moody.sends(), moody.written()), (1, 1));
}

#[tokio::test]
async fn what_did_not_arrive_is_sent_again_only_when_it_no_longer_can() {
    for (failure, least) in [(silence as fn() -> Result<()>, 12), (bad_gateway, 12), (oops, 1)] {
        let moody = Moody::new([(Written::Never, failure)]);
        let sent = moody.say("Едет!", None).await;
        assert_eq!(id_of(&sent), Some((None, Confirmation::Response)), "{sent:?}");
        assert_eq!((moody.sends(), moody.written()), (2, 1));
        assert!(moody.waited() >= Duration::from_secs(least), "{:?}", moody.waited());
        // Before it, right after the failure, and when it was settled, at least.
        assert!(moody.reads.lock().unwrap().len() >= 3);
    }
}

#[tokio::test]
async fn a_connection_never_made_needs_no_look() {
    let known = MessageId::new(101).ok();
    let moody = Moody::new([(Written::Never, no_connection as fn() -> Result<()>)]);
    let sent = moody.say("Едет!", known).await;
    assert!(sent.is_delivered());
    assert_eq!((moody.sends(), moody.written()), (2, 1));
    assert!(moody.reads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_is_final_and_a_limit_is_waited_for() {
    let closed: fn() -> Result<()> = || Err(Error::chat_closed(chat()));
    let moody = Moody::new([(Written::Never, closed)]);
    let SendOutcome::NotDelivered(error) = moody.say("Едет!", MessageId::new(101).ok()).await
    else {
        panic!("a closed chat takes nothing")
    };
    assert_eq!(error.kind(), Some(ErrorKind::BadRequest));
    assert_eq!(moody.sends(), 1);

    let limited: fn() -> Result<()> = || {
        let limit =
            RateLimit { limit: 1000, remaining: 0, until: "2026-11-21T10:01:30Z".parse().unwrap() };
        let answer = beseda_api::ResponseInfo { request_id: None, limit: Some(limit) };
        let refused =
            ApiError { kind: ErrorKind::LimitExceeded, items: Vec::new(), response: Some(answer) };
        Err(Error::Api(Box::new(refused)))
    };
    let moody = Moody::new([(Written::Never, limited)]);
    assert!(moody.say("Едет!", MessageId::new(101).ok()).await.is_delivered());
    assert_eq!(moody.waited(), Duration::from_secs(90));
    assert_eq!((moody.sends(), moody.written()), (2, 1));
}

#[tokio::test]
async fn repetitions_end_and_the_last_failure_is_told() {
    let moody = Moody::new((0..9).map(|_| (Written::Never, oops as fn() -> Result<()>)));
    let SendOutcome::NotDelivered(error) = moody.say("Едет!", None).await else {
        panic!("it never arrived")
    };
    assert!(error.to_string().contains("500"), "{error}");
    assert_eq!((moody.sends(), moody.written()), (4, 0));
}

#[tokio::test]
async fn without_the_history_it_is_unknown_and_nothing_is_sent_again() {
    for error in [|| broken(503), || Error::new(ErrorKind::Forbidden, "Access denied")] {
        let moody = Moody::new([(Written::AtOnce, silence as fn() -> Result<()>)]);
        moody.fail_reading(1_000, error);
        let sent = moody.say("Едет!", MessageId::new(101).ok()).await;
        assert!(matches!(sent, SendOutcome::Unknown(_)), "{sent:?}");
        assert_eq!((moody.sends(), moody.written()), (1, 1));
    }
    let moody = Moody::new([(Written::AtOnce, silence as fn() -> Result<()>)]);
    moody.fail_reading(5, || broken(503));
    let sent = moody.say("Едет!", MessageId::new(101).ok()).await;
    assert!(sent.is_delivered(), "a history that can be read again decides: {sent:?}");
}

#[tokio::test]
async fn without_a_known_message_nothing_is_sent_before_the_history_was_read() {
    let moody = Moody::new([]);
    moody.fail_reading(1, || broken(500));
    let sent = moody.say("Едет!", None).await;
    assert!(matches!(sent, SendOutcome::NotDelivered(_)), "{sent:?}");
    assert_eq!(moody.sends(), 0);
}

#[tokio::test]
async fn an_equal_text_of_before_is_not_taken_for_this_one() {
    let moody = Moody::new([(Written::Never, oops as fn() -> Result<()>)]);
    moody.write("PARTNER", json!({ "message": "Едет!" }), 0);
    assert!(moody.say("Едет!", None).await.is_delivered());
    assert_eq!((moody.sends(), moody.written()), (2, 2));
}

#[tokio::test]
async fn a_file_is_sent_once_too_and_its_id_is_told_if_wanted() {
    let moody = Moody::new([(Written::AtOnce, silence as fn() -> Result<()>)]);
    let what = OutgoingMessage::file("photo.jpg", vec![7; 4096]);
    let options = moody.options();
    let sent = moody.send_once(business(), chat(), what, None, &options).await;
    assert_eq!(id_of(&sent), Some((Some(102), Confirmation::History)), "{sent:?}");
    assert_eq!((moody.sends(), moody.written()), (1, 1));

    let options = SendOnceOptions { confirm_id: true, ..moody.options() };
    let what = OutgoingMessage::text("Едет!").unwrap();
    let sent = moody.send_once(business(), chat(), what, None, &options).await;
    assert_eq!(id_of(&sent), Some((Some(103), Confirmation::Response)), "{sent:?}");
}

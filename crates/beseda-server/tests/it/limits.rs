//! Parallel limits, which need calls that stay: a chat of its own that answers only when told to.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{BusinessId, Chat, ChatId, ChatsApi, Result, forward_chats_api};
use beseda_server::TransportSettings;
use tokio::sync::{Semaphore, mpsc};

use crate::world::{World, settings};

/// The engine behind a door: getChat says that it came and waits to be let through.
struct Doorkeeper {
    inner: Arc<dyn ChatsApi>,
    came: mpsc::UnboundedSender<()>,
    door: Arc<Semaphore>,
}

#[async_trait]
impl ChatsApi for Doorkeeper {
    forward_chats_api!(inner: get_chats, get_chat_history, get_chat_message, create_chat, send_message_to_chat, send_file_to_chat);

    async fn get_chat(&self, b: BusinessId, c: ChatId) -> Result<Chat> {
        self.came.send(()).unwrap();
        self.door.acquire().await.unwrap().forget();
        self.inner.get_chat(b, c).await
    }
}

pub(crate) struct Guarded {
    pub(crate) world: Arc<World>,
    pub(crate) came: mpsc::UnboundedReceiver<()>,
    pub(crate) door: Arc<Semaphore>,
}

/// A world whose getChat waits at the door.
pub(crate) async fn guarded(fields: &str, transport: TransportSettings) -> Guarded {
    let (sender, came) = mpsc::unbounded_channel();
    let door = Arc::new(Semaphore::new(0));
    let keeper = Arc::clone(&door);
    let world = World::with(settings(fields), transport, |mut services| {
        let inner = Arc::clone(&services.chats);
        services.chats = Arc::new(Doorkeeper { inner, came: sender, door: keeper });
        services
    });
    Guarded { world: Arc::new(world.await), came, door }
}

fn get_chat(world: &Arc<World>, key: &str) -> tokio::task::JoinHandle<crate::world::Reply> {
    let (world, key) = (Arc::clone(world), world.name(key).to_owned());
    let path = format!("/v2/businesses/1/chat?chatId={}", world.name("chat"));
    tokio::spawn(async move { world.ask("GET", &path, &[("Api-Key", &key)], b"").await })
}

/// So many calls stay at the door, one more is refused with this text, and all is well when they have gone.
async fn one_too_many(fields: &str, most: usize, text: &str) {
    let Guarded { world, mut came, door } = guarded(fields, TransportSettings::default()).await;
    let waiting: Vec<_> = (0..most).map(|_| get_chat(&world, "key")).collect();
    for _ in 0..most {
        came.recv().await.unwrap();
    }
    let refused = get_chat(&world, "key").await.unwrap();
    assert_eq!((refused.status, refused.message()), (420, text.to_owned()));
    assert_eq!(refused.reason, "Enhance Your Calm");
    // Nothing was consumed by it: as many are left as after the calls that wait.
    let left = (1000 - most).to_string();
    assert_eq!(refused.header("x-ratelimit-resource-remaining"), Some(left.as_str()));
    // Another operation of the cabinet is one more call as well.
    let other = world.get("/v2/businesses/1/chats/message?chatId=1&messageId=1").await;
    assert_eq!(other.status, 420);
    door.add_permits(most + 1);
    for call in waiting {
        assert_eq!(call.await.unwrap().status, 200);
    }
    assert_eq!(get_chat(&world, "key").await.unwrap().status, 200);
}

#[tokio::test]
async fn four_calls_of_a_cabinet_at_once_and_no_more() {
    let text = "Hit rate limit of 4 parallel requests for businessId 1";
    one_too_many("{}", 4, text).await;
}

#[tokio::test]
async fn two_calls_of_a_login_at_once_and_no_more_in_2024() {
    let text = "Hit rate limit of 2 parallel requests";
    one_too_many(r#"{"limits":{"preset":"2024"}}"#, 2, text).await;
}

#[tokio::test]
async fn in_2024_another_key_of_the_cabinet_is_another_login() {
    let fields = r#"{"limits":{"preset":"2024","parallel":1}}"#;
    let Guarded { world, mut came, door } = guarded(fields, TransportSettings::default()).await;
    let first = get_chat(&world, "key");
    came.recv().await.unwrap();
    let second = get_chat(&world, "all");
    came.recv().await.unwrap();
    door.add_permits(2);
    assert_eq!((first.await.unwrap().status, second.await.unwrap().status), (200, 200));
}

#[tokio::test]
async fn a_caller_who_goes_away_frees_its_place() {
    let fields = r#"{"limits":{"parallel":1}}"#;
    let Guarded { world, mut came, door } = guarded(fields, TransportSettings::default()).await;
    let first = get_chat(&world, "key");
    came.recv().await.unwrap();
    first.abort();
    let _ = first.await;
    door.add_permits(1);
    // The server learns of it when it reads; until then the place is taken.
    let mut last = get_chat(&world, "key").await.unwrap();
    for _ in 0..1000 {
        if last.status == 200 {
            break;
        }
        last = get_chat(&world, "key").await.unwrap();
    }
    assert_eq!(last.status, 200);
}

#[tokio::test]
async fn without_limits_the_headers_say_that_everything_is_left() {
    let world = World::open(r#"{"limits":{"preset":"off"}}"#).await;
    for _ in 0..3 {
        let reply = world.post("/v2/businesses/1/chats", "{}").await;
        assert_eq!(reply.header("x-ratelimit-resource-limit"), Some("5000"));
        assert_eq!(reply.header("x-ratelimit-resource-remaining"), Some("5000"));
    }
}

#[tokio::test]
async fn a_verdict_is_remembered_for_a_second_and_forgotten_after_changes_here() {
    use beseda_api::{Administration, NewKey};
    let world = World::open("{}").await;
    let business = BusinessId::new(1).unwrap();
    let new = NewKey { name: "x".to_owned(), scopes: vec!["communication".to_owned()] };
    let issued = world.engine.create_key(business, new).await.unwrap();
    let path = format!("/v2/businesses/1/chat?chatId={}", world.name("chat"));
    let ask =
        || async { world.ask("GET", &path, &[("Api-Key", &issued.api_key)], b"").await.status };
    assert_eq!(ask().await, 200);
    // Revoked behind the server's back: that takes effect when the second is over.
    world.engine.revoke_key(business, issued.id).await.unwrap();
    assert_eq!(ask().await, 200);
    world.clock.advance(std::time::Duration::from_millis(1001));
    assert_eq!(ask().await, 401);
    // Revoked through the server: at once.
    let admin = format!("Bearer {}", world.name("admin"));
    let headers = [("Authorization", admin.as_str())];
    let body = br#"{"name":"y","scopes":["all-methods"]}"#;
    let made = world.ask("POST", "/admin/v1/cabinets/1/keys", &headers, body).await.json();
    let key = made["result"]["apiKey"].as_str().unwrap().to_owned();
    let ask = || async { world.ask("GET", &path, &[("Api-Key", &key)], b"").await.status };
    assert_eq!(ask().await, 200);
    let revoke = format!("/admin/v1/cabinets/1/keys/{}", made["result"]["id"]);
    assert_eq!(world.ask("DELETE", &revoke, &headers, b"").await.status, 200);
    assert_eq!(ask().await, 401);
}

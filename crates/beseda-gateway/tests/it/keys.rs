//! Authentication at the gateway, and its state across restarts.

use beseda_api::{Administration, BusinessId, ChatsApi};
use beseda_gateway::{Gateway, GatewaySettings, KeyStore, Priority, Quota};
use beseda_stand_in::{
    StandIn,
    api::{ChatFilter, ErrorKind, NewKey, PageRequest},
    client::ErrorExt,
};
use std::sync::Arc;

use crate::world::{RunningGateway, World, chat, unused_address, upstream, without_retries};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_upstreams_own_credential_has_the_same_access_and_name_at_the_gateway() {
    let world = World::start().await;
    let through = world.running.client(world.stand_in.api_key());
    let direct = upstream(&world.stand_in);
    assert_eq!(through.token_info().await.unwrap(), direct.token_info().await.unwrap());
    assert_eq!(through.campaigns().await.unwrap(), direct.campaigns().await.unwrap());
    let page = PageRequest::default;
    let business = world.business();
    assert_eq!(
        through.get_chats(business, ChatFilter::default(), page()).await.unwrap(),
        direct.get_chats(business, ChatFilter::default(), page()).await.unwrap()
    );
    let own = world.running.client(&world.derived_key());
    assert_eq!(own.token_info().await.unwrap().name, "gateway");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_cabinet_a_missing_scope_and_a_bad_key_are_refused_without_upstream_calls() {
    let world = World::start().await;
    let own = world.running.client(&world.derived_key());
    let foreign = BusinessId::new(1).unwrap();
    let page = PageRequest::default();
    let refused = own.get_chats(foreign, ChatFilter::default(), page.clone()).await.unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::Forbidden));

    let scopes = vec!["all-methods:read-only".to_owned()];
    let reader = NewKey { name: "reader".to_owned(), scopes };
    let keys = world.running.gateway.keys();
    let reader = keys.create(world.business(), reader, Quota::default()).await.unwrap();
    let reader = world.running.client(&reader.api_key);
    let text = beseda_stand_in::api::MessageText::new("Нет").unwrap();
    let refused = reader.send_message_to_chat(world.business(), chat(), text).await.unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::Forbidden));

    let bad = world.derived_key().replace("ACMA:", "ACMA:A").replacen("A:", ":", 0);
    let bad = format!("{}{}", &bad[..bad.len() - 2], "00");
    let refused = world.running.client(&bad[..54]).campaigns().await.unwrap_err();
    assert_eq!(refused.kind(), Some(ErrorKind::Unauthorized));
    assert_eq!(world.journal().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_created_and_revoked_by_another_process_take_effect() {
    let world = World::start().await;
    let clock = Arc::new(beseda_api::SystemClock);
    let keys = KeyStore::open(world.folder.path(), clock).await.unwrap();
    let key = NewKey { name: "bot".to_owned(), scopes: vec!["communication".to_owned()] };
    let quota = Quota { share: Some(40), priority: Priority::Background };
    let issued = keys.create(world.business(), key.clone(), quota).await.unwrap();
    let bot = world.running.client(&issued.api_key);
    bot.get_chat(world.business(), chat()).await.unwrap();

    let again = keys.create(world.business(), key, quota).await.unwrap_err();
    assert!(again.to_string().contains("already called 'bot'"), "{again}");
    let greedy = NewKey { name: "greedy".to_owned(), scopes: vec!["communication".to_owned()] };
    let quota = Quota { share: Some(61), ..Quota::default() };
    let refused = keys.create(world.business(), greedy, quota).await.unwrap_err();
    assert!(refused.to_string().contains("at most 60 are left"), "{refused}");

    keys.revoke_key(world.business(), issued.id).await.unwrap();
    let mut looks = 0;
    // The gateway's server remembers a good key for a second.
    let refused = loop {
        match bot.get_chat(world.business(), chat()).await {
            Ok(_) => looks += 1,
            Err(error) => break error,
        }
        assert!(looks < 60_000, "the key still opens");
    };
    assert_eq!(refused.kind(), Some(ErrorKind::Unauthorized));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_survive_a_restart_and_a_second_gateway_on_the_folder_is_refused() {
    let World { stand_in, running, folder, .. } = World::start().await;
    let key = running.gateway.cabinets()[0].1.clone().unwrap();
    let second = Gateway::open(GatewaySettings::new(upstream(&stand_in), folder.path())).await;
    assert!(second.unwrap_err().to_string().contains("in use"));
    running.shutdown().await;
    let again = RunningGateway::start(upstream(&stand_in), stand_in.api_key(), folder.path()).await;
    assert_eq!(again.gateway.cabinets()[0].1.as_ref(), Some(&key));
    again.client(&key).get_chat(stand_in.business_id(), chat()).await.unwrap();
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_upstream_only_a_restart_succeeds_and_calls_are_503() {
    let away = without_retries(&format!("http://{}", unused_address().await))
        .api_key("x")
        .build()
        .unwrap();
    let empty = tempfile::tempdir().unwrap();
    assert!(Gateway::open(GatewaySettings::new(away.clone(), empty.path())).await.is_err());

    let World { stand_in, running, folder, .. } = World::start().await;
    let key = running.gateway.cabinets()[0].1.clone().unwrap();
    running.shutdown().await;
    let again = RunningGateway::start(away, stand_in.api_key(), folder.path()).await;
    let client = again.client(&key);
    let broken = client.get_chat(stand_in.business_id(), chat()).await.unwrap_err();
    assert_eq!(broken.status(), Some(503), "{broken}");
    assert!(!client.campaigns().await.unwrap().is_empty());
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_fails_if_the_upstream_refuses_the_credential() {
    let stand_in = StandIn::start().await.unwrap();
    let bad = without_retries(stand_in.url()).api_key(format!("ACMA:{}:00000000", "a".repeat(40)));
    let folder = tempfile::tempdir().unwrap();
    let refused = Gateway::open(GatewaySettings::new(bad.build().unwrap(), folder.path())).await;
    assert!(refused.unwrap_err().to_string().contains("Api-Key token is invalid"));
}

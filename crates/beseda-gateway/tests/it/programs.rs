//! Twenty programs share a cabinet: no upstream 420, no starvation, correct rate limit headers.

use std::{collections::BTreeMap, sync::Arc};

use beseda_api::{ChatFilter, ChatStatus, ChatsApi, MessageText, PageRequest};
use beseda_gateway::Quota;
use beseda_stand_in::{LimitSettings, api::ErrorKind};
use futures::future::join_all;

use crate::world::{World, chat};

fn limits(hourly: u32) -> LimitSettings {
    LimitSettings { hourly: Some(hourly), ..LimitSettings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_busy_programs_use_up_the_hour_without_an_upstream_420_and_each_gets_its_share() {
    let world = Arc::new(World::limited(limits(200)).await);
    let mut programs = Vec::new();
    for number in 0..20 {
        let name = format!("program {number}");
        programs.push((name.clone(), world.program(&name, Quota::default()).await));
    }
    let eager = programs.into_iter().map(|(name, client)| {
        let world = Arc::clone(&world);
        async move {
            let mut sent = 0;
            for number in 0..40 {
                let text = MessageText::new(format!("{name}: {number}")).unwrap();
                match client.send_message_to_chat(world.business(), chat(), text).await {
                    Ok(()) => sent += 1,
                    Err(error) => {
                        assert_eq!(error.kind(), Some(ErrorKind::LimitExceeded), "{error}");
                        break;
                    }
                }
            }
            (name, sent)
        }
    });
    let sent: BTreeMap<String, u32> = join_all(eager).await.into_iter().collect();
    assert_eq!(world.limit_hits().await, 0);
    assert!(sent.values().all(|count| *count >= 5), "{sent:?}");
    let all: u32 = sent.values().sum();
    // The last few may be held back for somebody who didn't come.
    assert!((190..=200).contains(&all), "{all}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_equal_the_upstreams_byte_for_byte() {
    let world = World::start().await;
    let (key, direct_key) = (world.derived_key(), world.stand_in.api_key().to_owned());
    let bodies = [
        "{}",
        r#"{"statuses":["NEW"]}"#,
        r#"{"types":["CHAT"]}"#,
        r#"{"statuses":[]}"#,
        "{",
        "null",
    ];
    let paths = [
        "chats",
        "chats?limit=2",
        "chats?limit=21",
        "chats?pageToken=zzz",
        "chats/history?chatId=10000001",
        "chats/history?chatId=10000001&limit=1",
        "chats/history?chatId=7",
        "chats/history",
        "chats/new",
    ];
    for path in paths {
        for body in bodies {
            let told = async |base: &str, key: &str| {
                let url = format!("{base}/v2/businesses/{}/{path}", world.business());
                let request = world
                    .http
                    .post(url)
                    .header("api-key", key)
                    .header("content-type", "application/json");
                let answer = request.body(body).send().await.unwrap();
                (answer.status(), answer.text().await.unwrap())
            };
            let through = told(&world.running.url, &key).await;
            assert_eq!(through, told(world.stand_in.url(), &direct_key).await, "{path} {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guaranteed_share_is_not_used_up_by_another_program() {
    let world = World::limited(limits(50)).await;
    let quiet = world.key("quiet", Quota { share: Some(40), ..Quota::default() }).await;
    let eager = world.key("eager", Quota::default()).await;
    let world = world.reopened().await;
    let (quiet, eager) = (world.running.client(&quiet), world.running.client(&eager));
    let ask = |status: ChatStatus| ChatFilter { statuses: vec![status], ..ChatFilter::default() };
    let page = PageRequest::default;
    let refused = |outcome: beseda_api::Result<_>| outcome.unwrap_err().kind();
    // With two thirds of the hour left a promise holds whole: 20 of 50 calls.
    for _ in 0..30 {
        eager.get_chats(world.business(), ask(ChatStatus::Finished), page()).await.unwrap();
    }
    let more = eager.get_chats(world.business(), ask(ChatStatus::Finished), page()).await;
    assert_eq!(refused(more), Some(ErrorKind::LimitExceeded));
    for _ in 0..20 {
        quiet.get_chats(world.business(), ask(ChatStatus::New), page()).await.unwrap();
    }
    let more = quiet.get_chats(world.business(), ask(ChatStatus::New), page()).await;
    assert_eq!(refused(more), Some(ErrorKind::LimitExceeded));
    assert_eq!(world.limit_hits().await, 0);
}

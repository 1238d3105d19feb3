//! Programs through the gateway see what they would see upstream.

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_equal_to_the_upstreams_byte_for_byte() {
    let world = World::start().await;
    let (key, direct_key) = (world.own_key(), world.stand_in.api_key().to_owned());
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

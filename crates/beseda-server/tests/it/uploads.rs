//! Uploads: one file a request, under the name it was sent with.

use encoding_rs::WINDOWS_1251;

use crate::world::{Reply, World};

/// Sends a form whose parts have these `Content-Disposition` headers.
async fn send(world: &World, dispositions: &[&[u8]]) -> Reply {
    let mut body = Vec::new();
    for disposition in dispositions {
        body.extend_from_slice(b"--X\r\nContent-Disposition: ");
        body.extend_from_slice(disposition);
        body.extend_from_slice(b"\r\n\r\ncontent\r\n");
    }
    body.extend_from_slice(b"--X--\r\n");
    let path = format!("/v2/businesses/1/chats/file/send?chatId={}", world.name("chat"));
    let headers =
        [("Api-Key", world.name("key")), ("Content-Type", "multipart/form-data; boundary=X")];
    world.ask("POST", &path, &headers, &body).await
}

/// Returns the names of all files in the chat, oldest first.
async fn names(world: &World) -> Vec<String> {
    let path = format!("/v2/businesses/1/chats/history?chatId={}", world.name("chat"));
    let reply = world.ask("POST", &path, &[("Api-Key", world.name("key"))], b"{}").await;
    let messages = reply.json()["result"]["messages"].as_array().unwrap().clone();
    let name =
        |message: &serde_json::Value| message["payload"][0]["name"].as_str().map(str::to_owned);
    messages.iter().filter_map(name).collect()
}

#[tokio::test]
async fn a_name_arrives_whole_in_whatever_encoding_it_was_sent() {
    let world = World::open("{}").await;
    let mut raw = b"form-data; name=\"file\"; filename=\"".to_vec();
    raw.extend_from_slice(&WINDOWS_1251.encode("Акт сверки.xlsx").0);
    raw.push(b'"');
    let long = format!("form-data; name=\"file\"; filename=\"{}.pdf\"", "ж".repeat(300));
    for (disposition, name) in [
        (raw.as_slice(), "Акт сверки.xlsx".to_owned()),
        (
            b"form-data; name=\"file\"; filename=\"=?utf-8?B?0YfQtdC6LnBkZg==?=\"",
            "чек.pdf".to_owned(),
        ),
        (
            b"form-data; name=file; filename=x.pdf; filename*=utf-8''%D1%87%D0%B5%D0%BA.pdf",
            "чек.pdf".to_owned(),
        ),
        (long.as_bytes(), format!("{}.pdf", "ж".repeat(251))),
    ] {
        assert_eq!(send(&world, &[disposition]).await.status, 200);
        assert_eq!(names(&world).await.last(), Some(&name));
    }
}

#[tokio::test]
async fn of_two_files_in_one_request_neither_is_kept() {
    let world = World::open("{}").await;
    let before = names(&world).await;
    let first = b"form-data; name=\"file\"; filename=\"a.txt\"";
    let second = b"form-data; name=\"file\"; filename=\"b.txt\"";
    let reply = send(&world, &[first, second]).await;
    let text = "Only one part 'file' is allowed: send one file per request";
    assert_eq!((reply.status, reply.message().as_str()), (400, text));
    assert_eq!(names(&world).await, before);
}

//! Download links and file names.

use std::collections::BTreeSet;

use beseda_api::{Attachment, ChatId, FileUpload, Sender};
use bytes::Bytes;

use crate::TestEnvironment;

async fn attachment(env: &TestEnvironment, chat: ChatId) -> Attachment {
    env.history(chat).await.pop().unwrap().payload.unwrap().remove(0)
}

pub async fn a_downloaded_file_has_the_bytes_that_were_sent(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    // Every byte value, and text that looks like the end of a multipart body.
    let mut content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    content.extend_from_slice(b"\r\n--X--\r\n--boundary\r\n\r\n\0");
    let content = Bytes::from(content);
    env.send_file(chat, "все байты.bin", content.clone()).await;
    let attachment = attachment(env, chat).await;
    assert_eq!(usize::try_from(attachment.size).unwrap(), content.len());
    let (name, fetched) = env.inspector().fetch(&attachment.url).await.unwrap();
    assert_eq!(name, "все байты.bin");
    assert!(fetched == content, "the bytes differ");
}

pub async fn file_names_in_any_script_and_with_special_characters_are_preserved(
    env: &TestEnvironment,
) {
    let chat = env.create_order_chat(1).await;
    for name in [
        "photo.jpg",
        "фото товара (1).jpg",
        "日本語 🙂.png",
        "a\"quoted\".txt",
        "a;b=c, d.txt",
        "100%.txt",
        "%22.txt",
        "без расширения",
        ".htaccess",
        "it's.txt",
    ] {
        env.send_file(chat, name, "x").await;
        let attachment = attachment(env, chat).await;
        assert_eq!(attachment.name, name);
        let (fetched, _) = env.inspector().fetch(&attachment.url).await.unwrap();
        assert_eq!(fetched, name);
    }
}

pub async fn folders_are_removed_from_file_names(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    for raw in ["../../etc/passwd", "/etc/passwd", "C:\\Windows\\passwd"] {
        env.send_file(chat, raw, "x").await;
        assert_eq!(attachment(env, chat).await.name, "passwd");
    }
}

pub async fn a_link_is_absolute_and_limited_in_length(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.send_file(chat, &"я".repeat(255), "x").await;
    let url = attachment(env, chat).await.url;
    assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
    assert!(url.len() <= 2000);
}

pub async fn each_upload_of_the_same_file_has_a_link_of_its_own(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let mut links = BTreeSet::new();
    for _ in 0..5 {
        env.send_file(chat, "a.txt", "одно и то же").await;
        links.insert(attachment(env, chat).await.url);
    }
    assert_eq!(links.len(), 5);
}

pub async fn a_guessed_link_is_not_found(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.send_file(chat, "a.txt", "x").await;
    let url = attachment(env, chat).await.url;
    let last = if url.ends_with('0') { "1" } else { "0" };
    let guessed = format!("{}{last}", &url[..url.len() - 1]);
    assert_ne!(guessed, url);
    assert_eq!(env.inspector().fetch(&guessed).await, None);
    assert!(env.inspector().fetch(&url).await.is_some());
}

pub async fn a_link_remains_valid_after_its_chat_is_closed(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.send_file(chat, "a.txt", "x").await;
    let url = attachment(env, chat).await.url;
    env.market().close_chat(env.business, chat).await.unwrap();
    assert_eq!(attachment(env, chat).await.url, url);
    let (_, content) = env.inspector().fetch(&url).await.unwrap();
    assert_eq!(content, "x");
}

pub async fn a_message_has_the_same_link_in_every_response(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.send_file(chat, "a.txt", "x").await;
    assert_eq!(env.history(chat).await, env.history(chat).await);
}

pub async fn the_shop_can_download_a_file_of_the_buyer(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let file = FileUpload::from_bytes("брак.jpg", "снимок");
    let written = env.market().write_file(env.business, chat, Sender::Customer, file).await;
    let written = written.unwrap();
    assert_eq!((&written.sender, &written.message), (&Sender::Customer, &None));
    assert_eq!(env.history(chat).await, [written]);
    let attachment = attachment(env, chat).await;
    assert_eq!(attachment.name, "брак.jpg");
    let (_, content) = env.inspector().fetch(&attachment.url).await.unwrap();
    assert_eq!(content, "снимок");
}

pub async fn one_file_is_stored_for_each_message_with_a_file(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    for number in 0..3 {
        env.send_file(chat, "a.txt", "x").await;
        assert_eq!(env.inspector().stored_file_count(), number + 1);
    }
}

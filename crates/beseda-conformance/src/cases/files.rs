//! Download links: the bytes and the name that were sent come back, and only to who has the link.

use std::collections::BTreeSet;

use beseda_api::{Attachment, ChatId, FileUpload, Sender};
use bytes::Bytes;

use crate::World;

async fn attachment(world: &World, chat: ChatId) -> Attachment {
    world.history(chat).await.pop().unwrap().payload.unwrap().remove(0)
}

pub async fn the_bytes_come_back_as_they_were_sent(world: &World) {
    let chat = world.order_chat(1).await;
    // Every byte there is, and what looks like the end of a multipart body.
    let mut content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    content.extend_from_slice(b"\r\n--X--\r\n--boundary\r\n\r\n\0");
    let content = Bytes::from(content);
    world.send_file(chat, "все байты.bin", content.clone()).await;
    let attachment = attachment(world, chat).await;
    assert_eq!(usize::try_from(attachment.size).unwrap(), content.len());
    let (name, fetched) = world.stage().fetch(&attachment.url).await.unwrap();
    assert_eq!(name, "все байты.bin");
    assert!(fetched == content, "the bytes differ");
}

pub async fn names_in_any_script_and_with_any_signs_are_kept(world: &World) {
    let chat = world.order_chat(1).await;
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
        world.send_file(chat, name, "x").await;
        let attachment = attachment(world, chat).await;
        assert_eq!(attachment.name, name);
        let (fetched, _) = world.stage().fetch(&attachment.url).await.unwrap();
        assert_eq!(fetched, name);
    }
}

pub async fn folders_in_a_name_are_dropped(world: &World) {
    let chat = world.order_chat(1).await;
    for raw in ["../../etc/passwd", "/etc/passwd", "C:\\Windows\\passwd"] {
        world.send_file(chat, raw, "x").await;
        assert_eq!(attachment(world, chat).await.name, "passwd");
    }
}

pub async fn a_link_is_absolute_and_of_a_bearable_length(world: &World) {
    let chat = world.order_chat(1).await;
    world.send_file(chat, &"я".repeat(255), "x").await;
    let url = attachment(world, chat).await.url;
    assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
    assert!(url.len() <= 2000);
}

pub async fn the_same_file_sent_again_has_another_link(world: &World) {
    let chat = world.order_chat(1).await;
    let mut links = BTreeSet::new();
    for _ in 0..5 {
        world.send_file(chat, "a.txt", "одно и то же").await;
        links.insert(attachment(world, chat).await.url);
    }
    assert_eq!(links.len(), 5);
}

pub async fn a_link_that_was_not_given_out_leads_nowhere(world: &World) {
    let chat = world.order_chat(1).await;
    world.send_file(chat, "a.txt", "x").await;
    let url = attachment(world, chat).await.url;
    let last = if url.ends_with('0') { "1" } else { "0" };
    let guessed = format!("{}{last}", &url[..url.len() - 1]);
    assert_ne!(guessed, url);
    assert_eq!(world.stage().fetch(&guessed).await, None);
    assert!(world.stage().fetch(&url).await.is_some());
}

pub async fn a_link_stays_good_when_its_chat_is_closed(world: &World) {
    let chat = world.order_chat(1).await;
    world.send_file(chat, "a.txt", "x").await;
    let url = attachment(world, chat).await.url;
    world.market().close_chat(world.business, chat).await.unwrap();
    assert_eq!(attachment(world, chat).await.url, url);
    let (_, content) = world.stage().fetch(&url).await.unwrap();
    assert_eq!(content, "x");
}

pub async fn a_message_shows_the_same_link_each_time(world: &World) {
    let chat = world.order_chat(1).await;
    world.send_file(chat, "a.txt", "x").await;
    assert_eq!(world.history(chat).await, world.history(chat).await);
}

pub async fn a_file_of_the_buyer_comes_to_the_shop(world: &World) {
    let chat = world.order_chat(1).await;
    let file = FileUpload::from_bytes("брак.jpg", "снимок");
    let written = world.market().write_file(world.business, chat, Sender::Customer, file).await;
    let written = written.unwrap();
    assert_eq!((&written.sender, &written.message), (&Sender::Customer, &None));
    assert_eq!(world.history(chat).await, [written]);
    let attachment = attachment(world, chat).await;
    assert_eq!(attachment.name, "брак.jpg");
    let (_, content) = world.stage().fetch(&attachment.url).await.unwrap();
    assert_eq!(content, "снимок");
}

pub async fn one_file_lies_in_the_store_for_each_message_with_one(world: &World) {
    let chat = world.order_chat(1).await;
    for number in 0..3 {
        world.send_file(chat, "a.txt", "x").await;
        assert_eq!(world.stage().stored_files(), number + 1);
    }
}

//! sendFileToChat: the message a file becomes, its bounds, and what a file that is refused leaves: nothing.

use std::io;

use beseda_api::{
    Chat, ChatId, ChatStatus, Error, ErrorKind, FileName, FileUpload, MAX_FILE_BYTES, Sender,
};
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::{
    World, assert_grow, ids,
    refusal::{refused, refused_as},
};

const PIECE: usize = 64 * 1024;

/// A file of zeros that arrives in pieces.
fn zeros(size: u64) -> FileUpload {
    let piece = Bytes::from_static(&[0; PIECE]);
    let size = usize::try_from(size).unwrap();
    let sizes = (0..size).step_by(PIECE).map(move |start| PIECE.min(size - start));
    let content = stream::iter(sizes.map(move |part| Ok(piece.slice(..part)))).boxed();
    FileUpload { name: FileName::new("нули.bin"), content }
}

async fn send(world: &World, chat: ChatId, file: FileUpload) -> beseda_api::Result<()> {
    world.api.send_file_to_chat(world.business, chat, file).await
}

/// Asserts that an upload into this chat has left nothing: no message, no change, no bytes.
async fn nothing_is_left(world: &World, before: &Chat) {
    assert_eq!(world.chat(before.chat_id).await, world.chat_as_shown(before.clone()));
    assert!(world.history(before.chat_id).await.iter().all(|message| message.payload.is_none()));
    // A server may notice only after the caller is gone that an upload was broken off.
    for _ in 0..500 {
        if world.stored_files() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} files are left in the store", world.stored_files());
}

pub async fn a_file_of_the_shop_is_a_message_with_a_payload(world: &World) {
    let chat = world.order_chat(1).await;
    world.tick();
    world.send_file(chat, "фото товара.jpg", "содержимое").await;
    let messages = world.history(chat).await;
    assert_eq!(messages.len(), 1);
    assert_eq!((&messages[0].sender, &messages[0].message), (&Sender::Partner, &None));
    assert_eq!(messages[0].created_at, world.now());
    let payload = messages[0].payload.as_ref().unwrap();
    assert_eq!(payload.len(), 1);
    assert_eq!(payload[0].name, "фото товара.jpg");
    assert_eq!(usize::try_from(payload[0].size).unwrap(), "содержимое".len());
}

pub async fn files_and_texts_stand_in_the_order_of_sending(world: &World) {
    let chat = world.order_chat(1).await;
    world.say(chat, "Вот чек:").await;
    world.send_file(chat, "чек.pdf", "%PDF").await;
    world.say(chat, "Видно?").await;
    let messages = world.history(chat).await;
    let kinds: Vec<_> = messages.iter().map(|message| message.payload.is_some()).collect();
    assert_eq!(kinds, [false, true, false]);
    assert_grow(&ids(&messages));
}

pub async fn a_file_waits_for_the_customers_answer_as_a_text_does(world: &World) {
    let chat = world.talk(1, 1).await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForPartner);
    world.send_file(chat, "фото.jpg", "x").await;
    assert_eq!(world.status(chat).await, ChatStatus::WaitingForCustomer);
}

pub async fn a_file_of_exactly_the_largest_size_is_taken(world: &World) {
    let chat = world.order_chat(1).await;
    send(world, chat, zeros(MAX_FILE_BYTES)).await.unwrap();
    let payload = world.history(chat).await.remove(0).payload.unwrap();
    assert_eq!(payload[0].size, 5 * 1024 * 1024);
    let (_, content) = world.stage().fetch(&payload[0].url).await.unwrap();
    assert_eq!(content.len(), 5 * 1024 * 1024);
}

pub async fn one_byte_more_is_refused_and_leaves_nothing(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = world.chat(chat).await;
    world.tick();
    refused(send(world, chat, zeros(MAX_FILE_BYTES + 1)).await, ErrorKind::BadRequest);
    nothing_is_left(world, &before).await;
}

pub async fn a_file_far_too_large_is_refused_and_leaves_nothing(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = world.chat(chat).await;
    refused(send(world, chat, zeros(3 * MAX_FILE_BYTES)).await, ErrorKind::BadRequest);
    nothing_is_left(world, &before).await;
    world.send_file(chat, "поменьше.txt", "x").await;
}

pub async fn an_upload_that_breaks_off_leaves_nothing(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = world.chat(chat).await;
    world.tick();
    let pieces = [
        Ok(Bytes::from_static(&[1; PIECE])),
        Ok(Bytes::from_static(&[2; PIECE])),
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "the disk of the shop is gone")),
    ];
    let content = stream::iter(pieces).boxed();
    let file = FileUpload { name: FileName::new("обрыв.bin"), content };
    send(world, chat, file).await.unwrap_err();
    nothing_is_left(world, &before).await;
}

pub async fn an_upload_that_breaks_off_at_once_leaves_nothing(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = world.chat(chat).await;
    let content = stream::iter([Err(io::Error::other("not even a byte"))]).boxed();
    let file = FileUpload { name: FileName::new("обрыв.bin"), content };
    send(world, chat, file).await.unwrap_err();
    nothing_is_left(world, &before).await;
}

pub async fn an_unknown_chat_takes_no_file(world: &World) {
    let before = world.chat(world.talk(1, 1).await).await;
    let chat = ChatId::new(42).unwrap();
    let result = send(world, chat, FileUpload::from_bytes("a.txt", "x")).await;
    refused_as(result, &Error::chat_not_found(chat));
    nothing_is_left(world, &before).await;
}

pub async fn a_closed_chat_takes_no_file(world: &World) {
    let chat = world.talk(1, 1).await;
    let before = world.market().close_chat(world.business, chat).await.unwrap();
    let result = send(world, chat, FileUpload::from_bytes("a.txt", "x")).await;
    refused_as(result, &Error::chat_closed(chat));
    nothing_is_left(world, &before).await;
}

pub async fn chats_of_every_kind_take_files(world: &World) {
    let direct = world.direct_chat("Мария К.").await;
    for chat in
        [world.order_chat(1).await, world.return_chat(2, 77).await, direct, world.dispute(3).await]
    {
        world.send_file(chat, "a.txt", "x").await;
        if chat == direct && !world.shows_direct() {
            world.assert_hidden(direct).await;
            continue;
        }
        let last = world.history(chat).await.pop().unwrap();
        assert_eq!(last.payload.map(|payload| payload.len()), Some(1));
    }
}

pub async fn files_sent_at_once_are_all_there_with_their_own_bytes(world: &World) {
    let chat = world.order_chat(1).await;
    let sends = (0..8_u8).map(|number| {
        let content = vec![number; 10_000 + usize::from(number)];
        send(world, chat, FileUpload::from_bytes(&format!("{number}.bin"), content))
    });
    for result in futures::future::join_all(sends).await {
        result.unwrap();
    }
    let messages = world.history(chat).await;
    assert_grow(&ids(&messages));
    let mut names = Vec::new();
    for attachment in messages.into_iter().flat_map(|message| message.payload.unwrap()) {
        let number: u8 = attachment.name.trim_end_matches(".bin").parse().unwrap();
        let (_, content) = world.stage().fetch(&attachment.url).await.unwrap();
        assert_eq!(content, vec![number; 10_000 + usize::from(number)]);
        names.push(number);
    }
    names.sort_unstable();
    assert_eq!(names, (0..8).collect::<Vec<_>>());
}

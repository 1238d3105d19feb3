//! sendFileToChat: messages with files, size limits, interrupted uploads.

use std::io;

use beseda_api::{
    Chat, ChatId, ChatStatus, Error, ErrorKind, FileName, FileUpload, MAX_FILE_BYTES, Sender,
};
use bytes::Bytes;
use futures::{StreamExt, stream};

use crate::{
    TestEnvironment,
    assertions::{assert_increasing, assert_refused, assert_refused_with},
    message_ids,
};

const CHUNK: usize = 64 * 1024;

/// Returns a file of zeros as a stream of chunks.
fn file_of_zeros(size: u64) -> FileUpload {
    let chunk = Bytes::from_static(&[0; CHUNK]);
    let size = usize::try_from(size).unwrap();
    let sizes = (0..size).step_by(CHUNK).map(move |start| CHUNK.min(size - start));
    let content = stream::iter(sizes.map(move |part| Ok(chunk.slice(..part)))).boxed();
    FileUpload { name: FileName::new("нули.bin"), content }
}

async fn send(env: &TestEnvironment, chat: ChatId, file: FileUpload) -> beseda_api::Result<()> {
    env.api.send_file_to_chat(env.business, chat, file).await
}

/// Asserts that an upload to this chat has left no message, no change and no file.
async fn assert_nothing_stored(env: &TestEnvironment, before: &Chat) {
    assert_eq!(env.get_chat(before.chat_id).await, env.expected_chat(before.clone()));
    assert!(env.history(before.chat_id).await.iter().all(|message| message.payload.is_none()));
    // A server may detect an interrupted upload only after the call has ended.
    for _ in 0..500 {
        if env.stored_file_count() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{} files are left in the store", env.stored_file_count());
}

pub async fn a_file_sent_by_the_shop_is_a_message_with_a_payload(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.advance_second();
    env.send_file(chat, "фото товара.jpg", "содержимое").await;
    let messages = env.history(chat).await;
    assert_eq!(messages.len(), 1);
    assert_eq!((&messages[0].sender, &messages[0].message), (&Sender::Partner, &None));
    assert_eq!(messages[0].created_at, env.now());
    let payload = messages[0].payload.as_ref().unwrap();
    assert_eq!(payload.len(), 1);
    assert_eq!(payload[0].name, "фото товара.jpg");
    assert_eq!(usize::try_from(payload[0].size).unwrap(), "содержимое".len());
}

pub async fn files_and_texts_are_listed_in_the_order_of_sending(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    env.send_text(chat, "Вот чек:").await;
    env.send_file(chat, "чек.pdf", "%PDF").await;
    env.send_text(chat, "Видно?").await;
    let messages = env.history(chat).await;
    let kinds: Vec<_> = messages.iter().map(|message| message.payload.is_some()).collect();
    assert_eq!(kinds, [false, true, false]);
    assert_increasing(&message_ids(&messages));
}

pub async fn a_chat_waits_for_the_customer_after_a_file(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForPartner);
    env.send_file(chat, "фото.jpg", "x").await;
    assert_eq!(env.chat_status(chat).await, ChatStatus::WaitingForCustomer);
}

pub async fn a_file_of_the_maximum_size_is_accepted(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    send(env, chat, file_of_zeros(MAX_FILE_BYTES)).await.unwrap();
    let payload = env.history(chat).await.remove(0).payload.unwrap();
    assert_eq!(payload[0].size, 5 * 1024 * 1024);
    let (_, content) = env.inspector().fetch(&payload[0].url).await.unwrap();
    assert_eq!(content.len(), 5 * 1024 * 1024);
}

pub async fn a_file_one_byte_too_large_is_refused_and_not_stored(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.get_chat(chat).await;
    env.advance_second();
    assert_refused(send(env, chat, file_of_zeros(MAX_FILE_BYTES + 1)).await, ErrorKind::BadRequest);
    assert_nothing_stored(env, &before).await;
}

pub async fn a_file_far_too_large_is_refused_and_not_stored(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.get_chat(chat).await;
    assert_refused(send(env, chat, file_of_zeros(3 * MAX_FILE_BYTES)).await, ErrorKind::BadRequest);
    assert_nothing_stored(env, &before).await;
    env.send_file(chat, "поменьше.txt", "x").await;
}

pub async fn an_interrupted_upload_is_not_stored(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.get_chat(chat).await;
    env.advance_second();
    let chunks = [
        Ok(Bytes::from_static(&[1; CHUNK])),
        Ok(Bytes::from_static(&[2; CHUNK])),
        Err(io::Error::new(io::ErrorKind::ConnectionReset, "the disk of the shop is gone")),
    ];
    let content = stream::iter(chunks).boxed();
    let file = FileUpload { name: FileName::new("обрыв.bin"), content };
    send(env, chat, file).await.unwrap_err();
    assert_nothing_stored(env, &before).await;
}

pub async fn an_upload_interrupted_before_its_first_byte_is_not_stored(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.get_chat(chat).await;
    let content = stream::iter([Err(io::Error::other("not even a byte"))]).boxed();
    let file = FileUpload { name: FileName::new("обрыв.bin"), content };
    send(env, chat, file).await.unwrap_err();
    assert_nothing_stored(env, &before).await;
}

pub async fn a_file_to_an_unknown_chat_is_refused(env: &TestEnvironment) {
    let before = env.get_chat(env.chat_with_messages(1, 1).await).await;
    let chat = ChatId::new(42).unwrap();
    let result = send(env, chat, FileUpload::from_bytes("a.txt", "x")).await;
    assert_refused_with(result, &Error::chat_not_found(chat));
    assert_nothing_stored(env, &before).await;
}

pub async fn a_file_to_a_closed_chat_is_refused(env: &TestEnvironment) {
    let chat = env.chat_with_messages(1, 1).await;
    let before = env.market().close_chat(env.business, chat).await.unwrap();
    let result = send(env, chat, FileUpload::from_bytes("a.txt", "x")).await;
    assert_refused_with(result, &Error::chat_closed(chat));
    assert_nothing_stored(env, &before).await;
}

pub async fn files_are_accepted_by_chats_of_every_type(env: &TestEnvironment) {
    let direct = env.open_direct_chat("Мария К.").await;
    for chat in [
        env.create_order_chat(1).await,
        env.create_return_chat(2, 77).await,
        direct,
        env.open_dispute(3).await,
    ] {
        env.send_file(chat, "a.txt", "x").await;
        if chat == direct && !env.shows_direct_chats() {
            env.assert_hidden(direct).await;
            continue;
        }
        let last = env.history(chat).await.pop().unwrap();
        assert_eq!(last.payload.map(|payload| payload.len()), Some(1));
    }
}

pub async fn concurrently_sent_files_are_stored_with_their_own_bytes(env: &TestEnvironment) {
    let chat = env.create_order_chat(1).await;
    let sends = (0..8_u8).map(|number| {
        let content = vec![number; 10_000 + usize::from(number)];
        send(env, chat, FileUpload::from_bytes(&format!("{number}.bin"), content))
    });
    for result in futures::future::join_all(sends).await {
        result.unwrap();
    }
    let messages = env.history(chat).await;
    assert_increasing(&message_ids(&messages));
    let mut names = Vec::new();
    for attachment in messages.into_iter().flat_map(|message| message.payload.unwrap()) {
        let number: u8 = attachment.name.trim_end_matches(".bin").parse().unwrap();
        let (_, content) = env.inspector().fetch(&attachment.url).await.unwrap();
        assert_eq!(content, vec![number; 10_000 + usize::from(number)]);
        names.push(number);
    }
    names.sort_unstable();
    assert_eq!(names, (0..8).collect::<Vec<_>>());
}

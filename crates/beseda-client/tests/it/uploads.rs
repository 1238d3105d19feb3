//! Files on their way out: from memory, a path and a reader, and what stops them.

use beseda_api::{ChatsApi, ErrorKind, FileUpload, MAX_FILE_BYTES, MarketSide, Sender};
use beseda_client::{ClientError, ErrorExt, SecretString, upload_from_path, upload_from_reader};
use futures::StreamExt;

use crate::double::{Answer, Double, business, chat};

async fn send(double: &Double, file: FileUpload) -> beseda_api::Result<()> {
    double.client().send_file_to_chat(business(), chat(), file).await
}

fn ok() -> Answer {
    Answer::new(200, r#"{"status":"OK"}"#)
}

#[tokio::test]
async fn a_file_goes_as_one_form_part_under_its_name() {
    let double = Double::start([ok()]).await;
    send(&double, FileUpload::from_bytes("фото \"1\".jpg", "bytes")).await.unwrap();
    let asked = &double.asked()[0];
    assert_eq!(asked.line, "POST /v2/businesses/1/chats/file/send?chatId=42");
    assert!(asked.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    let expected = r#"name="file"; filename="фото \"1\".jpg""#;
    assert!(asked.body.contains(expected), "{}", asked.body);
    assert!(asked.body.contains("\r\n\r\nbytes\r\n--"));
}

#[tokio::test]
async fn a_path_and_a_reader_are_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("отчёт.txt");
    std::fs::write(&path, "из файла").unwrap();
    let double = Double::start([ok(), ok()]).await;
    send(&double, upload_from_path(&path).await.unwrap()).await.unwrap();
    send(&double, upload_from_reader("r.txt", &b"from a reader"[..])).await.unwrap();
    let asked = double.asked();
    assert!(asked[0].body.contains("filename=\"отчёт.txt\"") && asked[0].body.contains("из файла"));
    assert!(
        asked[1].body.contains("filename=\"r.txt\"") && asked[1].body.contains("from a reader")
    );

    let folder = upload_from_path(folder.path()).await.unwrap_err();
    assert_eq!(folder.kind(), std::io::ErrorKind::IsADirectory);
}

#[tokio::test]
async fn a_file_of_the_largest_size_goes_and_one_byte_more_is_refused() {
    let largest = usize::try_from(MAX_FILE_BYTES).unwrap();
    let double = Double::start([ok(), ok()]).await;
    send(&double, FileUpload::from_bytes("a", vec![b'x'; largest])).await.unwrap();
    let error = send(&double, FileUpload::from_bytes("a", vec![b'x'; largest + 1])).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), Some(ErrorKind::BadRequest), "{error:?}");
}

#[tokio::test]
async fn a_source_that_fails_is_told_from_a_network_that_fails() {
    let double = Double::start([ok()]).await;
    let pieces = [Ok("begun".into()), Err(std::io::Error::other("the disk is gone"))];
    let mut file = FileUpload::from_bytes("a", "");
    file.content = futures::stream::iter(pieces).boxed();
    let error = send(&double, file).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::Local(_))), "{error:?}");
    assert!(error.to_string().contains("the disk is gone"));
}

#[tokio::test]
async fn a_buyers_file_goes_by_the_markets_side() {
    let message = r#"{"messageId":7,"createdAt":"2026-05-31T10:30:17+03:00","sender":"CUSTOMER","payload":[{"name":"a.jpg","url":"http://x/1","size":5}]}"#;
    let double = Double::start([Answer::ok(message)]).await;
    let market = double.builder().build_market(&SecretString::from("m")).unwrap();
    let file = FileUpload::from_bytes("a.jpg", "bytes");
    let sent = market.write_file(business(), chat(), Sender::Customer, file).await.unwrap();
    assert_eq!(sent.message_id.get(), 7);
    let expected = "POST /market/v1/businesses/1/chats/42/files?sender=CUSTOMER";
    assert_eq!(double.lines(), [expected]);
}

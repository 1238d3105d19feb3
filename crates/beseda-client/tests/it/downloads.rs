//! Attachments on their way in, and who gets to see the credential.

use beseda_api::ErrorKind;
use beseda_client::{AttachmentDownload, ClientError, ErrorExt};
use futures::TryStreamExt;

use crate::double::{Answer, Double};

async fn text(fetched: AttachmentDownload) -> std::io::Result<String> {
    let pieces: Vec<_> = fetched.content.try_collect().await?;
    Ok(String::from_utf8(pieces.concat()).unwrap())
}

#[tokio::test]
async fn the_services_own_origin_sees_the_key_and_others_do_not() {
    let double = Double::start([Answer::new(200, "own")]).await;
    let stranger = Double::start([Answer::new(200, "other")]).await;
    let client = double.client();
    let own = client.download(&format!("{}/files/1", double.url())).await.unwrap();
    assert_eq!(own.size, Some(3));
    assert_eq!(text(own).await.unwrap(), "own");
    client.download(&format!("{}/files/1", stranger.url())).await.unwrap();

    assert_eq!(double.asked()[0].header("api-key"), Some("ACMA:secret"));
    let seen = &stranger.asked()[0];
    assert!(seen.header("api-key").is_none() && seen.header("authorization").is_none());
}

#[tokio::test]
async fn a_redirect_is_followed_without_the_key_to_a_stranger() {
    let stranger = Double::start([Answer::new(200, "bytes")]).await;
    let double = Double::start([
        Answer::new(302, "").header("Location", "/moved"),
        Answer::new(302, "").header("Location", format!("{}/x", stranger.url())),
    ])
    .await;
    let fetched = double.client().download(&format!("{}/files/1", double.url())).await.unwrap();
    assert_eq!(text(fetched).await.unwrap(), "bytes");
    assert_eq!(double.lines(), ["GET /files/1", "GET /moved"]);
    assert_eq!(double.asked()[1].header("api-key"), Some("ACMA:secret"));
    assert!(stranger.asked()[0].header("api-key").is_none());
}

#[tokio::test]
async fn a_trusted_file_host_sees_the_credential_in_its_form() {
    let host = Double::start([Answer::new(200, ""), Answer::new(200, "")]).await;
    let double = Double::start([]).await;
    let link = format!("{}/file/1", host.url());
    let by_key = double.builder().trust_files_from(host.url()).build().unwrap();
    by_key.download(&link).await.unwrap();
    let by_token = double.builder().oauth_token("y0_t").trust_files_from(host.url());
    by_token.build().unwrap().download(&link).await.unwrap();
    assert_eq!(host.asked()[0].header("api-key"), Some("ACMA:secret"));
    assert_eq!(host.asked()[1].header("authorization"), Some("OAuth y0_t"));
}

#[tokio::test]
async fn what_is_too_large_ends_with_an_error() {
    let double = Double::start([Answer::new(200, "123456")]).await;
    let link = format!("{}/files/1", double.url());
    let client = double.builder().max_download(5).build().unwrap();
    let error = client.download(&link).await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::TooLarge { limit: 5 })));

    // Without a length the bytes are counted as they come.
    double.then(Answer::new(200, "123456").unsized_());
    let fetched = client.download(&link).await.unwrap();
    assert_eq!(fetched.size, None);
    assert!(text(fetched).await.is_err());
}

#[tokio::test]
async fn links_and_redirects_to_nowhere_are_errors() {
    let double = Double::start([
        Answer::new(404, "{}"),
        Answer::new(302, "").header("Location", "file:///etc/passwd"),
    ])
    .await;
    let client = double.client();
    let link = format!("{}/files/1", double.url());
    let gone = client.download(&link).await.unwrap_err();
    assert_eq!(gone.kind(), Some(ErrorKind::NotFound));
    let elsewhere = client.download(&link).await.unwrap_err();
    assert!(matches!(elsewhere.client_error(), Some(ClientError::Redirect(_))));
    for bad in ["file:///etc/passwd", "files/1", "javascript:alert(1)"] {
        let error = client.download(bad).await.unwrap_err();
        assert!(matches!(error.client_error(), Some(ClientError::BadLink)), "{bad}");
    }

    for _ in 0..9 {
        double.then(Answer::new(302, "").header("Location", "/again"));
    }
    let circle = client.download(&link).await.unwrap_err();
    assert!(matches!(circle.client_error(), Some(ClientError::Redirect("too often"))));
}

#[tokio::test]
async fn a_link_is_open_if_its_first_byte_comes_without_the_key() {
    let double = Double::start([
        Answer::new(206, "b"),
        Answer::new(200, "bytes"),
        Answer::new(401, ""),
        Answer::new(302, "").header("Location", "/login"),
    ])
    .await;
    let link = format!("{}/files/1", double.url());
    for open in [true, true, false, false] {
        assert_eq!(double.client().is_open_link(&link).await.unwrap(), open);
    }
    for asked in double.asked() {
        assert_eq!(asked.header("range"), Some("bytes=0-0"));
        assert!(asked.header("api-key").is_none() && asked.header("authorization").is_none());
    }
    let error = double.client().is_open_link("ftp://files.example/1").await.unwrap_err();
    assert!(matches!(error.client_error(), Some(ClientError::BadLink)));
}

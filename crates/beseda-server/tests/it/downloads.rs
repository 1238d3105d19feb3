//! Downloads: whole, in part, as headers only, and for whom.

use crate::world::World;

#[tokio::test]
async fn a_file_comes_as_an_attachment_that_no_browser_guesses_about() {
    let world = World::open("{}").await;
    let path = format!("/files/{}", world.name("file"));
    for path in [path.clone(), format!("{path}/photo.jpg")] {
        let reply = world.ask("GET", &path, &[], b"").await;
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"0123456789"[..]));
        let disposition = reply.header("content-disposition").unwrap();
        assert!(disposition.starts_with("attachment; "), "{disposition}");
        assert!(disposition.ends_with("filename*=UTF-8''%D1%84%D0%BE%D1%82%D0%BE.jpg"));
        assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("accept-ranges"), Some("bytes"));
        assert_eq!(reply.header("content-length"), Some("10"));
        assert!(reply.header("x-ratelimit-resource-limit").is_some());
    }
}

#[tokio::test]
async fn parts_of_a_file_can_be_asked_for() {
    let world = World::open("{}").await;
    let path = format!("/files/{}", world.name("file"));
    for (range, status, content_range, body) in [
        ("bytes=2-4", 206, Some("bytes 2-4/10"), "234"),
        ("bytes=7-", 206, Some("bytes 7-9/10"), "789"),
        ("bytes=-2", 206, Some("bytes 8-9/10"), "89"),
        ("bytes=5-999", 206, Some("bytes 5-9/10"), "56789"),
        ("bytes=10-", 416, Some("bytes */10"), ""),
        ("bytes=1-2,4-5", 200, None, "0123456789"),
        ("nonsense", 200, None, "0123456789"),
    ] {
        let reply = world.ask("GET", &path, &[("Range", range)], b"").await;
        let shown = String::from_utf8(reply.body.clone()).unwrap();
        assert_eq!((reply.status, shown.as_str()), (status, body), "{range}");
        assert_eq!(reply.header("content-range"), content_range, "{range}");
    }
}

#[tokio::test]
async fn headers_alone_and_an_unchanged_file_have_no_body() {
    let world = World::open("{}").await;
    let path = format!("/files/{}", world.name("file"));
    let head = world.ask("HEAD", &path, &[], b"").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
    assert!(head.body.is_empty());
    let etag = head.header("etag").unwrap();
    let again = world.ask("GET", &path, &[("If-None-Match", etag)], b"").await;
    assert_eq!((again.status, again.body.len()), (304, 0));
}

#[tokio::test]
async fn a_file_nobody_has_is_not_found_and_files_have_no_other_methods() {
    let world = World::open("{}").await;
    for path in ["/files/", "/files/abc", "/files/00000000000000000000000000000000"] {
        let reply = world.ask("GET", path, &[], b"").await;
        assert_eq!((reply.status, reply.message().as_str()), (404, "Resource not found"), "{path}");
    }
    let path = format!("/files/{}", world.name("file"));
    let reply = world.ask("POST", &path, &[], b"").await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
}

#[tokio::test]
async fn files_can_be_kept_for_those_who_may_see_the_chat() {
    let world = World::open(r#"{"files":"required"}"#).await;
    let path = format!("/files/{}", world.name("file"));
    let token = format!("Bearer {}", world.name("token"));
    let plain = format!("OAuth {}", world.name("token"));
    for (header, value, status) in [
        ("X-Nothing", "x", 401),
        ("Api-Key", world.name("revoked"), 401),
        ("Api-Key", world.name("foreign"), 403),
        ("Authorization", "Bearer y0_nobody", 403),
        ("Api-Key", world.name("key"), 200),
        ("Authorization", token.as_str(), 200),
        ("Authorization", plain.as_str(), 200),
    ] {
        let reply = world.ask("GET", &path, &[(header, value)], b"").await;
        assert_eq!(reply.status, status, "{header}");
        let json = reply.header("content-type") == Some("application/json; charset=utf-8");
        assert_eq!(json, status != 200);
    }
}

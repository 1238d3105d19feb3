//! The page at `/`: who gets it, in which language, and that it links only what is there.

use beseda_server::{LocalizedText, ServerSettings, StartPage, TransportSettings};

use crate::world::{MARKET_KEY, Reply, World, settings};

const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// The page, as a browser gets it.
async fn page(world: &World, language: &str) -> (Reply, String) {
    let reply = world.ask("GET", "/", &[BROWSER, ("Accept-Language", language)], b"").await;
    assert_eq!(reply.status, 200);
    let html = String::from_utf8(reply.body.clone()).unwrap();
    (reply, html)
}

/// Returns the targets of a page's links.
fn links(html: &str) -> Vec<&str> {
    let parts = html.split("<a href=\"").skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn a_browser_gets_a_page_whose_links_lead_somewhere() {
    let world = World::open("{}").await;
    let (reply, html) = page(&world, "en").await;
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    for loading in ["src=", "@import", "url(", "<script", "http://", "https://"] {
        assert!(!html.contains(loading), "{loading} is in the page");
    }
    let all = [
        "/docs",
        "/openapi.json",
        "/market/v1/openapi.json",
        "/admin/v1/openapi.json",
        "/readyz",
        "/metrics",
        "/version",
    ];
    assert_eq!(links(&html), all);
    for link in links(&html) {
        assert_eq!(world.get(link).await.status, 200, "{link}");
    }
    assert!(html.contains("issued by the operator of this server"), "{html}");
    let head = world.ask("HEAD", "/", &[BROWSER], b"").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn it_is_russian_for_those_who_prefer_that() {
    let world = World::open("{}").await;
    let (reply, html) = page(&world, "ru-RU,ru;q=0.9,en;q=0.8").await;
    assert_eq!(reply.header("content-language"), Some("ru"));
    assert!(html.contains("<html lang=\"ru\">") && html.contains("Ключи"), "{html}");
    let (reply, html) = page(&world, "de, en;q=0.5").await;
    assert_eq!(reply.header("content-language"), Some("en"));
    assert!(html.contains("<html lang=\"en\">") && html.contains("Keys"), "{html}");
}

#[tokio::test]
async fn other_clients_get_the_404_they_always_got() {
    let world = World::open("{}").await;
    let ask = async |method, headers: &[(&str, &str)]| world.ask(method, "/", headers, b"").await;
    for reply in [
        ask("GET", &[]).await,
        ask("GET", &[("Accept", "*/*")]).await,
        ask("GET", &[("Accept", "application/json")]).await,
        ask("GET", &[("Accept", "text/html;q=0")]).await,
        ask("POST", &[BROWSER]).await,
        ask("DELETE", &[]).await,
    ] {
        assert_eq!((reply.status, reply.message().as_str()), (404, "Resource not found"));
        assert_eq!(reply.json()["status"], "ERROR");
    }
    for path in ["//", "/v2", "/index.html", "/v2/"] {
        assert_eq!(world.ask("GET", path, &[BROWSER], b"").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_served_is_not_linked_and_what_is_beside_it_is_by_its_programs_word() {
    let bare = ServerSettings { docs: false, metrics: false, ..ServerSettings::default() };
    let shown = StartPage::new()
        .link("/inbox/\"><script>", LocalizedText::new("The <inbox>", "Почта"))
        .keys(LocalizedText::new("Ask <Anna> & co.", "Спросите Анну"));
    let with = |page: StartPage| move |services: beseda_server::Services| services.start_page(page);
    let world = World::with(bare, TransportSettings::default(), with(shown)).await;
    let (_, html) = page(&world, "en").await;
    assert_eq!(links(&html), ["/inbox/&quot;&gt;&lt;script&gt;", "/readyz", "/version"]);
    assert!(html.contains("The &lt;inbox&gt;") && html.contains("Ask &lt;Anna&gt; &amp; co."));
    let (_, html) = page(&world, "ru").await;
    assert!(html.contains("Почта") && html.contains("Спросите Анну"), "{html}");

    let market_only = ServerSettings {
        admin_key: None,
        ..settings(&format!(r#"{{"market_key":"{MARKET_KEY}"}}"#))
    };
    let world = World::with(market_only, TransportSettings::default(), |services| services).await;
    let (_, html) = page(&world, "en").await;
    assert!(html.contains("/market/v1/openapi.json") && !html.contains("/admin/v1"), "{html}");
}

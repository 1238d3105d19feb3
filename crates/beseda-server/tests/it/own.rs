//! What a back end of one's own gets by default, and what it may say itself: keys, a limit of its own, settings.

use std::sync::Arc;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, ByteRange, CampaignId, ChatsApi, Download, Downloads, Error, ErrorKind, FileId,
    FileName, Principal, RateLimit, Scope,
};
use beseda_server::{
    CallApi, CallContext, LimitPreset, PerCallApi, PerCallChats, ServerSettings, Services,
    StaticDirectory, TransportSettings, router,
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::json;

use crate::{refusing::Refusing, world::World};

const KEY: &str = "ACMA:MyBackEndMyBackEndMyBackEndMyBackEnd0000:0a1b2c3d";
const OTHER_FORM: &str = "my-own-key";
const TOKEN: &str = "y0_my-back-end";
const CHAT: &str = "/v2/businesses/1/chat?chatId=1";

/// A world whose chats and credentials are not the engine's.
async fn own_with(
    settings: ServerSettings,
    chats: impl ChatsApi + 'static,
    change: impl FnOnce(Services) -> Services,
) -> World {
    let one = BusinessId::new(1).unwrap();
    let directory = StaticDirectory::new()
        .api_key(KEY, [one], [Scope::Communication])
        .and_then(|directory| directory.api_key(OTHER_FORM, [one], [Scope::AllMethodsReadOnly]))
        .and_then(|directory| directory.oauth_token(TOKEN, [one]))
        .unwrap()
        .campaign(one, CampaignId::new(7).unwrap(), "My shop");
    World::with(settings, TransportSettings::default(), |engine| {
        let services = Services::new(Arc::new(chats)).directory(Arc::new(directory));
        change(services.clock(engine.clock))
    })
    .await
}

async fn own(settings: ServerSettings, chats: impl ChatsApi + 'static) -> World {
    own_with(settings, chats, |services| services).await
}

fn not_found() -> Error {
    Error::chat_not_found(beseda_api::ChatId::new(1).unwrap())
}

#[tokio::test]
async fn a_static_directory_knows_its_keys_tokens_scopes_and_shops() {
    let world = own(ServerSettings::default(), Refusing(not_found)).await;
    for (headers, path, status) in [
        ([("Api-Key", KEY)], CHAT, 404),
        ([("Authorization", "Bearer y0_my-back-end")], CHAT, 404),
        ([("Api-Key", KEY)], "/v2/businesses/2/chat?chatId=1", 403),
        ([("Authorization", "Bearer y0_another")], CHAT, 403),
        ([("Api-Key", "ACMA:MyBackEndMyBackEndMyBackEndMyBackEnd0001:0a1b2c3d")], CHAT, 401),
    ] {
        assert_eq!(world.ask("GET", path, &headers, b"").await.status, status, "{headers:?}");
    }
    let campaigns = world.ask("GET", "/v2/campaigns", &[("Api-Key", KEY)], b"").await.json();
    assert_eq!(campaigns["campaigns"][0]["id"], 7);
    assert_eq!(campaigns["campaigns"][0]["business"]["id"], 1);
    let info = world.ask("POST", "/v2/auth/token", &[("Api-Key", KEY)], b"").await.json();
    let key = json!({ "name": "Api-Key 1", "authScopes": ["COMMUNICATION"] });
    assert_eq!(info["result"]["apiKey"], key);
}

#[tokio::test]
async fn without_anything_besides_chats_there_are_no_files_no_market_and_no_administration() {
    let settings = crate::world::settings("{}");
    let world = own(settings, Refusing(not_found)).await;
    let file = format!("/files/{}", "0".repeat(32));
    for path in [file.as_str(), "/market/v1/businesses/1/orders", "/admin/v1/cabinets"] {
        let bearer = format!("Bearer {}", crate::world::ADMIN_KEY);
        let reply = world.ask("GET", path, &[("Authorization", &bearer)], b"").await;
        assert_eq!((reply.status, reply.message().as_str()), (404, "Resource not found"), "{path}");
    }
    assert_eq!(world.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn keys_of_another_form_are_looked_up_only_if_the_settings_say_so() {
    let world = own(ServerSettings::default(), Refusing(not_found)).await;
    let reply = world.ask("GET", CHAT, &[("Api-Key", OTHER_FORM)], b"").await;
    assert_eq!((reply.status, reply.message().as_str()), (401, "Api-Key token prefix invalid"));

    let settings: ServerSettings = serde_json::from_str(r#"{"api_key_format":"any"}"#).unwrap();
    let world = own(settings, Refusing(not_found)).await;
    for (key, status, text) in [
        (OTHER_FORM, 404, "Can't find chat by id: 1"),
        (KEY, 404, "Can't find chat by id: 1"),
        ("somebody-else", 401, "Api-Key token is invalid"),
        ("two words", 401, "Api-Key token format invalid"),
        (" ", 401, "Api-Key token is not specified"),
    ] {
        let reply = world.ask("GET", CHAT, &[("Api-Key", key)], b"").await;
        assert_eq!((reply.status, reply.message().as_str()), (status, text), "{key:?}");
    }
    let body = json!({ "message": "Да" }).to_string();
    let path = "/v2/businesses/1/chats/message?chatId=1";
    let reply = world.ask("POST", path, &[("Api-Key", OTHER_FORM)], body.as_bytes()).await;
    assert_eq!(reply.status, 403, "a key that may only read");
}

#[tokio::test]
async fn a_back_ends_own_limit_goes_out_with_its_figures() {
    let chats = Refusing(|| {
        let until = "2026-11-21T00:45:00Z".parse().unwrap();
        let limit = RateLimit { limit: 30, remaining: 0, until };
        Error::limit_exceeded(limit, "Thirty a quarter of an hour")
    });
    let world = own(ServerSettings::default(), chats).await;
    let reply = world.ask("GET", CHAT, &[("Api-Key", KEY)], b"").await;
    assert_eq!((reply.status, reply.reason.as_str()), (420, "Enhance Your Calm"));
    assert_eq!(reply.message(), "Thirty a quarter of an hour");
    assert_eq!(reply.header("x-ratelimit-resource-limit"), Some("30"));
    assert_eq!(reply.header("x-ratelimit-resource-remaining"), Some("0"));
    let until = "Sat, 21 Nov 2026 00:45:00 GMT";
    assert_eq!(reply.header("x-ratelimit-resource-until"), Some(until));
}

#[tokio::test]
async fn a_back_ends_own_limit_without_figures_leaves_nothing() {
    for preset in [LimitPreset::Y2026, LimitPreset::Off] {
        let settings = ServerSettings { limits: preset.into(), ..ServerSettings::default() };
        let chats = Refusing(|| Error::new(ErrorKind::LimitExceeded, "Not now"));
        let world = own(settings, chats).await;
        let reply = world.ask("GET", CHAT, &[("Api-Key", KEY)], b"").await;
        assert_eq!((reply.status, reply.message().as_str()), (420, "Not now"));
        assert_eq!(reply.header("x-ratelimit-resource-limit"), Some("1000"));
        assert_eq!(reply.header("x-ratelimit-resource-remaining"), Some("0"));
    }
}

#[test]
fn a_router_is_not_made_of_settings_that_make_no_sense() {
    let settings: ServerSettings =
        serde_json::from_str(r#"{"limits":{"operations":{"getChat5":3}}}"#).unwrap();
    let services = Services::new(Arc::new(Refusing(not_found)));
    let wrong = router(services, settings).unwrap_err().to_string();
    assert_eq!(wrong, "limits.operations: there is no operation 'getChat5'");
}

/// Tells every caller who it is.
struct Greeting;

impl PerCallApi for Greeting {
    fn begin_call(&self, visit: CallContext<'_>) -> Result<Arc<dyn CallApi>, Error> {
        let name = match &visit.access.principal {
            Principal::ApiKey { name, .. } => name.clone(),
            Principal::User { id } => format!("user {id}"),
        };
        if visit.headers.contains_key("x-unwanted") {
            return Err(Error::new(ErrorKind::Forbidden, "Not you"));
        }
        let until = "2026-11-21T00:45:00Z".parse().unwrap();
        let chats = PerCallChats::new(Arc::new(Refusing(not_found)))
            .header(HeaderName::from_static("x-caller"), HeaderValue::try_from(name).unwrap())
            .limit(RateLimit { limit: 9, remaining: 8, until });
        Ok(Arc::new(chats))
    }
}

#[tokio::test]
async fn an_attendant_learns_who_calls_and_puts_headers_on_the_answer() {
    // Without the attendant these chats would break.
    let broken = Refusing(|| Error::internal("the attendant was not asked"));
    let world = own_with(ServerSettings::default(), broken, |services| {
        services.per_call(Arc::new(Greeting))
    })
    .await;
    for (header, caller) in
        [(("Api-Key", KEY), "Api-Key 1"), (("Authorization", "Bearer y0_my-back-end"), "user 3")]
    {
        let reply = world.ask("GET", CHAT, &[header], b"").await;
        assert_eq!((reply.status, reply.header("x-caller")), (404, Some(caller)));
        assert_eq!(reply.header("x-ratelimit-resource-limit"), Some("9"));
        assert_eq!(reply.header("x-ratelimit-resource-remaining"), Some("8"));
    }
    let unwanted = [("Api-Key", KEY), ("X-Unwanted", "1")];
    let reply = world.ask("GET", CHAT, &unwanted, b"").await;
    assert_eq!((reply.status, reply.message().as_str()), (403, "Not you"));
}

/// One file of the first cabinet.
struct OneFile(FileId);

#[async_trait]
impl Downloads for OneFile {
    async fn open_file(
        &self,
        file: &FileId,
        range: Option<ByteRange>,
    ) -> beseda_api::Result<Option<Download>> {
        let content = Bytes::from_static(b"0123456789");
        let name = FileName::new("чек.txt");
        Ok((*file == self.0).then(|| Download::from_bytes(name, &content, range)))
    }

    async fn file_business(&self, file: &FileId) -> beseda_api::Result<Option<BusinessId>> {
        Ok((*file == self.0).then(|| BusinessId::new(1).unwrap()))
    }
}

#[tokio::test]
async fn a_link_made_of_a_file_id_opens_the_file_whole_and_in_part() {
    let file = FileId::new(0xfeed_beef);
    let files = Arc::new(OneFile(file.clone()));
    let world = own_with(ServerSettings::default(), Refusing(not_found), |s| s.files(files)).await;
    let public_url = format!("http://{}/", world.address);
    let url = file.url(&public_url);
    let path = url.strip_prefix(public_url.trim_end_matches('/')).unwrap();
    let whole = world.ask("GET", path, &[], b"").await;
    assert_eq!((whole.status, whole.body.as_slice()), (200, b"0123456789".as_slice()));
    let part = world.ask("GET", path, &[("Range", "bytes=2-4")], b"").await;
    assert_eq!((part.status, part.body.as_slice()), (206, b"234".as_slice()));
    let other = FileId::new(1).url("");
    assert_eq!(world.ask("GET", &other, &[], b"").await.status, 404);
}

//! The published contract as a judge of every answer. The documents are not in this repository: they are read from
//! `BESEDA_CONTRACT_DIR`, by default `../shared/openapi` beside the workspace; without them only the project's own judges.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, OnceLock},
};

use beseda_api::{
    CampaignId, ChatContext, ChatFilter, ChatId, ContextType, Endpoint, FileUpload, Generation,
    HistoryFrom, MessageId, OrderId, PageRequest, PageToken,
};
use beseda_conformance::text;
use serde_json::{Value, json};

use crate::{http, schema::Document};

/// Both generations, if they are there.
static PUBLISHED: LazyLock<Option<[Document; 2]>> = LazyLock::new(|| {
    let folder = folder();
    let read = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        let root: Value = serde_yaml_ng::from_str(&text).unwrap();
        Some(Document::new(file, root))
    };
    match (read("chats-2024.yaml"), read("chats-2026.yaml")) {
        (Some(old), Some(new)) => Some([old, new]),
        _ => {
            // Past the capture of test output: this must be seen although the tests pass.
            let text = format!(
                "published contract: not in {} (set BESEDA_CONTRACT_DIR); answers are held against the project's own document only\n",
                folder.display()
            );
            std::io::stderr().write_all(text.as_bytes()).unwrap();
            None
        }
    }
});

/// What the server says of itself in `/openapi.json`; the same for every world.
static OWN: OnceLock<Document> = OnceLock::new();

fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("BESEDA_CONTRACT_DIR")
        .map_or_else(|| workspace.join("../shared/openapi"), PathBuf::from)
}

/// Takes the server's own document, the first time.
pub(crate) fn take_own(document: Value) {
    OWN.get_or_init(|| Document::new("/openapi.json", document));
}

/// An answer as it went over the network.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

/// What one world's answers were, and what was wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Document, operation and status of everything judged.
    pub(crate) judged: Mutex<BTreeSet<(String, String, u16)>>,
    pub(crate) complaints: Mutex<Vec<String>>,
}

impl Log {
    /// Judges an answer of a published path; others are passed over.
    pub(crate) fn judge(&self, answer: &Answer<'_>) {
        let Answer { method, path, status, .. } = *answer;
        let own_path = path.starts_with("/market/") || path.starts_with("/admin/");
        let Some(operation_path) = operation_path(path).filter(|_| !own_path) else { return };
        let complain = |document: &str, fault: &str| {
            let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]);
            let text = format!("{method} {path} {status}, by {document}: {fault}\n  {body}");
            self.complaints.lock().unwrap().push(text);
        };
        if !answer.content_type.starts_with("application/json") {
            complain("every document", &format!("content type '{}'", answer.content_type));
            return;
        }
        let Ok(body) = serde_json::from_slice::<Value>(answer.body) else {
            complain("every document", "the body is not JSON");
            return;
        };
        for (document, path, body) in judges(method, &operation_path, &body) {
            let Some(template) = document.path(&path) else {
                complain(document.name(), "the path is not there");
                continue;
            };
            let key = (document.name().to_owned(), operation(method, &template).to_owned(), status);
            self.judged.lock().unwrap().insert(key);
            if let Some(fault) = document.fault(&template, method, status, &body) {
                complain(document.name(), &fault);
            }
        }
    }
}

/// The path without `.json` if it is one of the published API's.
fn operation_path(path: &str) -> Option<String> {
    let path = path.strip_suffix(".json").unwrap_or(path);
    let resource = path.strip_prefix("/v2").unwrap_or(path);
    let published = ["/businesses/", "/campaigns", "/auth/token"];
    published.iter().any(|start| resource.starts_with(start)).then(|| path.to_owned())
}

/// The published name of the operation at a path of either generation.
fn operation(method: &str, template: &str) -> &'static str {
    let path = template.strip_prefix("/v2").unwrap_or(template);
    let fits = |endpoint: &&Endpoint| endpoint.method.as_str() == method && endpoint.path == path;
    Endpoint::ALL.iter().find(fits).map_or("?", |endpoint| endpoint.name)
}

/// Who judges an answer of this path, by which of their paths, and the body as they are to see it.
fn judges(method: &str, path: &str, body: &Value) -> Vec<(&'static Document, String, Value)> {
    let mut judges = Vec::new();
    let versioned = if path.starts_with("/v2/") { path.to_owned() } else { format!("/v2{path}") };
    if let Some(own) = OWN.get() {
        let path = if own.path(path).is_some() { path.to_owned() } else { versioned.clone() };
        judges.push((own, path, body.clone()));
    }
    if let Some([old, new]) = &*PUBLISHED {
        // What is answered on the old paths fulfils the new document too, which also has the operations of later years.
        judges.push((new, versioned, body.clone()));
        let known = old.path(path).is_some_and(|there| old.has(&there, method));
        if !path.starts_with("/v2/") && known {
            judges.push((old, path.to_owned(), with_order_of_direct_chats(body)));
        }
    }
    judges
}

/// The one exception: in 2024 every chat had an order and the schema demands it, but a direct question has none.
/// The answer is judged as if such a chat, and only such, had one.
fn with_order_of_direct_chats(body: &Value) -> Value {
    fn complete(object: &mut Value) {
        if object["context"]["type"] == "DIRECT" && object.get("orderId").is_none() {
            object["orderId"] = json!(0);
        }
    }
    let mut body = body.clone();
    if let Some(result) = body.get_mut("result") {
        if let Some(Value::Array(chats)) = result.get_mut("chats") {
            chats.iter_mut().for_each(complete);
        } else if result.get("messages").is_some() {
            complete(result);
        }
    }
    body
}

/// Calls every operation so that it succeeds, and so that it is refused.
async fn call_everything(stage: &http::Stage, world: &beseda_conformance::World) {
    let (api, business) = (&world.api, world.business);
    let chat = world.talk(1, 3).await;
    let direct = world.direct_chat("Мария К.").await;
    world.dispute(1).await;
    world.return_chat(2, 77).await;
    world.say(chat, "Да").await;
    world.send_file(direct, "a.txt", "x").await;
    world.walk(ChatFilter::default(), 1).await;
    for chat in [chat, direct] {
        let message = world.history_from(chat, None, 1).await[0].message_id;
        world.chat(chat).await;
        api.get_chat_message(business, chat, message).await.unwrap();
    }
    let unknown = ChatId::new(42).unwrap();
    let bad = PageRequest { limit: None, token: Some(PageToken::new("zzz")) };
    api.get_chats(business, ChatFilter::default(), bad).await.unwrap_err();
    api.get_chat(business, unknown).await.unwrap_err();
    api.get_chat_history(business, unknown, HistoryFrom::default()).await.unwrap_err();
    api.get_chat_message(business, chat, MessageId::new(7).unwrap()).await.unwrap_err();
    let order = ChatContext::Order(OrderId::new(999).unwrap());
    api.create_chat(business, order).await.unwrap_err();
    api.send_message_to_chat(business, unknown, text("Да")).await.unwrap_err();
    let file = FileUpload::from_bytes("a.txt", "x");
    api.send_file_to_chat(business, unknown, file).await.unwrap_err();
    let campaigns: Vec<CampaignId> = stage.campaigns().await;
    assert_eq!(campaigns.len(), 4);
    stage.call_with_an_api_key(world).await;
    stage.call_without_credentials(world).await;
}

/// Every operation has been judged by this document with these statuses.
fn assert_judged(log: &Log, document: &str, expected: &[(&str, &[u16])]) {
    let judged = log.judged.lock().unwrap();
    for (operation, statuses) in expected {
        for status in *statuses {
            let key = (document.to_owned(), (*operation).to_owned(), *status);
            assert!(judged.contains(&key), "{key:?} was not judged, only {judged:#?}");
        }
    }
}

const OPERATIONS_OF_2024: &[(&str, &[u16])] = &[
    ("getChats", &[200, 400, 401]),
    ("getChatHistory", &[200, 404]),
    ("createChat", &[200, 404]),
    ("sendMessageToChat", &[200, 404]),
    ("sendFileToChat", &[200, 404]),
    ("getCampaigns", &[200, 401]),
];

const OPERATIONS_SINCE: &[(&str, &[u16])] =
    &[("getChat", &[200, 404]), ("getChatMessage", &[200, 404]), ("getAuthTokenInfo", &[200, 401])];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_is_judged_when_it_succeeds_and_when_it_refuses() {
    for generation in Generation::ALL {
        let (world, stage) = http::staged(generation).await;
        call_everything(&stage, &world).await;
        let own = OWN.get().map_or("", Document::name);
        for operations in [OPERATIONS_OF_2024, OPERATIONS_SINCE] {
            assert_judged(stage.log(), own, operations);
            if PUBLISHED.is_some() {
                assert_judged(stage.log(), "chats-2026.yaml", operations);
            }
        }
        if PUBLISHED.is_some() && generation == Generation::Y2024 {
            assert_judged(stage.log(), "chats-2024.yaml", OPERATIONS_OF_2024);
        }
        world.finish();
    }
}

/// What the published documents have to say of an answer.
fn complaints_about(path: &str, body: &Value) -> Vec<String> {
    let log = Log::default();
    let body = serde_json::to_vec(body).unwrap();
    let content_type = "application/json";
    log.judge(&Answer { method: "POST", path, status: 200, content_type, body: &body });
    let mut complaints = log.complaints.into_inner().unwrap();
    complaints.retain(|complaint| complaint.contains("by chats-20"));
    complaints
}

fn list_with(context: &ContextType) -> Value {
    json!({ "status": "OK", "result": { "paging": {}, "chats": [{
        "chatId": 1, "context": { "type": context }, "type": "CHAT", "status": "NEW",
        "createdAt": "2026-05-31T10:30:17+03:00", "updatedAt": "2026-05-31T10:30:17+03:00" }] } })
}

#[test]
fn only_a_direct_chat_may_lack_its_order_on_the_old_paths() {
    if PUBLISHED.is_none() {
        return;
    }
    for context in [ContextType::Order, ContextType::Return] {
        let complaints = complaints_about("/businesses/1/chats", &list_with(&context));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("orderId"), "{complaints:?}");
    }
    let direct = list_with(&ContextType::Direct);
    assert_eq!(complaints_about("/businesses/1/chats", &direct), Vec::<String>::new());
}

#[test]
fn an_answer_that_breaks_the_published_schema_is_complained_about() {
    if PUBLISHED.is_none() {
        return;
    }
    let mut answer = list_with(&ContextType::Order);
    answer["result"]["chats"][0]["orderId"] = json!(5);
    assert_eq!(complaints_about("/v2/businesses/1/chats", &answer), Vec::<String>::new());
    for (place, value) in [
        ("status", json!("SNOOZED")),
        ("chatId", json!("1")),
        ("context", Value::Null),
        ("createdAt", json!("yesterday")),
    ] {
        let mut broken = answer.clone();
        broken["result"]["chats"][0][place] = value;
        assert!(!complaints_about("/v2/businesses/1/chats", &broken).is_empty(), "{place}");
    }
}

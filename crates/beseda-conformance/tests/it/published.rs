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
use beseda_server::Unversioned;
use serde_json::{Value, json};

use crate::{closed::closed, http, schema::Document};

const OLD: &str = "chats-2024.yaml";
const NEW: &str = "chats-2026.yaml";

/// Both generations, if they are there.
static PUBLISHED: LazyLock<Option<[Document; 2]>> = LazyLock::new(|| {
    let folder = folder();
    let read = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        Some(serde_yaml_ng::from_str::<Value>(&text).unwrap())
    };
    match (read(OLD), read(NEW)) {
        // Clients of 2024 with strict decoding refuse what they don't know, so the old document does, too.
        (Some(old), Some(new)) => Some([Document::new(OLD, closed(old)), Document::new(NEW, new)]),
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

/// What the server says of itself in `/openapi.json`, by what its paths without a version answer.
static OWN: [OnceLock<Document>; 2] = [OnceLock::new(), OnceLock::new()];

fn own(unversioned: Unversioned) -> &'static OnceLock<Document> {
    &OWN[usize::from(unversioned == Unversioned::Today)]
}

fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("BESEDA_CONTRACT_DIR")
        .map_or_else(|| workspace.join("../shared/openapi"), PathBuf::from)
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
    unversioned: Unversioned,
}

impl Log {
    /// The log of a server whose paths without a version answer so.
    pub(crate) fn of(unversioned: Unversioned) -> Self {
        Self { unversioned, ..Self::default() }
    }

    /// What the server's paths without a version answer.
    pub(crate) fn unversioned(&self) -> Unversioned {
        self.unversioned
    }

    /// Takes the server's own document, the first time.
    pub(crate) fn take_own(&self, document: Value) {
        own(self.unversioned).get_or_init(|| Document::new("/openapi.json", document));
    }

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
        for (document, path) in judges(method, &operation_path, self.unversioned) {
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

/// Who judges an answer of this path, and by which of their paths.
fn judges(method: &str, path: &str, unversioned: Unversioned) -> Vec<(&'static Document, String)> {
    let mut judges = Vec::new();
    if let Some(own) = own(unversioned).get() {
        judges.push((own, path.to_owned()));
    }
    let Some([old, new]) = &*PUBLISHED else { return judges };
    let versioned = if path.starts_with("/v2/") { path.to_owned() } else { format!("/v2{path}") };
    if path.starts_with("/v2/") || unversioned == Unversioned::Today {
        judges.push((new, versioned));
    } else if old.path(path).is_some_and(|there| old.has(&there, method)) {
        judges.push((old, path.to_owned()));
    } else if !path.ends_with("/chat") {
        // Operations of later years are answered as today, but for getChat, which shows a chat as the list of 2024 does.
        judges.push((new, versioned));
    }
    judges
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
    if !world.shows_direct() {
        world.assert_hidden(direct).await;
    }
    let shown = if world.shows_direct() { vec![chat, direct] } else { vec![chat] };
    for chat in shown {
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
    for (generation, unversioned) in [
        (Generation::Y2026, Unversioned::Y2024),
        (Generation::Y2024, Unversioned::Y2024),
        (Generation::Y2024, Unversioned::Today),
    ] {
        let (world, stage) = http::staged(generation, unversioned).await;
        call_everything(&stage, &world).await;
        for operations in [OPERATIONS_OF_2024, OPERATIONS_SINCE] {
            assert_judged(stage.log(), "/openapi.json", operations);
        }
        if PUBLISHED.is_some() {
            if world.shows_direct() {
                for operations in [OPERATIONS_OF_2024, OPERATIONS_SINCE] {
                    assert_judged(stage.log(), NEW, operations);
                }
            } else {
                assert_judged(stage.log(), OLD, OPERATIONS_OF_2024);
                assert_judged(stage.log(), NEW, &OPERATIONS_SINCE[1..]);
            }
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
fn on_the_old_paths_every_chat_has_its_order_and_no_field_of_a_later_year() {
    if PUBLISHED.is_none() {
        return;
    }
    let path = "/businesses/1/chats";
    let mut answer = list_with(&ContextType::Order);
    let chat = answer["result"]["chats"][0].as_object_mut().unwrap();
    chat.remove("context");
    let complaints = complaints_about(path, &answer);
    assert!(complaints.len() == 1 && complaints[0].contains("orderId"), "{complaints:?}");
    answer["result"]["chats"][0]["orderId"] = json!(5);
    assert_eq!(complaints_about(path, &answer), Vec::<String>::new());
    for place in ["/result/chats/0", "/result/paging", "/result", ""] {
        let mut later = answer.clone();
        later.pointer_mut(place).unwrap()["context"] = json!({ "type": "ORDER" });
        let complaints = complaints_about(path, &later);
        assert!(complaints.len() == 1 && complaints[0].contains("context"), "{complaints:?}");
    }
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

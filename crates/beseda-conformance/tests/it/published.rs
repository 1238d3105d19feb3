//! Validation of responses against the published contract. The documents are not in this repository: they are read from
//! `BESEDA_CONTRACT_DIR`, by default `../shared/openapi` beside the workspace. Without them only the server's own document is used.

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

const DOCUMENT_2024: &str = "chats-2024.yaml";
const DOCUMENT_2026: &str = "chats-2026.yaml";

/// Documents of both generations, if available.
static PUBLISHED: LazyLock<Option<[Document; 2]>> = LazyLock::new(|| {
    let folder = folder();
    let read = |file: &str| {
        let text = fs::read_to_string(folder.join(file)).ok()?;
        Some(serde_yaml_ng::from_str::<Value>(&text).unwrap())
    };
    match (read(DOCUMENT_2024), read(DOCUMENT_2026)) {
        // Clients of 2024 with strict decoding reject unknown fields, so the old document must, too.
        (Some(old), Some(new)) => {
            Some([Document::new(DOCUMENT_2024, closed(old)), Document::new(DOCUMENT_2026, new)])
        }
        _ => {
            // Bypasses the capture of test output, to be visible although the tests pass.
            let text = format!(
                "published contract: not in {} (set BESEDA_CONTRACT_DIR); responses are validated against the server's own document only\n",
                folder.display()
            );
            std::io::stderr().write_all(text.as_bytes()).unwrap();
            None
        }
    }
});

/// Documents that the server returns from `/openapi.json`, by the generation of its paths without a version.
static SERVER_DOCUMENTS: [OnceLock<Document>; 2] = [OnceLock::new(), OnceLock::new()];

fn server_document(unversioned: Unversioned) -> &'static OnceLock<Document> {
    &SERVER_DOCUMENTS[usize::from(unversioned == Unversioned::Today)]
}

fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("BESEDA_CONTRACT_DIR")
        .map_or_else(|| workspace.join("../shared/openapi"), PathBuf::from)
}

/// Response as sent.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

/// ResponseLog of the validated responses of an environment, and their violations.
#[derive(Debug, Default)]
pub(crate) struct ResponseLog {
    /// Document, operation and status of every validated response.
    pub(crate) validated: Mutex<BTreeSet<(String, String, u16)>>,
    pub(crate) violations: Mutex<Vec<String>>,
    unversioned: Unversioned,
}

impl ResponseLog {
    /// Creates the log of a server with this generation of its paths without a version.
    pub(crate) fn of(unversioned: Unversioned) -> Self {
        Self { unversioned, ..Self::default() }
    }

    /// Returns the generation of the server's paths without a version.
    pub(crate) fn unversioned(&self) -> Unversioned {
        self.unversioned
    }

    /// Sets the server's own document, once.
    pub(crate) fn set_server_document(&self, document: Value) {
        server_document(self.unversioned).get_or_init(|| Document::new("/openapi.json", document));
    }

    /// Validates the response of a published path; ignores others.
    pub(crate) fn validate(&self, response: &Response<'_>) {
        let Response { method, path, status, .. } = *response;
        let is_own_path = path.starts_with("/market/") || path.starts_with("/admin/");
        let Some(operation_path) = operation_path(path).filter(|_| !is_own_path) else { return };
        let report = |document: &str, violation: &str| {
            let body = String::from_utf8_lossy(&response.body[..response.body.len().min(500)]);
            let text = format!("{method} {path} {status}, by {document}: {violation}\n  {body}");
            self.violations.lock().unwrap().push(text);
        };
        if !response.content_type.starts_with("application/json") {
            report("every document", &format!("content type '{}'", response.content_type));
            return;
        }
        let Ok(body) = serde_json::from_slice::<Value>(response.body) else {
            report("every document", "the body is not JSON");
            return;
        };
        for (document, path) in documents_for(method, &operation_path, self.unversioned) {
            let Some(template) = document.path(&path) else {
                report(document.name(), "the path is not in the document");
                continue;
            };
            let key = (document.name().to_owned(), operation(method, &template).to_owned(), status);
            self.validated.lock().unwrap().insert(key);
            if let Some(violation) = document.violation(&template, method, status, &body) {
                report(document.name(), &violation);
            }
        }
    }
}

/// Returns the path without `.json` if it belongs to the published API.
fn operation_path(path: &str) -> Option<String> {
    let path = path.strip_suffix(".json").unwrap_or(path);
    let resource = path.strip_prefix("/v2").unwrap_or(path);
    let published = ["/businesses/", "/campaigns", "/auth/token"];
    published.iter().any(|start| resource.starts_with(start)).then(|| path.to_owned())
}

/// Returns the published name of the operation at a path of either generation.
fn operation(method: &str, template: &str) -> &'static str {
    let path = template.strip_prefix("/v2").unwrap_or(template);
    let matches =
        |endpoint: &&Endpoint| endpoint.method.as_str() == method && endpoint.path == path;
    Endpoint::ALL.iter().find(matches).map_or("?", |endpoint| endpoint.name)
}

/// Returns the documents that apply to a response, and the path in each.
fn documents_for(
    method: &str,
    path: &str,
    unversioned: Unversioned,
) -> Vec<(&'static Document, String)> {
    let mut documents = Vec::new();
    if let Some(document) = server_document(unversioned).get() {
        documents.push((document, path.to_owned()));
    }
    let Some([old, new]) = &*PUBLISHED else { return documents };
    let versioned = if path.starts_with("/v2/") { path.to_owned() } else { format!("/v2{path}") };
    if path.starts_with("/v2/") || unversioned == Unversioned::Today {
        documents.push((new, versioned));
    } else if old.path(path).is_some_and(|there| old.has(&there, method)) {
        documents.push((old, path.to_owned()));
    } else if !path.ends_with("/chat") {
        // Later operations respond as today, except getChat, which returns a chat as in the list of 2024.
        documents.push((new, versioned));
    }
    documents
}

/// Calls every operation with success and with a refusal.
async fn call_everything(
    inspector: &http::HttpInspector,
    env: &beseda_conformance::TestEnvironment,
) {
    let (api, business) = (&env.api, env.business);
    let chat = env.chat_with_messages(1, 3).await;
    let direct = env.open_direct_chat("Мария К.").await;
    env.open_dispute(1).await;
    env.create_return_chat(2, 77).await;
    env.send_text(chat, "Да").await;
    env.send_file(direct, "a.txt", "x").await;
    env.list_chats(ChatFilter::default(), 1).await;
    if !env.shows_direct_chats() {
        env.assert_hidden(direct).await;
    }
    let visible = if env.shows_direct_chats() { vec![chat, direct] } else { vec![chat] };
    for chat in visible {
        let message = env.history_from(chat, None, 1).await[0].message_id;
        env.get_chat(chat).await;
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
    let campaigns: Vec<CampaignId> = inspector.campaigns().await;
    assert_eq!(campaigns.len(), 4);
    inspector.call_with_an_api_key(env).await;
    inspector.call_without_credentials(env).await;
}

/// Asserts that responses of these operations and statuses were validated against this document.
fn assert_validated(log: &ResponseLog, document: &str, expected: &[(&str, &[u16])]) {
    let validated = log.validated.lock().unwrap();
    for (operation, statuses) in expected {
        for status in *statuses {
            let key = (document.to_owned(), (*operation).to_owned(), *status);
            assert!(validated.contains(&key), "{key:?} was not validated, only {validated:#?}");
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
async fn successful_and_refused_responses_of_every_operation_are_validated() {
    for (generation, unversioned) in [
        (Generation::Y2026, Unversioned::Y2024),
        (Generation::Y2024, Unversioned::Y2024),
        (Generation::Y2024, Unversioned::Today),
    ] {
        let (env, inspector) = http::environment_and_inspector(generation, unversioned).await;
        call_everything(&inspector, &env).await;
        for operations in [OPERATIONS_OF_2024, OPERATIONS_SINCE] {
            assert_validated(inspector.log(), "/openapi.json", operations);
        }
        if PUBLISHED.is_some() {
            if env.shows_direct_chats() {
                for operations in [OPERATIONS_OF_2024, OPERATIONS_SINCE] {
                    assert_validated(inspector.log(), DOCUMENT_2026, operations);
                }
            } else {
                assert_validated(inspector.log(), DOCUMENT_2024, OPERATIONS_OF_2024);
                assert_validated(inspector.log(), DOCUMENT_2026, &OPERATIONS_SINCE[1..]);
            }
        }
        env.finish();
    }
}

/// Returns the violations of a response against the published documents.
fn published_violations(path: &str, body: &Value) -> Vec<String> {
    let log = ResponseLog::default();
    let body = serde_json::to_vec(body).unwrap();
    let content_type = "application/json";
    log.validate(&Response { method: "POST", path, status: 200, content_type, body: &body });
    let mut violations = log.violations.into_inner().unwrap();
    violations.retain(|violation| violation.contains("by chats-20"));
    violations
}

fn list_with(context: &ContextType) -> Value {
    json!({ "status": "OK", "result": { "paging": {}, "chats": [{
        "chatId": 1, "context": { "type": context }, "type": "CHAT", "status": "NEW",
        "createdAt": "2026-05-31T10:30:17+03:00", "updatedAt": "2026-05-31T10:30:17+03:00" }] } })
}

#[test]
fn chats_on_the_paths_of_2024_have_an_order_and_no_later_fields() {
    if PUBLISHED.is_none() {
        return;
    }
    let path = "/businesses/1/chats";
    let mut response = list_with(&ContextType::Order);
    let chat = response["result"]["chats"][0].as_object_mut().unwrap();
    chat.remove("context");
    let violations = published_violations(path, &response);
    assert!(violations.len() == 1 && violations[0].contains("orderId"), "{violations:?}");
    response["result"]["chats"][0]["orderId"] = json!(5);
    assert_eq!(published_violations(path, &response), Vec::<String>::new());
    for field in ["/result/chats/0", "/result/paging", "/result", ""] {
        let mut later = response.clone();
        later.pointer_mut(field).unwrap()["context"] = json!({ "type": "ORDER" });
        let violations = published_violations(path, &later);
        assert!(violations.len() == 1 && violations[0].contains("context"), "{violations:?}");
    }
}

#[test]
fn a_response_that_violates_the_published_schema_is_reported() {
    if PUBLISHED.is_none() {
        return;
    }
    let mut response = list_with(&ContextType::Order);
    response["result"]["chats"][0]["orderId"] = json!(5);
    assert_eq!(published_violations("/v2/businesses/1/chats", &response), Vec::<String>::new());
    for (field, value) in [
        ("status", json!("SNOOZED")),
        ("chatId", json!("1")),
        ("context", Value::Null),
        ("createdAt", json!("yesterday")),
    ] {
        let mut broken = response.clone();
        broken["result"]["chats"][0][field] = value;
        assert!(!published_violations("/v2/businesses/1/chats", &broken).is_empty(), "{field}");
    }
}

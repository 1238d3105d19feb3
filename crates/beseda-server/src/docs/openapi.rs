//! OpenAPI document, generated from the endpoint table and the types.

use beseda_api::{
    CampaignList, Chat, ChatPage, ChatsLimit, ContextType, Endpoint, Generation, HistoryLimit,
    Message, MessagePage, Scope,
    wire::{
        AuthTokenInfo, CreateChat, CreatedChat, ErrorResponse, GetChatHistory, GetChats,
        SendMessage,
    },
};
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::{Unversioned, compat_2024};

/// Properties of an operation that the endpoint table lacks.
struct DocumentedOperation {
    endpoint: Endpoint,
    summary: &'static str,
    /// Query parameters besides those of paging.
    ids: &'static [&'static str],
    /// Default and maximum of `limit`, for operations with pages.
    limit: Option<(Option<u32>, u32)>,
    body: Option<&'static str>,
    answer: &'static str,
}

impl DocumentedOperation {
    const fn new(endpoint: Endpoint, summary: &'static str, answer: &'static str) -> Self {
        Self { endpoint, summary, ids: &[], limit: None, body: None, answer }
    }

    const fn ids(self, ids: &'static [&'static str]) -> Self {
        Self { ids, ..self }
    }

    const fn paged(self, default: Option<u32>, most: u32) -> Self {
        Self { limit: Some((default, most)), ..self }
    }

    const fn body(self, body: &'static str) -> Self {
        Self { body: Some(body), ..self }
    }
}

fn operations() -> [DocumentedOperation; 9] {
    use Endpoint as E;
    let of = DocumentedOperation::new;
    let chats = "Chats of the cabinet, most recently updated first";
    let history = "Messages of a chat, oldest first";
    let created = "The chat for an order or a return, created if there was none";
    let key = "What the Api-Key may do";
    let (ten, fifty) = (ChatsLimit::default().get(), HistoryLimit::default().get());
    let (most_chats, most_messages) = (ChatsLimit::MAX.get(), HistoryLimit::MAX.get());
    [
        of(E::GET_CHATS, chats, "GetChatsResponse").paged(Some(ten), most_chats).body("GetChats"),
        of(E::GET_CHAT, "One chat", "GetChatResponse").ids(&["chatId"]),
        of(E::GET_CHAT_HISTORY, history, "GetChatHistoryResponse")
            .ids(&["chatId"])
            .paged(Some(fifty), most_messages)
            .body("GetChatHistory"),
        of(E::GET_CHAT_MESSAGE, "One message", "GetChatMessageResponse")
            .ids(&["chatId", "messageId"]),
        of(E::CREATE_CHAT, created, "CreateChatResponse").body("CreateChat"),
        of(E::SEND_MESSAGE_TO_CHAT, "Write a text as the shop", "EmptyApiResponse")
            .ids(&["chatId"])
            .body("SendMessage"),
        of(E::SEND_FILE_TO_CHAT, "Send a file as the shop", "EmptyApiResponse")
            .ids(&["chatId"])
            .body("SendFile"),
        of(E::GET_CAMPAIGNS, "Shops the credential sees", "CampaignList").paged(None, 100),
        of(E::GET_AUTH_TOKEN_INFO, key, "GetAuthTokenInfoResponse"),
    ]
}

/// Current responses and the names of their 2024 counterparts.
const IN_2024: [(&str, &str); 4] = [
    ("GetChatsResponse", "GetChatsResponseOf2024"),
    ("GetChatResponse", "GetChatResponseOf2024"),
    ("GetChatHistoryResponse", "GetChatHistoryResponseOf2024"),
    ("CampaignList", "CampaignListOf2024"),
];

/// Returns the document of a server with this form of unversioned responses.
pub(crate) fn document(unversioned: Unversioned) -> Value {
    let mut paths = Map::new();
    for generation in [Generation::Y2026, Generation::Y2024] {
        for mut operation in operations() {
            if (generation, unversioned) == (Generation::Y2024, Unversioned::Y2024) {
                let mut old = IN_2024.iter().filter(|(today, _)| *today == operation.answer);
                operation.answer = old.next().map_or(operation.answer, |(_, old)| *old);
            }
            let endpoint = &operation.endpoint;
            let path = format!("{}{}", generation.prefix(), endpoint.path);
            let methods = paths.entry(path).or_insert_with(|| json!({}));
            methods[endpoint.method.as_str().to_lowercase()] = describe(&operation, generation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Beseda: Chats API",
            "description": "Conversations of a shop with its buyers, wire-compatible with both \
                generations of the Yandex Market Partner Chats API: paths under `/v2` and without a version.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "ApiKey": [] }, { "OAuth": [] }],
        "tags": [{ "name": "chats", "description": "Chats with buyers" }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "ApiKey": { "type": "apiKey", "in": "header", "name": "Api-Key" },
                "OAuth": { "type": "http", "scheme": "bearer" },
            },
            "headers": headers(),
            "schemas": schemas(unversioned),
        },
    })
}

fn describe(operation: &DocumentedOperation, generation: Generation) -> Value {
    let endpoint = &operation.endpoint;
    let unversioned = generation == Generation::Y2024;
    let name = endpoint.name;
    let scopes: Vec<String> = endpoint.scopes.iter().map(Scope::slug).collect();
    let mut described = json!({
        "tags": ["chats"],
        "operationId": if unversioned { format!("{name}Unversioned") } else { name.to_owned() },
        "summary": operation.summary,
        "parameters": parameters(operation),
        "responses": responses(operation),
        "x-auth-scopes": scopes,
        "x-hourly-limit": endpoint.hourly(generation),
    });
    if unversioned {
        described["deprecated"] = json!(true);
    }
    if let Some(body) = operation.body {
        let kind = if body == "SendFile" { "multipart/form-data" } else { "application/json" };
        described["requestBody"] =
            json!({ "required": true, "content": { kind: { "schema": reference(body) } } });
    }
    described
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn parameters(operation: &DocumentedOperation) -> Vec<Value> {
    let id = json!({ "type": "integer", "format": "int64", "minimum": 1 });
    let of = |name: &str, place: &str, description: &str, schema: Value| {
        let required = operation.ids.contains(&name) || place == "path";
        json!({ "name": name, "in": place, "description": description, "required": required, "schema": schema })
    };
    let mut all = Vec::new();
    if operation.endpoint.path.contains("{businessId}") {
        all.push(of("businessId", "path", "The cabinet.", id.clone()));
    }
    for name in operation.ids {
        let what = if *name == "chatId" { "The chat." } else { "The message." };
        all.push(of(name, "query", what, id.clone()));
    }
    if let Some((default, most)) = operation.limit {
        let token = json!({ "type": "string" });
        all.push(of("pageToken", "query", "`nextPageToken` of the page before.", token.clone()));
        let mut old = of("page_token", "query", "The old spelling of `pageToken`.", token);
        old["deprecated"] = json!(true);
        all.push(old);
        let mut schema =
            json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": most });
        if let Some(default) = default {
            schema["default"] = json!(default);
        }
        all.push(of("limit", "query", "The most items on a page.", schema));
    }
    if operation.endpoint == Endpoint::GET_CAMPAIGNS {
        let number = |most: u32| json!({ "type": "integer", "format": "int32", "minimum": 1, "maximum": most });
        let mut page = number(10_000);
        page["default"] = json!(1);
        all.push(of("page", "query", "The number of the page; without a token.", page));
        all.push(of("pageSize", "query", "Items on a page; without a token.", number(100)));
    }
    all
}

fn responses(operation: &DocumentedOperation) -> Value {
    let answer = |description: &str, schema: &str| {
        let headers: Map<String, Value> = headers()
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| {
                (name.clone(), json!({ "$ref": format!("#/components/headers/{name}") }))
            })
            .collect();
        json!({
            "description": description,
            "headers": headers,
            "content": { "application/json": { "schema": reference(schema) } },
        })
    };
    let mut all = Map::new();
    all.insert("200".to_owned(), answer("Done.", operation.answer));
    for (status, description) in [
        ("400", "The request is malformed or breaks a rule."),
        ("401", "There is no credential, or the Api-Key is bad."),
        ("403", "The credential has no right to this, or the OAuth token is bad."),
        ("404", "There is no such thing."),
        ("420", "Too many requests in this hour or at once."),
        ("500", "Something broke on our side."),
    ] {
        all.insert(status.to_owned(), answer(description, "ErrorResponse"));
    }
    Value::Object(all)
}

fn headers() -> Value {
    json!({
        "X-RateLimit-Resource-Limit": { "description": "Requests allowed in this hour.", "schema": { "type": "integer" } },
        "X-RateLimit-Resource-Until": { "description": "When the hour ends.", "schema": { "type": "string" } },
        "X-RateLimit-Resource-Remaining": { "description": "Requests left in this hour.", "schema": { "type": "integer" } },
        "X-Request-Id": { "description": "The name of this request, to quote.", "schema": { "type": "string" } },
    })
}

fn schemas(unversioned: Unversioned) -> Value {
    let mut found = Vec::new();
    of::<GetChats>(&mut found);
    of::<GetChatHistory>(&mut found);
    of::<CreateChat>(&mut found);
    of::<SendMessage>(&mut found);
    of::<ChatPage>(&mut found);
    of::<Chat>(&mut found);
    of::<MessagePage>(&mut found);
    of::<Message>(&mut found);
    of::<CreatedChat>(&mut found);
    of::<CampaignList>(&mut found);
    of::<AuthTokenInfo>(&mut found);
    of::<ErrorResponse>(&mut found);
    if unversioned == Unversioned::Y2024 {
        of::<compat_2024::ChatPage2024>(&mut found);
        of::<compat_2024::MessagePage2024>(&mut found);
        of::<compat_2024::CampaignList2024>(&mut found);
    }
    let mut all = named(found);
    for (name, result) in [
        ("GetChatsResponse", "ChatPage"),
        ("GetChatResponse", "Chat"),
        ("GetChatHistoryResponse", "MessagePage"),
        ("GetChatMessageResponse", "Message"),
        ("CreateChatResponse", "CreatedChat"),
        ("GetAuthTokenInfoResponse", "AuthTokenInfo"),
        ("GetChatsResponseOf2024", "ChatPageOf2024"),
        ("GetChatResponseOf2024", "ChatOf2024"),
        ("GetChatHistoryResponseOf2024", "MessagePageOf2024"),
    ] {
        if !all.contains_key(result) {
            continue;
        }
        let properties = json!({ "status": reference("Status"), "result": reference(result) });
        let required = json!(["status", "result"]);
        all.insert(
            name.to_owned(),
            json!({ "type": "object", "required": required, "properties": properties }),
        );
    }
    let empty = json!({ "type": "object", "required": ["status"], "properties": { "status": reference("Status") } });
    all.insert("EmptyApiResponse".to_owned(), empty);
    let file = json!({ "type": "string", "format": "binary", "description": "At most 5 × 1024 × 1024 bytes." });
    let form = json!({ "type": "object", "required": ["file"], "properties": { "file": file } });
    all.insert("SendFile".to_owned(), form);
    correct(&mut all);
    Value::Object(all)
}

/// Schemas with their names.
pub(super) type NamedSchemas =
    Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>;

/// Adds the schema of a type and of the types it refers to.
pub(super) fn of<T: ToSchema + PartialSchema>(found: &mut NamedSchemas) {
    found.push((T::name().into_owned(), T::schema()));
    T::schemas(found);
}

/// Returns the schemas by name.
pub(super) fn named(found: NamedSchemas) -> Map<String, Value> {
    found
        .into_iter()
        .filter_map(|(name, schema)| {
            let mut schema = serde_json::to_value(schema).ok()?;
            // The derives take the whole doc comment; its example in Rust is for docs.rs.
            let described =
                schema["description"].as_str().and_then(|text| text.split_once("\n\n```"));
            if let Some(before) = described.map(|(before, _)| before.to_owned()) {
                schema["description"] = json!(before);
            }
            Some((name, schema))
        })
        .collect()
}

/// Adds what the derives can't express: deprecated fields, and fields that decoding tolerates to be
/// absent but that are always sent.
pub(super) fn correct(all: &mut Map<String, Value>) {
    for (schema, fields) in [
        ("Attachment", &["name", "url", "size"][..]),
        ("ErrorResponse", &["status", "errors"]),
        ("ContextRef", &["type", "id"]),
    ] {
        if let Some(schema) = all.get_mut(schema) {
            schema["required"] = json!(fields);
        }
    }
    let named = [ContextType::Order, ContextType::Return].map(|kind| kind.as_str().to_owned());
    set(all, "ErrorResponse", "errors", "minItems", json!(1));
    set(all, "ContextRef", "id", "type", json!("integer"));
    set(all, "ContextRef", "id", "minimum", json!(1));
    let description = "What the id is of.";
    if let Some(schema) = all.get_mut("ContextRef") {
        schema["properties"]["type"] =
            json!({ "type": "string", "enum": named, "description": description });
    }
    for (schema, field) in [
        ("Chat", "orderId"),
        ("MessagePage", "orderId"),
        ("GetChats", "orderIds"),
        ("CreateChat", "orderId"),
    ] {
        set(all, schema, field, "deprecated", json!(true));
    }
    for schema in [
        "ChatOf2024",
        "ChatPageOf2024",
        "MessagePageOf2024",
        "CampaignOf2024",
        "CampaignListOf2024",
    ] {
        if let Some(schema) = all.get_mut(schema) {
            // Clients of 2024 reject unknown fields.
            schema["additionalProperties"] = json!(false);
        }
    }
    for field in ["orderIds", "contexts", "contextTypes", "types", "statuses"] {
        set(all, "GetChats", field, "uniqueItems", json!(true));
    }
}

/// Sets a key of a field's schema.
pub(super) fn set(
    all: &mut Map<String, Value>,
    schema: &str,
    field: &str,
    key: &str,
    value: Value,
) {
    if let Some(field) = all.get_mut(schema).and_then(|s| s["properties"].get_mut(field)) {
        field[key] = value;
    }
}

//! OpenAPI documents of our own APIs: marketplace and administration.

use beseda_api::{
    ApiKeyInfo, Cabinet, Campaign, Chat, ChatOpening, Delivery, DeliveryPage, DisputeOpening,
    IssuedKey, IssuedToken, MarketMessage, Message, NewCabinet, NewCampaign, NewKey, NewOrder,
    NewReturn, NewSubscription, NewUser, Order, Return, Subscription, TokenInfo, User,
    wire::ErrorResponse,
};
use serde_json::{Map, Value, json};

use super::openapi::{NamedSchemas, correct, named, of, reference, set};

/// Shape of `result` in a response.
#[derive(Clone, Copy)]
enum ResultShape {
    /// No result.
    Done,
    /// Value of this schema.
    One(&'static str),
    /// List of this schema under this name.
    List(&'static str, &'static str),
}

use ResultShape::{Done, List, One};

/// Operation: method, path, operation id, summary, body, result.
type OperationRow =
    (&'static str, &'static str, &'static str, &'static str, Option<&'static str>, ResultShape);

const MARKET: &[OperationRow] = &[
    ("post", "/orders", "registerOrder", "Register an order", Some("NewOrder"), One("Order")),
    ("post", "/returns", "registerReturn", "Register a return", Some("NewReturn"), One("Return")),
    ("post", "/chats", "openChat", "Open a chat as a buyer", Some("ChatOpening"), One("Chat")),
    (
        "post",
        "/chats/{chatId}/messages",
        "writeMessage",
        "Write as buyer, support or Market",
        Some("MarketMessage"),
        One("Message"),
    ),
    (
        "post",
        "/chats/{chatId}/files",
        "writeFile",
        "Send a file as buyer, support or Market",
        Some("MarketFile"),
        One("Message"),
    ),
    ("post", "/chats/{chatId}/close", "closeChat", "Close a chat", None, One("Chat")),
    ("post", "/disputes", "openDispute", "Open a dispute", Some("DisputeOpening"), One("Chat")),
    ("post", "/disputes/{chatId}/resolve", "resolveDispute", "End a dispute", None, One("Chat")),
];

const ADMINISTRATION: &[OperationRow] = &[
    ("get", "/cabinets", "listCabinets", "List cabinets", None, List("cabinets", "Cabinet")),
    ("post", "/cabinets", "createCabinet", "Create a cabinet", Some("NewCabinet"), One("Cabinet")),
    (
        "get",
        "/cabinets/{businessId}/campaigns",
        "listCampaigns",
        "List the campaigns of a cabinet",
        None,
        List("campaigns", "Campaign"),
    ),
    (
        "post",
        "/cabinets/{businessId}/campaigns",
        "createCampaign",
        "Create a campaign",
        Some("NewCampaign"),
        One("Campaign"),
    ),
    (
        "get",
        "/cabinets/{businessId}/keys",
        "listKeys",
        "List the Api-Keys of a cabinet",
        None,
        List("keys", "ApiKeyInfo"),
    ),
    (
        "post",
        "/cabinets/{businessId}/keys",
        "createKey",
        "Create an Api-Key; the secret is shown once",
        Some("NewKey"),
        One("IssuedKey"),
    ),
    ("delete", "/cabinets/{businessId}/keys/{keyId}", "revokeKey", "Revoke an Api-Key", None, Done),
    ("get", "/users", "listUsers", "List users", None, List("users", "User")),
    ("post", "/users", "createUser", "Create a user", Some("NewUser"), One("User")),
    (
        "put",
        "/users/{userId}/cabinets/{businessId}",
        "grantAccess",
        "Let a user see a cabinet",
        None,
        Done,
    ),
    (
        "delete",
        "/users/{userId}/cabinets/{businessId}",
        "withdrawAccess",
        "Take a cabinet from a user",
        None,
        Done,
    ),
    (
        "get",
        "/users/{userId}/tokens",
        "listTokens",
        "List the OAuth tokens of a user",
        None,
        List("tokens", "TokenInfo"),
    ),
    (
        "post",
        "/users/{userId}/tokens",
        "createToken",
        "Create an OAuth token; the secret is shown once",
        None,
        One("IssuedToken"),
    ),
    (
        "delete",
        "/users/{userId}/tokens/{tokenId}",
        "revokeToken",
        "Revoke an OAuth token",
        None,
        Done,
    ),
];

const SUBSCRIPTIONS: &[OperationRow] = &[
    (
        "get",
        "/cabinets/{businessId}/subscriptions",
        "listSubscriptions",
        "List the webhooks of a cabinet",
        None,
        List("subscriptions", "Subscription"),
    ),
    (
        "post",
        "/cabinets/{businessId}/subscriptions",
        "createSubscription",
        "Create a webhook; it is sent a PING first",
        Some("NewSubscription"),
        One("Subscription"),
    ),
    (
        "delete",
        "/cabinets/{businessId}/subscriptions/{subscriptionId}",
        "deleteSubscription",
        "Delete a webhook and its log",
        None,
        Done,
    ),
    (
        "post",
        "/cabinets/{businessId}/subscriptions/{subscriptionId}/pause",
        "pauseSubscription",
        "Pause a webhook: notifications wait",
        None,
        One("Subscription"),
    ),
    (
        "post",
        "/cabinets/{businessId}/subscriptions/{subscriptionId}/resume",
        "resumeSubscription",
        "Resume a webhook after a PING",
        None,
        One("Subscription"),
    ),
    (
        "get",
        "/cabinets/{businessId}/subscriptions/{subscriptionId}/deliveries",
        "listDeliveries",
        "Read the delivery log, newest first",
        None,
        One("DeliveryPage"),
    ),
    (
        "post",
        "/cabinets/{businessId}/subscriptions/{subscriptionId}/deliveries/{deliveryId}/replay",
        "replayDelivery",
        "Queue a notification again",
        None,
        Done,
    ),
];

/// Returns the document of the marketplace API.
pub(crate) fn market() -> Value {
    let rows = MARKET.iter().map(|row| ("/market/v1/businesses/{businessId}", row));
    document("Beseda: marketplace side", "The key of the marketplace's side.", rows)
}

/// Returns the document of the administration API, with webhooks if the server sends any.
pub(crate) fn administration(with_subscriptions: bool) -> Value {
    let subscriptions = SUBSCRIPTIONS.iter().filter(|_| with_subscriptions);
    let rows = ADMINISTRATION.iter().chain(subscriptions).map(|row| ("/admin/v1", row));
    document("Beseda: administration", "The key of administration.", rows)
}

fn document(
    title: &str,
    key: &str,
    rows: impl Iterator<Item = (&'static str, &'static OperationRow)>,
) -> Value {
    let mut paths = Map::new();
    for (prefix, row) in rows {
        let path = format!("{prefix}{}", row.1);
        let operation = describe(&path, row);
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        methods[row.0] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "Key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "Key": { "type": "http", "scheme": "bearer", "description": key },
            },
            "schemas": schemas(),
        },
    })
}

fn describe(path: &str, (method, _, id, summary, body, answer): &OperationRow) -> Value {
    let mut responses = json!({ "200": response("Done.", &envelope(*answer)) });
    for (status, description) in [
        ("400", "The request is malformed or breaks a rule; the message names the field."),
        ("401", "The key is missing or wrong."),
        ("404", "There is no such thing."),
        ("500", "Something broke on our side."),
    ] {
        responses[status] = response(description, &reference("ErrorResponse"));
    }
    let mut described = json!({
        "operationId": id,
        "summary": summary,
        "parameters": parameters(path, method, id),
        "responses": responses,
    });
    if let Some(body) = body {
        let kind = if *body == "MarketFile" { "multipart/form-data" } else { "application/json" };
        described["requestBody"] =
            json!({ "required": true, "content": { kind: { "schema": reference(body) } } });
    }
    described
}

fn parameters(path: &str, method: &str, id: &str) -> Vec<Value> {
    let number = json!({ "type": "integer", "format": "int64", "minimum": 1 });
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut all: Vec<Value> = names
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": number }))
        .collect();
    let mut query = |name: &str, schema: Value| {
        all.push(json!({ "name": name, "in": "query", "required": false, "schema": schema }));
    };
    if id == "writeFile" {
        query("sender", sender());
    }
    if method == "get" && id == "listDeliveries" {
        query("pageToken", json!({ "type": "string" }));
        query("limit", json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 }));
    }
    all
}

/// Returns the schema of senders on the marketplace's side.
fn sender() -> Value {
    json!({ "type": "string", "enum": ["CUSTOMER", "MARKET", "SUPPORT"], "default": "CUSTOMER" })
}

fn response(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn envelope(answer: ResultShape) -> Value {
    let mut properties = json!({ "status": reference("Status") });
    let mut required = vec!["status"];
    let result = match answer {
        Done => None,
        One(name) => Some(reference(name)),
        List(field, name) => Some(json!({
            "type": "object",
            "required": [field],
            "properties": { field: { "type": "array", "items": reference(name) } },
        })),
    };
    if let Some(result) = result {
        properties["result"] = result;
        required.push("result");
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

fn schemas() -> Value {
    let mut found = NamedSchemas::new();
    of::<NewOrder>(&mut found);
    of::<Order>(&mut found);
    of::<NewReturn>(&mut found);
    of::<Return>(&mut found);
    of::<ChatOpening>(&mut found);
    of::<DisputeOpening>(&mut found);
    of::<MarketMessage>(&mut found);
    of::<Chat>(&mut found);
    of::<Message>(&mut found);
    of::<NewCabinet>(&mut found);
    of::<Cabinet>(&mut found);
    of::<NewCampaign>(&mut found);
    of::<Campaign>(&mut found);
    of::<NewKey>(&mut found);
    of::<ApiKeyInfo>(&mut found);
    of::<IssuedKey>(&mut found);
    of::<NewUser>(&mut found);
    of::<User>(&mut found);
    of::<TokenInfo>(&mut found);
    of::<IssuedToken>(&mut found);
    of::<NewSubscription>(&mut found);
    of::<Subscription>(&mut found);
    of::<DeliveryPage>(&mut found);
    of::<Delivery>(&mut found);
    of::<ErrorResponse>(&mut found);
    let mut all = named(found);
    let file = json!({ "type": "string", "format": "binary", "description": "At most 5 × 1024 × 1024 bytes." });
    let form = json!({
        "type": "object",
        "required": ["file"],
        "properties": { "sender": sender(), "file": file },
    });
    all.insert("MarketFile".to_owned(), form);
    correct(&mut all);
    for schema in ["NewCabinet", "NewCampaign", "NewKey", "NewUser", "NewSubscription"] {
        set(&mut all, schema, "name", "minLength", json!(1));
        set(&mut all, schema, "name", "maxLength", json!(100));
    }
    if let Some(message) = all.get_mut("MarketMessage") {
        message["properties"]["sender"] = sender();
    }
    Value::Object(all)
}

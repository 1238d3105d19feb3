//! OpenAPI document of the admin API, built from a table of operations and `schemas.json`. A test compares it with the routes.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::{Map, Value, json};

/// Body of a request or a response.
#[derive(Clone, Copy)]
enum Body {
    /// None; a response has the envelope without a result.
    Empty,
    /// JSON with this component schema; a response has it as result.
    Json(&'static str),
    /// A response with a list of this schema under this name.
    List(&'static str, &'static str),
    /// JSON or YAML with this component schema.
    Yaml(&'static str),
    /// JSON with this component schema, without the envelope.
    Bare(&'static str),
    /// Text of this media type, with a description.
    Text(&'static str, &'static str),
}

use Body::{Bare, Empty, Json, List, Text, Yaml};

/// Method, path, operation id, summary, request body, response body.
type Operation = (&'static str, &'static str, &'static str, &'static str, Body, Body);

const OPERATIONS: &[Operation] = &[
    ("get", "/clock", "getClock", "Read the clock", Empty, Json("Clock")),
    (
        "put",
        "/clock",
        "setClock",
        "Set, stop or resume the clock",
        Json("ClockChange"),
        Json("Clock"),
    ),
    (
        "post",
        "/clock/advance",
        "advanceClock",
        "Move the clock forward",
        Json("ClockStep"),
        Json("Clock"),
    ),
    (
        "post",
        "/clock/resume",
        "resumeClock",
        "Resume the clock from its current time",
        Empty,
        Json("Clock"),
    ),
    ("get", "/faults", "listFaults", "List the fault rules", Empty, List("faults", "Fault")),
    (
        "post",
        "/faults",
        "addFaults",
        "Add one fault rule, or several atomically",
        Json("NewFaults"),
        Json("AddedFaults"),
    ),
    ("delete", "/faults", "clearFaults", "Remove all fault rules", Empty, Empty),
    ("delete", "/faults/{id}", "removeFault", "Remove a fault rule", Empty, Empty),
    (
        "get",
        "/journal",
        "readJournal",
        "List journal entries, oldest first",
        Empty,
        List("entries", "Entry"),
    ),
    ("delete", "/journal", "clearJournal", "Clear the journal", Empty, Empty),
    (
        "get",
        "/journal/live",
        "followJournal",
        "Stream new journal entries",
        Empty,
        Text("text/event-stream", "Server-sent events, one entry each"),
    ),
    ("get", "/journal/{id}", "readEntry", "Read a journal entry", Empty, Json("Entry")),
    (
        "get",
        "/journal/{id}/curl",
        "readEntryAsCurl",
        "Read a request as a curl command line",
        Empty,
        Text("text/plain", "Command line"),
    ),
    (
        "post",
        "/reset",
        "reset",
        "Restore initial state, clock, faults and limits; clear the journal; stop scenarios",
        Empty,
        Empty,
    ),
    (
        "post",
        "/seed",
        "seed",
        "Add cabinets, orders and chats atomically",
        Yaml("Seed"),
        Json("SeedSummary"),
    ),
    ("get", "/snapshots", "listSnapshots", "List snapshots", Empty, Json("SnapshotList")),
    (
        "post",
        "/snapshots",
        "takeSnapshot",
        "Save a snapshot",
        Json("NewSnapshot"),
        Json("Snapshot"),
    ),
    ("delete", "/snapshots/{name}", "forgetSnapshot", "Delete a snapshot", Empty, Empty),
    ("post", "/snapshots/{name}/restore", "restoreSnapshot", "Restore a snapshot", Empty, Empty),
    (
        "get",
        "/export",
        "exportState",
        "Export the whole state, without the envelope",
        Empty,
        Bare("State"),
    ),
    (
        "post",
        "/import",
        "importState",
        "Replace the whole state by an exported one",
        Json("State"),
        Empty,
    ),
    (
        "get",
        "/subscriptions",
        "listSubscriptions",
        "List the subscriptions of all cabinets",
        Empty,
        List("subscriptions", "Subscription"),
    ),
    (
        "post",
        "/subscriptions",
        "addSubscription",
        "Subscribe a URL, which must answer a PING",
        Json("NewSubscription"),
        Json("Subscription"),
    ),
    ("delete", "/subscriptions", "clearSubscriptions", "Delete all subscriptions", Empty, Empty),
    ("delete", "/subscriptions/{id}", "removeSubscription", "Delete a subscription", Empty, Empty),
    (
        "get",
        "/scenarios",
        "listScenarios",
        "List running and finished scenarios",
        Empty,
        Json("ScenarioList"),
    ),
    (
        "post",
        "/scenarios",
        "startScenario",
        "Start a scenario in YAML; errors are reported with their lines",
        Text("application/yaml", ""),
        Json("ScenarioRun"),
    ),
    (
        "get",
        "/scenarios/{id}",
        "readScenario",
        "Read the progress of a scenario",
        Empty,
        Json("ScenarioRun"),
    ),
    ("delete", "/scenarios/{id}", "stopScenario", "Stop a scenario", Empty, Json("ScenarioRun")),
];

static DOCUMENT: LazyLock<String> = LazyLock::new(|| build().to_string());

pub(super) async fn document() -> Response {
    let content_type = (header::CONTENT_TYPE, "application/json; charset=utf-8");
    ([content_type], DOCUMENT.as_str()).into_response()
}

fn build() -> Value {
    let schemas: Value =
        serde_json::from_str(include_str!("schemas.json")).expect("the file is valid JSON");
    let mut paths = Map::new();
    for (method, path, id, summary, request, response) in OPERATIONS.iter().copied() {
        let item = paths.entry(format!("/__admin{path}")).or_insert_with(|| json!({}));
        if let Some(parameters) = path_parameters(path) {
            item["parameters"] = parameters;
        }
        let mut operation = json!({
            "operationId": id,
            "summary": summary,
            "responses": responses(path, response),
        });
        if let Some(content) = content(request) {
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        if id == "readJournal" {
            operation["parameters"] = schemas["journalParameters"].clone();
        }
        item[method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Beseda stand-in: admin API",
            "version": "1",
            "description": "Admin API of the stand-in (mock server) of the chats API: clock, fault injection, request journal, state, subscriptions and scenarios. Responses have the envelope of the chats API.",
        },
        "security": [{ "adminKey": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "adminKey": { "type": "http", "scheme": "bearer", "description": "The stand-in's admin key" },
            },
            "responses": {
                "Refused": {
                    "description": "Error",
                    "content": { "application/json": { "schema": reference("Failure") } },
                },
            },
            "schemas": schemas["schemas"],
        },
    })
}

fn path_parameters(path: &str) -> Option<Value> {
    let schema = match path {
        _ if path.contains("{id}") => json!({ "type": "integer", "minimum": 1 }),
        _ if path.contains("{name}") => json!({ "type": "string" }),
        _ => return None,
    };
    let name = if path.contains("{id}") { "id" } else { "name" };
    Some(json!([{ "name": name, "in": "path", "required": true, "schema": schema }]))
}

/// Returns the content of a request body, or of a response without the envelope.
fn content(body: Body) -> Option<Value> {
    Some(match body {
        Empty | List(..) => return None,
        Json(name) | Bare(name) => json!({ "application/json": { "schema": reference(name) } }),
        Yaml(name) => json!({
            "application/json": { "schema": reference(name) },
            "application/yaml": { "schema": reference(name) },
        }),
        Text(kind, _) => json!({ kind: { "schema": { "type": "string" } } }),
    })
}

fn responses(path: &str, body: Body) -> Value {
    let result = match body {
        Json(name) => Some(reference(name)),
        List(field, name) => Some(json!({
            "type": "object",
            "properties": { field: { "type": "array", "items": reference(name) } },
            "required": [field],
        })),
        _ => None,
    };
    let envelope = match result {
        Some(result) => json!({
            "type": "object",
            "properties": { "status": { "type": "string", "const": "OK" }, "result": result },
            "required": ["status", "result"],
        }),
        None => json!({
            "type": "object",
            "properties": { "status": { "type": "string", "const": "OK" } },
            "required": ["status"],
        }),
    };
    let (description, content) = match body {
        Text(_, description) => (description, content(body)),
        Bare(_) => ("Done", content(body)),
        _ => ("Done", Some(json!({ "application/json": { "schema": envelope } }))),
    };
    let mut responses = json!({ "200": { "description": description, "content": content } });
    let statuses: &[&str] = match path {
        "/journal/live" => &[],
        "/journal/{id}/curl" => &["404"],
        _ => &["400", "401", "404"],
    };
    for status in statuses {
        responses[*status] = json!({ "$ref": "#/components/responses/Refused" });
    }
    responses
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use super::build;

    #[test]
    fn every_referenced_schema_exists() {
        let document = build();
        let text = document.to_string();
        let references = text.split("#/components/schemas/").skip(1);
        let names: Vec<&str> = references.filter_map(|rest| rest.split('"').next()).collect();
        assert!(names.len() > 20);
        for name in names {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}

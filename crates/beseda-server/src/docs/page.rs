//! Documentation page, generated from the OpenAPI document. Style and script are inline; nothing is
//! loaded from elsewhere.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(super) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const INTRO: &str = include_str!("intro.html");
const SURFACES: &str = include_str!("surfaces.html");

/// Page and its content security policy.
pub(crate) struct Page {
    pub(crate) html: Bytes,
    pub(crate) policy: String,
}

/// Renders the page.
pub(crate) fn render(document: &Value) -> Page {
    let mut html = String::with_capacity(64 * 1024);
    // Writing to a String can't fail.
    let _ = write_page(&mut html, document);
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'self'; style-src 'sha256-{}'; script-src 'sha256-{}'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    Page { html: html.into(), policy }
}

fn write_page(html: &mut String, document: &Value) -> std::fmt::Result {
    write!(
        html,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Beseda: Chats API</title><style>{STYLE}</style></head><body>{INTRO}\
         <nav aria-label=\"Operations\"><ul>"
    )?;
    let operations: Vec<_> = operations(document).collect();
    for (_, _, operation) in &operations {
        let id = word(operation, "operationId");
        write!(html, "<li><a href=\"#{id}\">{id}</a></li>")?;
    }
    html.push_str("</ul></nav><main>");
    for (path, method, operation) in &operations {
        write_operation(html, path, method, operation, document)?;
    }
    write!(html, "{SURFACES}</main><script>{SCRIPT}</script></body></html>")
}

/// Returns path, method and operation of everything under `/v2`.
fn operations(document: &Value) -> impl Iterator<Item = (&str, String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let versioned = paths.filter(|(path, _)| path.starts_with("/v2/"));
    versioned.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.to_uppercase(), operation))
    })
}

fn write_operation(
    html: &mut String,
    path: &str,
    method: &str,
    operation: &Value,
    document: &Value,
) -> std::fmt::Result {
    let (id, old) = (word(operation, "operationId"), path.trim_start_matches("/v2"));
    write!(
        html,
        "<section id=\"{id}\"><h2>{id}</h2><p>{}</p><p><code><b>{method}</b> {path}</code><br>\
         <code><b>{method}</b> {old}</code></p>",
        escape(word(operation, "summary")),
    )?;
    let scopes: Vec<&str> = operation["x-auth-scopes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let scopes = if scopes.is_empty() { "any".to_owned() } else { scopes.join(", ") };
    write!(html, "<p>Scopes: {scopes}. Requests an hour: {}.</p>", operation["x-hourly-limit"])?;
    write_parameters(html, &operation["parameters"])?;
    let schema =
        operation["requestBody"]["content"].as_object().and_then(|kinds| kinds.values().next());
    if let Some(schema) = schema {
        html.push_str("<h3>Body</h3>");
        write_schema(html, &schema["schema"], document)?;
    }
    html.push_str("<h3>ApiResponse</h3>");
    let answer = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    write_schema(html, answer, document)?;
    let unversioned = &document["paths"][old][method.to_lowercase()];
    let old_answer = &unversioned["responses"]["200"]["content"]["application/json"]["schema"];
    if old_answer != answer {
        html.push_str("<h3>ApiResponse on the path without <code>/v2</code>, as in 2024</h3>");
        write_schema(html, old_answer, document)?;
    }
    let curl = escape(&curl(id, method, path));
    write!(html, "<h3>curl</h3><pre><code class=\"curl\">{curl}</code></pre></section>")
}

fn write_parameters(html: &mut String, parameters: &Value) -> std::fmt::Result {
    let parameters = parameters.as_array().filter(|list| !list.is_empty());
    let Some(parameters) = parameters else { return Ok(()) };
    html.push_str("<table><thead><tr><th>Parameter<th>In<th>Type<th>Meaning</thead><tbody>");
    for parameter in parameters {
        let required = if parameter["required"] == true { " (required)" } else { "" };
        write!(
            html,
            "<tr><td><code>{}</code>{required}<td>{}<td>{}<td>{}",
            word(parameter, "name"),
            word(parameter, "in"),
            kind(&parameter["schema"]),
            escape(word(parameter, "description")),
        )?;
    }
    html.push_str("</tbody></table>");
    Ok(())
}

/// Writes the fields of a schema as a table; for a response those of its result.
fn write_schema(html: &mut String, schema: &Value, document: &Value) -> std::fmt::Result {
    let schema = resolve(schema, document);
    let result = schema["properties"].get("result").map(|result| resolve(result, document));
    let fields = result.unwrap_or(schema);
    html.push_str("<table><thead><tr><th>Field<th>Type<th>Meaning</thead><tbody>");
    let required: Vec<&str> =
        fields["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in fields["properties"].as_object().into_iter().flatten() {
        let mark = if required.contains(&name.as_str()) { " (required)" } else { "" };
        let description = escape(word(field, "description"));
        write!(html, "<tr><td><code>{name}</code>{mark}<td>{}<td>{description}", kind(field))?;
    }
    html.push_str("</tbody></table>");
    Ok(())
}

fn resolve<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

/// Describes a schema in a few words, such as `integer 1..20, default 10`.
fn kind(schema: &Value) -> String {
    if let Some(target) = schema["$ref"].as_str() {
        return target.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let mut text = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.collect::<Vec<_>>().join(" or ")
        }
        _ => return "object".to_owned(),
    };
    if text == "array" {
        text = format!("list of {}", kind(&schema["items"]));
    }
    let bounds = ["minimum", "minLength", "maximum", "maxLength"].map(|key| &schema[key]);
    match bounds {
        [least, _, most, _] | [_, least, _, most] if !least.is_null() && !most.is_null() => {
            let _ = write!(text, " {least}..{most}");
        }
        [least, ..] if !least.is_null() => {
            let _ = write!(text, " from {least}");
        }
        _ => {}
    }
    if let Some(default) = schema.get("default") {
        let _ = write!(text, ", {default} unless said");
    }
    text
}

fn curl(id: &str, method: &str, path: &str) -> String {
    let path = path.replace("{businessId}", "$BESEDA_BUSINESS_ID");
    let (query, body) = match id {
        "getChats" => ("?limit=20", r#"{"statuses":["WAITING_FOR_PARTNER"]}"#),
        "getChat" => ("?chatId=1", ""),
        "getChatHistory" => ("?chatId=1&limit=50", "{}"),
        "getChatMessage" => ("?chatId=1&messageId=1", ""),
        "createChat" => ("", r#"{"context":{"type":"ORDER","id":123456789}}"#),
        "sendMessageToChat" => ("?chatId=1", r#"{"message":"Good day!"}"#),
        "sendFileToChat" => ("?chatId=1", "@"),
        _ => ("", ""),
    };
    let mut text =
        format!("curl -X {method} \"$BESEDA_URL{path}{query}\" -H \"Api-Key: $BESEDA_API_KEY\"");
    match body {
        "" => {}
        "@" => text.push_str(" -F file=@photo.jpg"),
        body => {
            let _ = write!(text, " -H 'Content-Type: application/json' -d '{body}'");
        }
    }
    text
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

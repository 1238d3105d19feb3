//! The project's own OpenAPI document and page: the document must cover the published ones, and the page must load nothing.

use std::{collections::BTreeSet, io::Read};

use serde_json::{Map, Value};

use crate::{
    published::{self, Document},
    world::World,
};

/// The document the server serves.
pub(crate) async fn own(world: &World) -> Document {
    let reply = world.get("/openapi.json").await;
    assert_eq!(reply.status, 200);
    Document::new("own", reply.json())
}

#[tokio::test]
async fn the_own_document_covers_the_published_ones() {
    let world = World::open("{}").await;
    let own = own(&world).await;
    for published in published::documents() {
        let mut wrong = Vec::new();
        let mut seen = 0;
        for (path, methods) in published.root["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                seen += 1;
                let at = format!("{method} {path}");
                match own.operation(method, path) {
                    None => wrong.push(format!("{at}: missing")),
                    Some(ours) => compare(&at, (operation, published), (ours, &own), &mut wrong),
                }
            }
        }
        assert!(seen >= 6, "{} has only {seen} operations", published.name);
        assert!(wrong.is_empty(), "{}:\n{}", published.name, wrong.join("\n"));
    }
}

fn compare(
    at: &str,
    theirs: (&Value, &Document),
    ours: (&Value, &Document),
    wrong: &mut Vec<String>,
) {
    let (operation, published) = theirs;
    let (own_operation, own) = ours;
    let id = |operation: &Value| operation["operationId"].as_str().unwrap().to_owned();
    if id(own_operation).trim_end_matches("Unversioned") != id(operation) {
        wrong.push(format!("{at}: another operationId"));
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (&parameter["name"], &parameter["in"]);
        let all = own_operation["parameters"].as_array().into_iter().flatten();
        let mut same = all.filter(|ours| ours["name"] == *name && ours["in"] == *place);
        let Some(found) = same.next() else {
            wrong.push(format!("{at}: no parameter {name}"));
            continue;
        };
        for key in ["type", "format", "minimum", "maximum", "default"] {
            let wanted = parameter["schema"].get(key);
            if wanted.is_some() && found["schema"].get(key) != wanted {
                wrong.push(format!("{at}: {name} has another {key}"));
            }
        }
        if found["required"].as_bool().unwrap_or(false)
            != parameter["required"].as_bool().unwrap_or(false)
        {
            wrong.push(format!("{at}: {name} is required in one only"));
        }
    }
    for (status, answer) in operation["responses"].as_object().unwrap() {
        let Some(found) = own_operation["responses"].get(status) else {
            wrong.push(format!("{at}: no {status}"));
            continue;
        };
        let of = |answer: &Value| answer["content"]["application/json"]["schema"].clone();
        let at = format!("{at} {status}");
        schemas(&at, (&of(answer), published), (&of(found), own), Side::Answer, wrong);
    }
    for (kind, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        let ours = &own_operation["requestBody"]["content"][kind]["schema"];
        let at = format!("{at} body");
        schemas(&at, (&content["schema"], published), (ours, own), Side::Request, wrong);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Request,
    Answer,
}

/// A schema with its references followed and its `allOf` parts laid together.
fn flat(schema: &Value, document: &Document) -> Map<String, Value> {
    let mut flat = Map::new();
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    if let Some(pointer) = target {
        return self::flat(document.root.pointer(pointer).unwrap(), document);
    }
    let mut parts: Vec<Map<String, Value>> = Vec::new();
    for key in ["allOf", "oneOf", "anyOf"] {
        let all = schema[key].as_array().into_iter().flatten();
        let all = all.filter(|part| part["type"] != "null");
        parts.extend(all.map(|part| self::flat(part, document)));
    }
    parts.push(schema.as_object().cloned().unwrap_or_default());
    for part in parts {
        for (key, value) in part {
            match (flat.get_mut(&key), value) {
                (Some(Value::Object(fields)), Value::Object(more)) => fields.extend(more),
                (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
                (_, value) => {
                    flat.insert(key, value);
                }
            }
        }
    }
    flat
}

fn words(value: Option<&Value>) -> BTreeSet<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `type` without `null`.
fn kind(schema: &Map<String, Value>) -> Option<String> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind.clone()),
        kinds => words(Some(kinds)).into_iter().find(|kind| kind != "null"),
    }
}

fn schemas(
    at: &str,
    theirs: (&Value, &Document),
    ours: (&Value, &Document),
    side: Side,
    wrong: &mut Vec<String>,
) {
    let (schema, own_schema) = (flat(theirs.0, theirs.1), flat(ours.0, ours.1));
    if kind(&schema).is_some() && kind(&schema) != kind(&own_schema) {
        wrong.push(format!("{at}: {:?} is not {:?}", kind(&own_schema), kind(&schema)));
    }
    for key in ["format", "minLength", "maxLength", "minimum", "minItems"] {
        let wanted = schema.get(key);
        if wanted.is_some() && own_schema.get(key) != wanted {
            wrong.push(format!("{at}: another {key}: {:?}", own_schema.get(key)));
        }
    }
    let (enums, own_enums) = (words(schema.get("enum")), words(own_schema.get("enum")));
    if !enums.is_subset(&own_enums) {
        wrong.push(format!("{at}: words missing: {:?}", enums.difference(&own_enums)));
    }
    let (required, own_required) =
        (words(schema.get("required")), words(own_schema.get("required")));
    let missing: Vec<_> = match side {
        Side::Answer => required.difference(&own_required).collect(),
        Side::Request => own_required.difference(&required).collect(),
    };
    if !missing.is_empty() {
        wrong.push(format!("{at}: required otherwise: {missing:?}"));
    }
    for (name, property) in
        schema.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        let at = format!("{at}.{name}");
        match own_schema.get("properties").and_then(|all| all.get(name)) {
            Some(found) => schemas(&at, (property, theirs.1), (found, ours.1), side, wrong),
            None => wrong.push(format!("{at}: missing")),
        }
    }
    if let Some(items) = schema.get("items") {
        let found = own_schema.get("items").unwrap_or(&Value::Null);
        schemas(&format!("{at}[]"), (items, theirs.1), (found, ours.1), side, wrong);
    }
}

#[tokio::test]
async fn the_own_document_says_what_paths_without_a_version_answer() {
    for (settings, old, new) in [
        ("{}", "chatId createdAt orderId status type updatedAt", "campaigns pager"),
        (
            r#"{"unversioned":"today"}"#,
            "chatId context createdAt orderId status type updatedAt",
            "campaigns pager paging",
        ),
    ] {
        let world = World::open(settings).await;
        let own = own(&world).await;
        let fields = |schema: &Value| {
            let flat = flat(schema, &own);
            let names: BTreeSet<_> = flat["properties"].as_object().unwrap().keys().collect();
            names.into_iter().cloned().collect::<Vec<_>>().join(" ")
        };
        let answer = |path: &str, method: &str| {
            let operation = &own.root["paths"][path][method];
            flat(&operation["responses"]["200"]["content"]["application/json"]["schema"], &own)
        };
        let chat = answer("/businesses/{businessId}/chat", "get");
        assert_eq!(fields(&chat["properties"]["result"]), old);
        assert_eq!(fields(&Value::Object(answer("/campaigns", "get"))), new);
        let today = answer("/v2/businesses/{businessId}/chat", "get");
        assert!(fields(&today["properties"]["result"]).contains("context"));
    }
}

#[tokio::test]
async fn the_documentation_page_loads_only_files_of_this_server_and_offers_every_document() {
    let world = World::open("{}").await;
    let reply = world.get("/docs").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let html = String::from_utf8(reply.body.clone()).unwrap();
    for foreign in ["http:", "https:", "//", "<style", "style=", "onclick", "<script>"] {
        assert!(!html.contains(foreign), "{foreign} is in the page");
    }
    let loaded: Vec<_> =
        html.split(['"', '\'']).filter(|part| part.starts_with("/docs/")).collect();
    assert_eq!(loaded.len(), 4, "{loaded:?}");
    for file in loaded {
        let reply = world.get(file).await;
        let kind = reply.header("content-type").unwrap().to_owned();
        let wanted = if file.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert!(reply.status == 200 && kind.starts_with(wanted), "{file}: {kind}");
        assert!(!reply.body.starts_with(&[0x1f, 0x8b]), "{file} is compressed unasked");
    }
    let options =
        html.split("<option value=\"").skip(1).map(|part| part.split('"').next().unwrap());
    let options: Vec<_> = options.collect();
    let documents = ["/market/v1/openapi.json", "/admin/v1/openapi.json"];
    assert_eq!(options[..2], ["/openapi.json#2026", "/openapi.json#2024"]);
    assert_eq!(options[2..], documents);
    for option in options {
        let document = world.get(option.split('#').next().unwrap()).await;
        assert!(!document.json()["paths"].as_object().unwrap().is_empty(), "{option}");
    }
    let policy = reply.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    assert!(policy.contains("connect-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains("//"), "{policy}");
}

#[tokio::test]
async fn the_documentation_page_is_in_the_language_asked_for() {
    let world = World::open("{}").await;
    for (path, accepted, language) in [
        ("/docs", "ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("/docs", "de", "en"),
        ("/docs/?lang=ru", "en", "ru"),
        ("/docs?lang=en", "ru", "en"),
        ("/docs?lang=de", "ru", "ru"),
    ] {
        let reply = world.ask("GET", path, &[("Accept-Language", accepted)], b"").await;
        assert_eq!(reply.header("content-language"), Some(language), "{path} {accepted}");
        let html = String::from_utf8(reply.body).unwrap();
        assert!(html.contains(&format!("<html lang=\"{language}\">")), "{html}");
    }
}

#[tokio::test]
async fn files_of_the_viewer_are_compressed_and_may_be_kept_for_a_year() {
    let world = World::open("{}").await;
    let path = "/docs/swagger-ui-5.35.0/swagger-ui-bundle.js";
    let plain = world.get(path).await;
    let packed = world.ask("GET", path, &[("Accept-Encoding", "gzip")], b"").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert_eq!(packed.header("vary"), Some("accept-encoding"));
    assert_eq!(packed.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == plain.body, "the script is another one");
    let tag = packed.header("etag").unwrap();
    let headers = [("Accept-Encoding", "gzip"), ("If-None-Match", tag)];
    let known = world.ask("GET", path, &headers, b"").await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(world.ask("POST", path, &[], b"").await.status, 405);
    assert_eq!(world.get("/docs/nothing.js").await.status, 404);
}

#[tokio::test]
async fn the_documentation_can_be_switched_off() {
    let world = World::open(r#"{"docs":false,"metrics":false}"#).await;
    for path in ["/docs", "/docs/page.js", "/openapi.json", "/metrics"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
}

//! The published contract of both generations, as a judge of answers. Its files are not ours: they are looked for beside the checkout.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::closed::closed;

/// One OpenAPI document.
pub(crate) struct Document {
    pub(crate) name: &'static str,
    pub(crate) root: Value,
    validators: Mutex<BTreeMap<String, std::sync::Arc<Validator>>>,
}

static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let folder = std::env::var_os("BESEDA_CONTRACT_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/openapi"),
        PathBuf::from,
    );
    let found = ["chats-2024.yaml", "chats-2026.yaml"].into_iter().filter_map(|name| {
        let Ok(text) = std::fs::read_to_string(folder.join(name)) else {
            eprintln!("{name} is not in {}: answers are not held against it", folder.display());
            return None;
        };
        let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text).unwrap();
        Some(Document::new(name, serde_json::to_value(yaml).unwrap()))
    });
    found.collect()
});

/// The published documents that are there.
pub(crate) fn documents() -> &'static [Document] {
    &DOCUMENTS
}

impl Document {
    pub(crate) fn new(name: &'static str, root: Value) -> Self {
        Self { name, root, validators: Mutex::default() }
    }

    /// The operation of a request, by its path as it was sent.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or_default();
        let path = path.strip_suffix(".json").unwrap_or(path);
        let mut segments: Vec<&str> = path.split('/').collect();
        if let Some(at) = segments.iter().position(|segment| *segment == "businesses") {
            *segments.get_mut(at + 1)? = "{businessId}";
        }
        let paths = self.root["paths"].as_object()?;
        paths.get(&segments.join("/"))?.get(method.to_lowercase())
    }

    /// Returns true if responses on this path have to match this document; `today` is true if unversioned paths have current fields.
    pub(crate) fn applies_to(&self, path: &str, today: bool) -> bool {
        self.name != "chats-2024.yaml" || path.starts_with("/v2/") || !today
    }

    /// Returns the schema errors of a response; none if the document has no such path.
    pub(crate) fn complaints(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: &Value,
    ) -> Vec<String> {
        let Some(operation) = self.operation(method, path) else { return Vec::new() };
        let Some(answer) = operation["responses"].get(status.to_string()) else {
            // Not described, but known of every HTTP server.
            let known = [405, 415, 431].contains(&status);
            return if known { vec![] } else { vec![format!("{status} is not documented")] };
        };
        let schema = &answer["content"]["application/json"]["schema"];
        let validator = self.validator(schema);
        validator.iter_errors(body).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }

    fn validator(&self, schema: &Value) -> std::sync::Arc<Validator> {
        let mut validators = self.validators.lock().unwrap();
        let key = schema.to_string();
        let made = validators.entry(key).or_insert_with(|| {
            let mut root = schema.clone();
            // The server answers in the words of 2024 exactly; today's document may be answered with more.
            root["components"] = if self.name == "chats-2024.yaml" {
                closed(self.root.clone())["components"].clone()
            } else {
                self.root["components"].clone()
            };
            let options = jsonschema::options().should_validate_formats(true);
            std::sync::Arc::new(options.build(&modern(&root)).unwrap())
        });
        std::sync::Arc::clone(made)
    }
}

/// A schema of OpenAPI 3.0 as one of JSON Schema: `nullable` becomes a type.
pub(crate) fn modern(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let mut fields: Map<String, Value> = fields
                .iter()
                .filter(|(name, value)| *name != "example" || value.is_object())
                .map(|(name, value)| (name.clone(), modern(value)))
                .collect();
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                let kind = fields.get("type").cloned().unwrap_or(Value::Null);
                fields.insert("type".to_owned(), json!([kind, "null"]));
            }
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(modern).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_judge_finds_fault_with_a_wrong_answer() {
    let root = json!({
        "paths": { "/v2/businesses/{businessId}/chat": { "get": { "responses": { "200": {
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A" } } } } } } } },
        "components": { "schemas": { "A": { "type": "object", "required": ["b"], "properties": {
            "b": { "type": "integer", "nullable": true } } } } },
    });
    let document = Document::new("own", root);
    let judge =
        |body| document.complaints("GET", "/v2/businesses/7/chat.json?chatId=1", 200, &body);
    assert_eq!(judge(json!({ "b": null })), Vec::<String>::new());
    assert_eq!(judge(json!({ "b": "x" })).len(), 1);
    assert_eq!(judge(json!({})).len(), 1);
    assert_eq!(document.complaints("GET", "/v2/businesses/7/chat", 202, &json!({})).len(), 1);
}

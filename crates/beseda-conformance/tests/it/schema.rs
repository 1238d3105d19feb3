//! Validators of responses from an OpenAPI document, 3.0 or 3.1.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// OpenAPI document that validates responses.
pub(crate) struct Document {
    name: String,
    root: Value,
    draft: Draft,
    validators: Mutex<HashMap<(String, String, u16), Arc<Validator>>>,
}

impl Document {
    /// Creates a validator from a parsed document.
    pub(crate) fn new(name: &str, mut root: Value) -> Self {
        let version = root["openapi"].as_str().unwrap_or_default();
        // OpenAPI 3.0 is a dialect of JSON Schema's draft 4 that has `nullable`; 3.1 is 2020-12 itself.
        let draft = if version.starts_with("3.0") { Draft::Draft4 } else { Draft::Draft202012 };
        translate_nullable(&mut root);
        Self { name: name.to_owned(), root, draft, validators: Mutex::default() }
    }

    /// Returns the name of the document in violations.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path template that matches a path, such as `/businesses/{businessId}/chats`.
    pub(crate) fn path(&self, path: &str) -> Option<String> {
        let matches = |template: &str| {
            let (template, path) = (template.split('/'), path.split('/'));
            template.clone().count() == path.clone().count()
                && template.zip(path).all(|(t, p)| t == p || t.starts_with('{'))
        };
        self.root["paths"].as_object()?.keys().find(|template| matches(template)).cloned()
    }

    /// Returns `true` if the path has this method.
    pub(crate) fn has(&self, template: &str, method: &str) -> bool {
        self.root["paths"][template].get(method.to_lowercase()).is_some()
    }

    /// Returns the violations of a response, if there are any.
    pub(crate) fn violation(
        &self,
        template: &str,
        method: &str,
        status: u16,
        body: &Value,
    ) -> Option<String> {
        let validator = match self.validator(template, method, status) {
            Ok(validator) => validator,
            Err(violation) => return Some(violation),
        };
        let violations: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        (!violations.is_empty()).then(|| violations.join("; "))
    }

    fn validator(
        &self,
        template: &str,
        method: &str,
        status: u16,
    ) -> Result<Arc<Validator>, String> {
        let key = (template.to_owned(), method.to_lowercase(), status);
        if let Some(validator) = self.validators.lock().unwrap().get(&key) {
            return Ok(Arc::clone(validator));
        }
        let operation = &self.root["paths"][template][&key.1];
        let response = self.resolved(&operation["responses"][status.to_string()]);
        if response.is_null() {
            return Err(format!("status {status} is not declared"));
        }
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            return Err(format!("status {status} has no JSON schema"));
        }
        // References are pointers from the root of the document.
        let schema = json!({ "allOf": [schema], "components": self.root["components"] });
        let options = jsonschema::options().with_draft(self.draft).should_validate_formats(true);
        let validator = Arc::new(options.build(&schema).unwrap());
        self.validators.lock().unwrap().insert(key, Arc::clone(&validator));
        Ok(validator)
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str().and_then(|pointer| pointer.strip_prefix('#')) {
            Some(pointer) => self.root.pointer(pointer).unwrap_or(&Value::Null),
            None => value,
        }
    }
}

/// Translates `nullable: true` to JSON Schema: `null` becomes a type, and a value of an enum.
fn translate_nullable(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(translate_nullable),
        Value::Object(fields) => {
            fields.values_mut().for_each(translate_nullable);
            if fields.remove("nullable") == Some(Value::Bool(true)) {
                allow_null(fields);
            }
        }
        _ => {}
    }
}

fn allow_null(fields: &mut Map<String, Value>) {
    if let Some(kind) = fields.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Document;

    fn document(schema: &Value) -> Document {
        let response = json!({ "content": { "application/json": { "schema": schema } } });
        let operation = json!({ "responses": { "200": response } });
        let root = json!({
            "openapi": "3.0.3",
            "paths": { "/teas/{teaId}": { "get": operation } },
            "components": { "schemas": { "Tea": { "type": "string", "nullable": true } } },
        });
        Document::new("tea", root)
    }

    #[test]
    fn a_path_is_found_by_its_template() {
        let document = document(&json!({}));
        let template = document.path("/teas/7").unwrap();
        assert_eq!(template, "/teas/{teaId}");
        assert!(document.has(&template, "GET") && !document.has(&template, "POST"));
        assert_eq!(document.path("/teas"), None);
        assert_eq!(document.path("/teas/7/leaves"), None);
    }

    #[test]
    fn a_missing_field_a_wrong_type_and_an_undeclared_status_are_violations() {
        let schema = json!({ "type": "object", "required": ["id"],
            "properties": { "id": { "type": "integer", "minimum": 1 },
                "tea": { "$ref": "#/components/schemas/Tea" },
                "at": { "type": "string", "format": "date-time" } } });
        let document = document(&schema);
        let violation = |status, body| document.violation("/teas/{teaId}", "GET", status, &body);
        assert_eq!(violation(200, json!({ "id": 1, "tea": null })), None);
        assert_eq!(violation(200, json!({ "id": 1, "at": "2026-05-31T10:30:17+03:00" })), None);
        assert!(violation(200, json!({})).is_some());
        assert!(violation(200, json!({ "id": 0 })).is_some());
        assert!(violation(200, json!({ "id": null })).is_some());
        assert!(violation(200, json!({ "id": 1, "tea": 5 })).is_some());
        assert!(violation(200, json!({ "id": 1, "at": "yesterday" })).is_some());
        assert!(violation(418, json!({ "id": 1 })).unwrap().contains("418"));
    }
}

//! Strict OpenAPI documents: objects have no other fields than the documented ones, as for generated clients with strict decoding.

use serde_json::{Map, Value, json};

/// Returns the document with all its component schemas closed: an unknown field is a violation.
///
/// Parts of an `allOf` are merged first, since each has only some of the fields.
pub(crate) fn closed(mut document: Value) -> Value {
    let open = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let closed: Map<String, Value> =
        open.iter().map(|(name, schema)| (name.clone(), close(schema, &open))).collect();
    document["components"]["schemas"] = Value::Object(closed);
    document
}

fn close(schema: &Value, all: &Map<String, Value>) -> Value {
    match schema {
        Value::Object(fields) => {
            let merged = merge_parts(fields, all);
            let inner = |(name, value): (&String, &Value)| (name.clone(), close(value, all));
            let mut fields: Map<String, Value> = merged.iter().map(inner).collect();
            if merged.get("type").is_some_and(|kind| kind == "object") {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(|item| close(item, all)).collect(),
        other => other.clone(),
    }
}

/// Returns a schema with the parts of its `allOf` merged.
fn merge_parts(schema: &Map<String, Value>, all: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = schema.clone();
    let Some(Value::Array(parts)) = merged.remove("allOf") else { return merged };
    for part in &parts {
        let name = part["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        let part = name.map_or(part, |name| &all[name]);
        let part = merge_parts(part.as_object().unwrap(), all);
        for (key, value) in part {
            match (merged.get_mut(&key), value) {
                (Some(Value::Object(fields)), Value::Object(more)) => fields.extend(more),
                (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
                (Some(_), _) => {}
                (None, value) => {
                    merged.insert(key, value);
                }
            }
        }
    }
    merged
}

#[test]
fn a_strict_document_accepts_the_fields_of_all_its_parts_and_no_others() {
    let status = json!({ "type": "object", "properties": { "status": { "type": "string" } } });
    let result = json!({ "type": "object", "properties": { "result": { "$ref": "#/components/schemas/Tea" } } });
    let tea = json!({ "type": "object", "properties": { "leaf": { "type": "object", "properties": {} } } });
    let all = json!({ "Status": status, "Tea": tea, "Answer": {
        "type": "object", "allOf": [{ "$ref": "#/components/schemas/Status" }, result] } });
    let document = closed(json!({ "components": { "schemas": all } }));
    let schema =
        json!({ "$ref": "#/components/schemas/Answer", "components": document["components"] });
    let validator = jsonschema::options().build(&schema).unwrap();
    assert!(validator.is_valid(&json!({ "status": "OK", "result": { "leaf": {} } })));
    for unknown in [
        json!({ "status": "OK", "more": 1 }),
        json!({ "result": { "more": 1 } }),
        json!({ "result": { "leaf": { "more": 1 } } }),
    ] {
        assert!(!validator.is_valid(&unknown), "{unknown}");
    }
}

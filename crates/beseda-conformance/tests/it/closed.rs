//! An OpenAPI document whose objects have no other fields than it names, as clients generated with strict decoding read it.

use serde_json::{Map, Value, json};

/// The document with every schema of its components closed: an unknown field is a fault.
///
/// Parts of an `allOf` are laid together first; each of them alone knows only a part of the fields.
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
            let merged = together(fields, all);
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

/// A schema with the parts of its `allOf` laid together.
fn together(schema: &Map<String, Value>, all: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = schema.clone();
    let Some(Value::Array(parts)) = whole.remove("allOf") else { return whole };
    for part in &parts {
        let name = part["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        let part = name.map_or(part, |name| &all[name]);
        let part = together(part.as_object().unwrap(), all);
        for (key, value) in part {
            match (whole.get_mut(&key), value) {
                (Some(Value::Object(fields)), Value::Object(more)) => fields.extend(more),
                (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
                (Some(_), _) => {}
                (None, value) => {
                    whole.insert(key, value);
                }
            }
        }
    }
    whole
}

#[test]
fn a_closed_document_knows_the_fields_of_all_its_parts_and_no_others() {
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

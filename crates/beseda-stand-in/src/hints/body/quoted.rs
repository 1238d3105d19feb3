//! Numbers sent as strings.

use serde_json::{Map, Value};

/// Returns a hint for the first id sent as a string.
pub(super) fn number(body: &Map<String, Value>) -> Option<String> {
    if body.get("messageIdFrom").is_some_and(is_quoted) {
        return Some("messageIdFrom is a number: a push notification carries messageId as a string, but here it is written without quotes.".to_owned());
    }
    let field = if body.get("orderId").is_some_and(is_quoted) {
        "orderId"
    } else if body.get("context").and_then(|context| context.get("id")).is_some_and(is_quoted) {
        "context.id"
    } else if list(body, "orderIds").iter().any(is_quoted) {
        "orderIds"
    } else if list(body, "contexts").iter().filter_map(|it| it.get("id")).any(is_quoted) {
        "contexts[].id"
    } else {
        return None;
    };
    Some(format!("{field}: a number came as text, write it without quotes."))
}

fn list<'a>(body: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    body.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns whether the value is a string of digits.
fn is_quoted(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        let digits = text.trim();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

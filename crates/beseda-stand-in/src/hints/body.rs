//! Hints for mistakes in parameters and bodies: wrong place, type or format.

mod quoted;

use serde_json::{Map, Value};

use super::RejectedRequest;

pub(super) fn bad_request(request: &RejectedRequest<'_>) -> Option<String> {
    let general = of_query(request).or_else(|| of_format(request));
    general.or_else(|| match request.operation {
        "sendMessageToChat" => of_message(&request.json()?),
        "sendFileToChat" => Some(of_file(request)),
        "createChat" => {
            let body = request.json()?;
            quoted::number(&body).or_else(|| of_new_chat(&body, request.path))
        }
        "getChats" => {
            let body = request.json()?;
            quoted::number(&body).or_else(|| of_filter(&body))
        }
        "getChatHistory" => quoted::number(&request.json()?),
        _ => None,
    })
}

/// Wrong names and the names that are meant.
const LOOKALIKE_NAMES: [(&str, &str); 8] = [
    ("chat_id", "chatId"),
    ("chatid", "chatId"),
    ("chatID", "chatId"),
    ("chat-id", "chatId"),
    ("id", "chatId"),
    ("message_id", "messageId"),
    ("messageID", "messageId"),
    ("messageid", "messageId"),
];

/// Page token of the samples in the published documentation, without padding.
const SAMPLE_TOKEN: &str = "eyBuZXh0SWQ6IDIzNDIgfQ";

fn of_query(request: &RejectedRequest<'_>) -> Option<String> {
    let wants_chat = !matches!(request.operation, "getChats" | "createChat" | "getCampaigns");
    if wants_chat && request.parameter("chatId").is_none() {
        let json = request.json().unwrap_or_default();
        if json.contains_key("chatId") || json.contains_key("chat_id") {
            return Some("chatId belongs into the query, not into the body, also with POST: .../chats/...?chatId=<id>".to_owned());
        }
    }
    for (wrong, right) in LOOKALIKE_NAMES {
        if request.parameter(wrong).is_some() && request.parameter(right).is_none() && wants_chat {
            return Some(format!("The parameter is named {right}, not {wrong}."));
        }
    }
    for name in ["chatId", "messageId", "limit"] {
        let value = request.parameter(name).unwrap_or_default();
        if ["%22", "\"", "'", "%27"].iter().any(|quote| value.starts_with(quote)) {
            return Some(format!(
                "{name} has quotes around it: a number in the query is written without them, ?{name}=123"
            ));
        }
    }
    let limit = request.parameter("limit").and_then(|limit| limit.parse::<i64>().ok());
    let most = if request.operation == "getChats" { 20 } else { 100 };
    if limit.is_some_and(|limit| limit > most || limit < 1) {
        return Some(format!(
            "limit is 1 to {most} here: read further pages with pageToken in place of larger ones."
        ));
    }
    if request.reason == "Bad page token" {
        let token = request.parameter("pageToken").or_else(|| request.parameter("page_token"));
        if token.is_some_and(|token| token.starts_with(SAMPLE_TOKEN)) {
            return Some("This is the sample token of the published documentation, not one of yours: leave pageToken out for the first page, then send the result.paging.nextPageToken that came with it.".to_owned());
        }
        return Some("pageToken is result.paging.nextPageToken of the page before, unchanged and percent-encoded, with the same operation, cabinet and chat. Without nextPageToken there is no further page.".to_owned());
    }
    request.reason.contains("X-Business-Id").then(|| {
        "X-Business-Id must be the businessId of the path; it may also be left out.".to_owned()
    })
}

fn of_format(request: &RejectedRequest<'_>) -> Option<String> {
    if request.operation == "sendFileToChat" || request.method == "GET" {
        return None;
    }
    let body = request.body.trim();
    let kind = request.header("content-type").unwrap_or_default();
    if request.reason.contains("Content encoding") {
        return Some(UNCOMPRESSED.to_owned());
    }
    if body.is_empty() {
        return Some("The body is missing: it is JSON and has to be there even if nothing is filtered; {} will do for lists and histories.".to_owned());
    }
    if kind.contains("form") || (!body.starts_with(['{', '[']) && body.contains('=')) {
        return Some("The body is JSON with Content-Type: application/json, not a form (in curl: -H 'Content-Type: application/json' -d '{...}').".to_owned());
    }
    if request.reason.contains("utf-8") {
        return Some(
            "The body is not UTF-8 (windows-1251?): encode it as UTF-8 before it is sent."
                .to_owned(),
        );
    }
    if body.starts_with('"') {
        return Some("The body is a string that holds JSON: it was encoded twice.".to_owned());
    }
    if body.starts_with("{'") {
        return Some(
            "JSON has double quotes: encode the body with a JSON library, not with str()."
                .to_owned(),
        );
    }
    (request.status == 415)
        .then(|| "Send the body as JSON with Content-Type: application/json.".to_owned())
}

fn of_message(body: &Map<String, Value>) -> Option<String> {
    match body.get("message") {
        Some(Value::Object(_) | Value::Array(_)) => {
            return Some(r#"message is a string, not an object: {"message":"Hello"}"#.to_owned());
        }
        Some(Value::String(text)) if text.trim().is_empty() => {
            return Some("The text is empty: a message has 1 to 4096 characters.".to_owned());
        }
        Some(Value::String(text)) if text.chars().count() > 4096 => {
            return Some(
                "The text is too long: split it into messages of at most 4096 characters."
                    .to_owned(),
            );
        }
        Some(Value::String(_)) => return None,
        _ => {}
    }
    let other =
        ["text", "body", "content", "msg", "Message"].into_iter().find(|n| body.contains_key(*n));
    Some(match other {
        Some(name) => {
            format!(r#"The field is named 'message', not '{name}': {{"message":"Hello"}}"#)
        }
        None => r#"The body is {"message":"Hello"}: message is a string and has to be there."#
            .to_owned(),
    })
}

const UNCOMPRESSED: &str =
    "Send the body as it is, without Content-Encoding: compressed requests are not read.";

fn of_file(request: &RejectedRequest<'_>) -> String {
    if request.reason.starts_with("Only one part") {
        return "A message carries one file: send each file with a request of its own.".to_owned();
    }
    if request.reason.contains("Content encoding") {
        return UNCOMPRESSED.to_owned();
    }
    let kind = request.header("content-type").unwrap_or_default();
    if kind.contains("json") || request.body.trim_start().starts_with('{') {
        return "A file is not sent as JSON: send multipart/form-data with one part named file."
            .to_owned();
    }
    if kind.contains("multipart") && !kind.contains("boundary") {
        return "Content-Type has no boundary: let the HTTP library set this header, don't set it by hand.".to_owned();
    }
    "Send multipart/form-data with one part, named file and with a filename, of at most 5 MB (in curl: -F file=@photo.jpg).".to_owned()
}

fn of_new_chat(body: &Map<String, Value>, path: &str) -> Option<String> {
    let context = body.get("context").and_then(Value::as_object);
    if let Some(context) = context {
        if context.get("type").is_some_and(|word| word == "DIRECT") {
            return Some("A direct chat is begun by the buyer only: a shop opens chats about an ORDER or a RETURN.".to_owned());
        }
        if context.get("id").is_some_and(Value::is_string) {
            return Some(
                "context.id is a number: the order's id at Market, not the shop's own number of it."
                    .to_owned(),
            );
        }
        return misspelt(context.get("type"));
    }
    if body.get("orderId").is_some_and(Value::is_string) {
        return Some(
            "The order's id is a number: its id at Market, not the shop's own number of it."
                .to_owned(),
        );
    }
    let form = if path.starts_with("/v2/") {
        r#"Name what the chat is about: {"context":{"type":"ORDER","id":<order id>}}"#
    } else {
        r#"Name the order that the chat is about: {"orderId":<order id>}"#
    };
    Some(form.to_owned())
}

fn of_filter(body: &Map<String, Value>) -> Option<String> {
    for (name, value) in body {
        match value {
            Value::Array(list) if list.is_empty() => {
                return Some(format!("{name} is an empty list: leave it out to see all chats."));
            }
            Value::Array(list) => {
                if let Some(advice) = list.iter().find_map(|word| misspelt(Some(word))) {
                    return Some(advice);
                }
            }
            Value::String(_) | Value::Number(_) => {
                return Some(format!("{name} is a list, also with one value in it: [..]"));
            }
            _ => {}
        }
    }
    None
}

/// Returns a hint for an enum value with extra quotes or in lower case.
fn misspelt(word: Option<&Value>) -> Option<String> {
    let word = word?.as_str()?;
    let trimmed = word.trim().trim_matches(['"', '\'']);
    let uppercase = trimmed.to_uppercase().replace('-', "_");
    if trimmed != word {
        return Some(format!(
            "The word has quotes or blanks inside its quotes: write \"{uppercase}\", quoted once."
        ));
    }
    (uppercase != word)
        .then(|| format!("Words of the API are written in capital letters: {uppercase}."))
}

//! Parses notifications and describes what is invalid.

use std::fmt::Display;

use beseda_api::{BusinessId, ChatId, IdOutOfRange, MessageId, Time, notification::Notification};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::WebhookEvent;

type Fields = Map<String, Value>;

/// Parses a body.
///
/// # Errors
///
/// Returns a description for the sender.
pub(super) fn event(body: Bytes, received_at: Timestamp) -> Result<WebhookEvent, String> {
    let text =
        std::str::from_utf8(&body).map_err(|error| format!("the body is not UTF-8: {error}"))?;
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("the body is not JSON: {error}"))?;
    let Value::Object(fields) = value else {
        return Err("the body must be a JSON object".to_owned());
    };
    let notification_type = match fields.get("notificationType") {
        None | Some(Value::Null) => return Err("notificationType is missing".to_owned()),
        Some(Value::String(word)) if !word.is_empty() => word.clone(),
        Some(_) => return Err("notificationType must be a non-empty string".to_owned()),
    };
    let notification = notification(&notification_type, &fields)?;
    let business = fields.get("businessId").and_then(Value::as_i64);
    let business = business.and_then(|raw| BusinessId::new(raw).ok());
    Ok(WebhookEvent { notification, notification_type, business, body, received_at, source: None })
}

fn notification(kind: &str, fields: &Fields) -> Result<Notification, String> {
    let chat = || id(fields, "chatId", ChatId::new);
    let business = || id(fields, "businessId", BusinessId::new);
    Ok(match kind {
        // Other fields of a `PING` are not validated.
        "PING" => Notification::Ping { time: time(fields, "time").ok() },
        "CHAT_CREATED" => Notification::ChatCreated {
            chat_id: chat()?,
            business_id: business()?,
            created_at: time(fields, "createdAt")?,
        },
        "CHAT_MESSAGE_SENT" => Notification::ChatMessageSent {
            chat_id: chat()?,
            message_id: message(fields)?,
            business_id: business()?,
            sent_at: time(fields, "sentAt")?,
        },
        "CHAT_ARBITRAGE_STARTED" => Notification::ChatArbitrageStarted {
            chat_id: chat()?,
            business_id: business()?,
            started_at: time(fields, "startedAt")?,
        },
        "CHAT_ARBITRAGE_FINISHED" => Notification::ChatArbitrageFinished {
            chat_id: chat()?,
            business_id: business()?,
            finished_at: time(fields, "finishedAt")?,
        },
        _ => Notification::Other,
    })
}

fn field<'a>(fields: &'a Fields, name: &str) -> Result<&'a Value, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(format!("{name} is missing")),
        Some(value) => Ok(value),
    }
}

fn id<T>(
    fields: &Fields,
    name: &str,
    make: impl FnOnce(i64) -> Result<T, IdOutOfRange>,
) -> Result<T, String> {
    let raw = field(fields, name)?.as_i64().ok_or(IdOutOfRange);
    raw.and_then(make).map_err(|error| invalid(name, &error))
}

/// Parses a message id: a string as published, or a number.
fn message(fields: &Fields) -> Result<MessageId, String> {
    let name = "messageId";
    let read = match field(fields, name)? {
        // Only digits: `str::parse` would accept `+7`.
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse(),
        Value::Number(number) => number.as_i64().ok_or(IdOutOfRange).and_then(MessageId::new),
        _ => Err(IdOutOfRange),
    };
    read.map_err(|error| invalid(name, &error))
}

fn time(fields: &Fields, name: &str) -> Result<Time, String> {
    let text = field(fields, name)?.as_str().unwrap_or_default();
    text.parse().map_err(|_| {
        invalid(name, &"expected a date and time with offset, such as 2026-06-01T00:00:00Z")
    })
}

fn invalid(name: &str, reason: &dyn Display) -> String {
    format!("{name} is invalid: {reason}")
}

#[cfg(test)]
mod tests {
    use beseda_api::notification::Notification;
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::event;

    fn read(text: &str) -> Result<super::WebhookEvent, String> {
        event(Bytes::copy_from_slice(text.as_bytes()), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn serialized_notifications_are_parsed() {
        for text in [
            r#"{"notificationType":"PING","time":"2025-01-16T10:09:49.759084017Z"}"#,
            r#"{"notificationType":"CHAT_CREATED","chatId":14604709,"businessId":209888193,"createdAt":"2026-06-01T00:00:00Z"}"#,
            r#"{"notificationType":"CHAT_MESSAGE_SENT","chatId":14604709,"messageId":"1780212617058078","businessId":209888193,"sentAt":"2026-06-01T00:00:00Z"}"#,
            r#"{"notificationType":"CHAT_ARBITRAGE_STARTED","chatId":14604709,"businessId":209888193,"startedAt":"2026-06-02T08:00:00+03:00"}"#,
            r#"{"notificationType":"CHAT_ARBITRAGE_FINISHED","chatId":14604709,"businessId":209888193,"finishedAt":"2026-06-03T08:00:00Z"}"#,
        ] {
            let found = read(text).unwrap();
            let known: Notification = serde_json::from_str(text).unwrap();
            assert_eq!(found.notification, known);
            assert_eq!(serde_json::to_value(known).unwrap(), found.json());
        }
    }

    #[test]
    fn the_error_of_an_invalid_body_names_the_field() {
        let sent = r#"{"notificationType":"CHAT_MESSAGE_SENT","chatId":1,"businessId":2"#;
        let with = |rest: &str| format!("{sent},{rest}}}");
        for (text, wanted) in [
            ("", "not JSON"),
            ("{", "not JSON"),
            ("[]", "JSON object"),
            ("\"PING\"", "JSON object"),
            ("{}", "notificationType is missing"),
            (r#"{"notificationType":7}"#, "notificationType must be a non-empty string"),
            (r#"{"notificationType":""}"#, "notificationType must be a non-empty string"),
            (r#"{"notificationType":"CHAT_CREATED"}"#, "chatId is missing"),
            (r#"{"notificationType":"CHAT_CREATED","chatId":1.5}"#, "chatId is invalid"),
            (r#"{"notificationType":"CHAT_CREATED","chatId":"1"}"#, "chatId is invalid"),
            (
                r#"{"notificationType":"CHAT_CREATED","chatId":1,"businessId":0}"#,
                "businessId is invalid",
            ),
            (&with(r#""sentAt":"2026-06-01T00:00:00Z""#), "messageId is missing"),
            (&with(r#""messageId":"""#), "messageId is invalid"),
            (&with(r#""messageId":"+7""#), "messageId is invalid"),
            (&with(r#""messageId":"9223372036854775808""#), "messageId is invalid"),
            (&with(r#""messageId":-7"#), "messageId is invalid"),
            (&with(r#""messageId":"7","sentAt":null"#), "sentAt is missing"),
            (&with(r#""messageId":"7","sentAt":1780212617"#), "sentAt is invalid"),
            (&with(r#""messageId":"7","sentAt":"2026-06-01T00:00:00""#), "sentAt is invalid"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(read(&deep).unwrap_err().contains("not JSON"));
    }

    #[test]
    fn unknown_fields_and_types_are_accepted() {
        let found = read(
            r#"{"notificationType":"ORDER_CREATED","campaignId":5,"orderId":7,"businessId":3}"#,
        )
        .unwrap();
        assert_eq!(found.notification, Notification::Other);
        assert_eq!(found.notification_type, "ORDER_CREATED");
        assert_eq!(found.business.unwrap().get(), 3);
        assert_eq!(found.json()["orderId"], 7);
        let more = r#"{"notificationType":"CHAT_CREATED","chatId":1,"businessId":2,"createdAt":"2026-06-01T00:00:00Z","more":{}}"#;
        assert!(read(more).is_ok());
        assert!(read(r#"{"notificationType":"PING","time":7}"#).is_ok());
    }
}

//! JSON of a history page, written field by field: serde spends a third of the whole request on
//! field names alone.

use beseda_api::{Error, FullContext, Message, MessagePage, OrderId, Paging, Result};
use serde::Serialize;

/// Buffer size that avoids reallocation for most pages: 50 messages take about 15 KB, and the
/// string serializer reserves for the worst case.
const ROOM: usize = 24 * 1024;

/// Fields of a page to send: 2024 responses have no context, and a setting omits the order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HistoryView<'a> {
    pub(crate) order_id: Option<OrderId>,
    pub(crate) context: Option<&'a FullContext>,
    pub(crate) messages: &'a [Message],
    pub(crate) paging: &'a Paging,
}

impl<'a> HistoryView<'a> {
    /// Selects all fields of the page.
    pub(crate) fn whole(page: &'a MessagePage) -> Self {
        // Destructured by name so that a new field can't be forgotten.
        let MessagePage { order_id, context, messages, paging } = page;
        Self { order_id: *order_id, context: Some(context), messages, paging }
    }
}

/// Serializes the page in its envelope, byte for byte as serde would.
pub(crate) fn history(page: &HistoryView<'_>) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(ROOM);
    out.extend_from_slice(br#"{"status":"OK","result":{"#);
    if let Some(order) = page.order_id {
        out.extend_from_slice(br#""orderId":"#);
        number(&mut out, order.get());
        out.push(b',');
    }
    if let Some(context) = page.context {
        out.extend_from_slice(br#""context":"#);
        value(&mut out, context)?;
        out.push(b',');
    }
    out.extend_from_slice(br#""messages":["#);
    for (place, written) in page.messages.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        message(&mut out, written)?;
    }
    out.extend_from_slice(br#"],"paging":"#);
    value(&mut out, page.paging)?;
    out.extend_from_slice(b"}}");
    Ok(out)
}

fn message(out: &mut Vec<u8>, message: &Message) -> Result<()> {
    // Destructured by name so that a new field can't be forgotten.
    let Message { message_id, created_at, sender, message, payload } = message;
    out.extend_from_slice(br#"{"messageId":"#);
    number(out, message_id.get());
    out.extend_from_slice(br#","createdAt":""#);
    created_at.write_to(out);
    out.extend_from_slice(br#"","sender":"#);
    value(out, sender.as_str())?;
    if let Some(text) = message {
        out.extend_from_slice(br#","message":"#);
        value(out, text.as_str())?;
    }
    if let Some(files) = payload {
        out.extend_from_slice(br#","payload":"#);
        value(out, files.as_slice())?;
    }
    out.push(b'}');
    Ok(())
}

fn number(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn value<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<()> {
    sonic_rs::to_writer(out, value).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use beseda_api::{MessagePage, wire::Envelope};
    use serde_json::Value;

    use super::HistoryView;

    #[test]
    fn a_page_is_written_as_serde_would_write_it() {
        let text = "\\u0000\\u001f\\\"\\\\ ё🙂\\u2028</script>";
        let context = r#"{"type":"ORDER","customer":{"name":"И\"в","publicId":"a"},"campaignId":2,"orderId":5}"#;
        for (order, messages, paging) in [
            (r#""orderId":5,"#, String::new(), r#"{}"#),
            ("", r#"{"messageId":1,"createdAt":"2026-05-31T10:30:17+03:00","sender":"CUSTOMER"}"#.to_owned(), r#"{"nextPageToken":"a\"b"}"#),
            (
                r#""orderId":9223372036854775807,"#,
                [
                    format!(r#"{{"messageId":1780212617058078,"createdAt":"2026-05-31T10:30:17.058078+03:00","sender":"PARTNER","message":"{text}"}}"#),
                    r#"{"messageId":2,"createdAt":"2026-01-16T10:09:49.759084017Z","sender":"ROBOT \"X\"","message":"да","payload":[{"name":"ф\".jpg","url":"https://a/b","size":7},{"name":"","url":"u","size":-1}]}"#.to_owned(),
                ].join(","),
                r#"{}"#,
            ),
        ] {
            let body = format!(r#"{{{order}"context":{context},"messages":[{messages}],"paging":{paging}}}"#);
            let page: MessagePage = serde_json::from_str(&body).unwrap();
            let written = super::history(&HistoryView::whole(&page)).unwrap();
            let written = String::from_utf8(written).unwrap();
            assert_eq!(written, sonic_rs::to_string(&Envelope::ok(&page)).unwrap());
            let read: Envelope<MessagePage> = serde_json::from_str(&written).unwrap();
            assert_eq!(read.result.as_ref(), Some(&page));

            let without = HistoryView { context: None, ..HistoryView::whole(&page) };
            let bare: Value =
                serde_json::from_slice(&super::history(&without).unwrap()).unwrap();
            let mut expected: Value = serde_json::from_str(&written).unwrap();
            expected["result"].as_object_mut().unwrap().remove("context");
            assert_eq!(bare, expected);
        }
    }
}

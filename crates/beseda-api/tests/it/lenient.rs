//! What a client must survive: answers of 2024, `null` for absent, unknown fields and unknown words.
//! What a server must refuse is tested with the wire types' `read` functions at the end.

use beseda_api::{
    Chat, ChatPage, ChatStatus, ChatType, ContextType, ErrorKind, Message, MessagePage, OrderId,
    notification::Notification,
    wire::{CreateChat, Envelope, ErrorResponse, GetChatHistory, GetChats, SendMessage, Status},
};

fn decode<T: serde::de::DeserializeOwned>(body: &str) -> T {
    serde_json::from_str(body).unwrap_or_else(|e| panic!("{body}: {e}"))
}

#[test]
fn a_chat_of_2024_has_the_context_of_its_order() {
    let chat: Chat = decode(
        r#"{"chatId":7,"orderId":123456789,"type":"CHAT","status":"NEW",
            "createdAt":"2024-09-10T12:00:00+03:00","updatedAt":"2024-09-10T12:00:00+03:00"}"#,
    );
    assert_eq!(chat.context.context_type, ContextType::Order);
    assert_eq!(chat.context.order_id, OrderId::new(123_456_789).ok());
    assert_eq!(chat.order_id, chat.context.order_id);
}

#[test]
fn a_page_of_chats_of_2024_decodes_without_status_and_paging() {
    for paging in ["", r#","paging":null"#, r#","paging":{}"#, r#","paging":{"nextPageToken":""}"#]
    {
        let answer: Envelope<ChatPage> = decode(&format!(
            r#"{{"result":{{"chats":[{{"chatId":7,"orderId":1,"type":"CHAT","status":"NEW",
                "createdAt":"2024-09-10T12:00:00+03:00","updatedAt":"2024-09-10T12:00:00+03:00"}}]{paging}}}}}"#
        ));
        let page = answer.result.unwrap();
        assert_eq!((page.chats.len(), page.paging.next_page_token), (1, None));
    }
}

#[test]
fn a_history_of_2024_has_the_context_of_its_order() {
    let page: MessagePage = decode(
        r#"{"orderId":5,"messages":[{"messageId":1,"createdAt":"2024-09-10T12:00:00+03:00",
            "sender":"CUSTOMER","message":"Где заказ?","payload":null}]}"#,
    );
    assert_eq!(page.context.context_type, ContextType::Order);
    assert_eq!(page.context.order_id.map(OrderId::get), Some(5));
    assert_eq!(page.messages[0].message.as_deref(), Some("Где заказ?"));
    assert_eq!(page.messages[0].payload, None);
}

#[test]
fn unknown_words_and_fields_of_a_later_year_are_kept_or_passed_over() {
    let chat: Chat = decode(
        r#"{"chatId":7,"context":{"type":"GIFT","customer":null,"wrapped":true},"type":"VIDEO",
            "status":"SNOOZED","createdAt":"2027-01-01T00:00:00Z","updatedAt":"2027-01-01T00:00:00.123Z","unread":3}"#,
    );
    assert_eq!(chat.context.context_type, ContextType::Unknown("GIFT".into()));
    assert_eq!(chat.chat_type, ChatType::Unknown("VIDEO".into()));
    assert_eq!(chat.status, ChatStatus::Unknown("SNOOZED".into()));
    let encoded = serde_json::to_value(&chat).unwrap();
    assert_eq!(encoded["status"], "SNOOZED");
    assert_eq!(encoded["updatedAt"], "2027-01-01T00:00:00.123Z");
}

#[test]
fn an_attachment_without_a_name_decodes() {
    let message: Message = decode(
        r#"{"messageId":1,"createdAt":"2026-01-01T00:00:00Z","sender":"CUSTOMER",
            "payload":[{"url":"https://files.example/a","size":1},{"name":"","url":"https://files.example/b","size":2}]}"#,
    );
    let names: Vec<String> =
        message.payload.unwrap().into_iter().map(|attachment| attachment.name).collect();
    assert_eq!(names, ["", ""]);
}

#[test]
fn a_failure_with_null_errors_or_without_status_still_decodes() {
    let failure: ErrorResponse = decode(r#"{"status":"ERROR","errors":null}"#);
    assert_eq!((failure.status, failure.errors.len()), (Status::Error, 0));
    let failure: ErrorResponse = decode(r#"{"errors":[{"code":"SOMETHING_NEW","message":null}]}"#);
    assert_eq!(failure.errors[0].message, None);
}

#[test]
fn a_notification_of_an_unknown_type_is_other_and_not_a_failure() {
    for kind in ["ORDER_CREATED", "GOODS_FEEDBACK_CREATED", "SOMETHING_OF_2030"] {
        let body = format!(r#"{{"notificationType":"{kind}","orderId":1,"createdAt":"x"}}"#);
        assert_eq!(decode::<Notification>(&body), Notification::Other);
    }
}

#[test]
fn a_message_id_in_a_notification_may_be_a_text_or_a_number() {
    let of = |id: &str| {
        decode::<Notification>(&format!(
            r#"{{"notificationType":"CHAT_MESSAGE_SENT","chatId":1,"messageId":{id},"businessId":2,"sentAt":"2026-06-01T00:00:00Z"}}"#
        ))
    };
    assert_eq!(of("1780212617058078"), of(r#""1780212617058078""#));
}

#[test]
fn null_lists_filter_nothing_and_duplicates_are_taken() {
    let body = r#"{"orderIds":null,"contexts":null,"contextTypes":null,"types":null,"statuses":["NEW","NEW"]}"#;
    let filter = decode::<GetChats>(body).into_filter().unwrap();
    assert!(filter.order_ids.is_empty() && filter.contexts.is_empty());
    assert!(filter.context_types.is_empty() && filter.types.is_empty());
    assert_eq!(filter.statuses, [ChatStatus::New, ChatStatus::New]);
}

#[test]
fn a_filter_with_an_empty_list_an_unknown_word_or_an_id_below_one_is_refused() {
    for (body, text) in [
        (r#"{"types":[]}"#, "types size must be between 1 and 2147483647 (rejected size: 0)"),
        (r#"{"orderIds":[]}"#, "orderIds size must be between 1 and 2147483647 (rejected size: 0)"),
        (r#"{"statuses":["NEW","OLD"]}"#, "Illegal input at 'statuses[1]'"),
        (r#"{"contextTypes":["GIFT"]}"#, "Illegal input at 'contextTypes[0]'"),
        (r#"{"contexts":[{"type":"DIRECT","id":1}]}"#, "Illegal input at 'contexts[0].type'"),
        (r#"{"contexts":[{"id":1}]}"#, "contexts[0].type must not be null (rejected value: null)"),
        (
            r#"{"contexts":[{"type":"ORDER","id":0}]}"#,
            "contexts[0].id must be greater than or equal to 1 (rejected value: 0)",
        ),
        (
            r#"{"orderIds":[1,-2]}"#,
            "orderIds[1] must be greater than or equal to 1 (rejected value: -2)",
        ),
    ] {
        let refused = decode::<GetChats>(body).into_filter().unwrap_err();
        assert_eq!(refused.kind(), Some(ErrorKind::BadRequest), "{body}");
        assert_eq!(refused.to_string(), text, "{body}");
    }
}

#[test]
fn a_new_chat_takes_its_context_before_its_order_and_needs_one_of_them() {
    let both = r#"{"orderId":1,"context":{"type":"RETURN","id":77}}"#;
    assert_eq!(decode::<CreateChat>(both).parse().unwrap().id(), 77);
    let refused = decode::<CreateChat>("{}").parse().unwrap_err();
    assert_eq!(refused.to_string(), "context must not be null (rejected value: null)");
    assert!(decode::<CreateChat>(r#"{"orderId":0}"#).parse().is_err());
}

#[test]
fn a_body_without_its_required_value_is_refused() {
    let refused = decode::<SendMessage>("{}").parse().unwrap_err();
    assert_eq!(refused.to_string(), "message must not be null (rejected value: null)");
    let refused = decode::<GetChatHistory>(r#"{"messageIdFrom":0}"#).parse().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "messageIdFrom must be greater than or equal to 1 (rejected value: 0)"
    );
}

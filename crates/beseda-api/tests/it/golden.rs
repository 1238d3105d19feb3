//! Every documented JSON example decodes into its type and encodes back unchanged.
//! The files hold the examples as published; nothing here composes bodies.

use std::{collections::BTreeSet, fs, path::PathBuf};

use beseda_api::{
    CampaignList, Chat, ChatPage, Message, MessagePage,
    notification::{Notification, Receipt, Rejection},
    wire::{
        AuthTokenInfo, CreateChat, CreatedChat, Envelope, ErrorResponse, GetChatHistory, GetChats,
        SendMessage,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}

fn comes_back_unchanged<T: Serialize + DeserializeOwned>(file: &str) {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let decoded: T =
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{file} does not decode: {e}"));
    let encoded = serde_json::to_value(&decoded).unwrap();
    assert_eq!(encoded, written, "{file}");
    assert!(!has_null(&encoded), "{file} encodes with a null");
    // Once more through text and a tree: the two ways of decoding must not differ.
    let again: T = serde_json::from_value(encoded).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), written, "{file} by way of a tree");
}

/// One test per file, and the list of all of them.
macro_rules! golden {
    ($($name:ident: $type:ty = $file:literal;)+) => {
        $(
            #[test]
            fn $name() {
                comes_back_unchanged::<$type>($file);
            }
        )+

        const FILES: &[&str] = &[$($file),+];
    };
}

golden! {
    get_chats_request_of_2024: GetChats = "getChats.request.2024.json";
    get_chats_request_of_2026: GetChats = "getChats.request.2026.json";
    get_chats_request_for_waiting_ones: GetChats = "getChats.request.waiting.json";
    get_chats_request_for_all: GetChats = "getChats.request.all.json";
    get_chats_response: Envelope<ChatPage> = "getChats.response.json";
    get_chats_response_without_chats: Envelope<ChatPage> = "getChats.response.none.json";
    get_chat_response: Envelope<Chat> = "getChat.response.json";
    get_chat_response_for_a_direct_question: Envelope<Chat> = "getChat.response.direct.json";
    get_chat_history_request_for_all: GetChatHistory = "getChatHistory.request.all.json";
    get_chat_history_request_from_a_message: GetChatHistory = "getChatHistory.request.from.json";
    get_chat_history_response: Envelope<MessagePage> = "getChatHistory.response.json";
    get_chat_message_response: Envelope<Message> = "getChatMessage.response.json";
    get_chat_message_response_for_a_sticker: Envelope<Message> = "getChatMessage.response.sticker.json";
    create_chat_request_by_context: CreateChat = "createChat.request.context.json";
    create_chat_request_by_order: CreateChat = "createChat.request.order.json";
    create_chat_response: Envelope<CreatedChat> = "createChat.response.json";
    send_message_to_chat_request: SendMessage = "sendMessageToChat.request.json";
    send_message_to_chat_response: Envelope<()> = "sendMessageToChat.response.json";
    send_file_to_chat_response: Envelope<()> = "sendFileToChat.response.json";
    get_campaigns_response: CampaignList = "getCampaigns.response.json";
    get_auth_token_info_response: Envelope<AuthTokenInfo> = "getAuthTokenInfo.response.json";
    error_401: ErrorResponse = "error.401.json";
    error_420: ErrorResponse = "error.420.json";
    error_without_a_message: ErrorResponse = "error.bare.json";
    notification_ping: Notification = "notification.ping.json";
    notification_ping_without_time: Notification = "notification.ping.bare.json";
    notification_chat_created: Notification = "notification.chatCreated.json";
    notification_chat_message_sent: Notification = "notification.chatMessageSent.json";
    notification_chat_arbitrage_started: Notification = "notification.chatArbitrageStarted.json";
    notification_chat_arbitrage_finished: Notification = "notification.chatArbitrageFinished.json";
    receipt: Receipt = "receipt.json";
    rejection: Rejection = "rejection.json";
    rejection_without_reason: Rejection = "rejection.bare.json";
}

#[test]
fn no_golden_file_is_left_unread() {
    let listed: BTreeSet<String> = FILES.iter().map(|file| (*file).to_owned()).collect();
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(listed, there);
}

//! Envelope, queries and bodies on the wire: the client serializes them, the server extracts and
//! validates them.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    ApiErrorItem, ChatContext, ChatFilter, ChatId, ChatStatus, ChatType, ContextType, Error,
    MessageId, MessageText, OrderId, Result, ReturnId, Scope, json_object::json_object,
};

/// Status of a response.
///
/// ```
/// use beseda_api::wire::Status;
///
/// assert_eq!(serde_json::from_str::<Status>(r#""OK""#)?, Status::Ok);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Success.
    #[default]
    Ok,
    /// Error.
    Error,
}

/// Response (published as `ApiResponse` with a `result`).
///
/// ```
/// use beseda_api::{ChatId, wire::{CreatedChat, Envelope}};
///
/// let response = Envelope::ok(CreatedChat { chat_id: ChatId::new(9)? });
/// assert_eq!(serde_json::to_string(&response)?, r#"{"status":"OK","result":{"chatId":9}}"#);
/// assert_eq!(serde_json::to_string(&Envelope::empty())?, r#"{"status":"OK"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// Status; optional before October 2025.
    #[serde(default)]
    pub status: Status,
    /// Result; absent from responses to a send.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub result: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

impl<T> Envelope<T> {
    /// Creates a success with a result.
    pub const fn ok(result: T) -> Self {
        Self { status: Status::Ok, result: Some(result) }
    }
}

impl Envelope<()> {
    /// Creates a success without a result (published as `EmptyApiResponse`).
    #[must_use]
    pub const fn empty() -> Self {
        Self { status: Status::Ok, result: None }
    }
}

/// Error response (published as `ApiErrorResponse`).
///
/// ```
/// use beseda_api::{Error, wire::ErrorResponse};
///
/// let response = ErrorResponse::new(Error::bad_page_token().items().to_vec());
/// let body = r#"{"status":"ERROR","errors":[{"code":"BAD_REQUEST","message":"Bad page token"}]}"#;
/// assert_eq!(serde_json::to_string(&response)?, body);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorResponse {
    /// Always `ERROR`.
    #[serde(default)]
    pub status: Status,
    /// Reasons, at least one.
    #[serde(default, deserialize_with = "null_is_default")]
    pub errors: Vec<ApiErrorItem>,
}

impl ErrorResponse {
    /// Creates an error response with these reasons.
    #[must_use]
    pub fn new(errors: Vec<ApiErrorItem>) -> Self {
        Self { status: Status::Error, errors }
    }
}

/// Deserializes `null` as the type's default, as in old responses.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Order or return in a request (published as `ChatContextDTO`).
///
/// ```
/// use beseda_api::wire::ContextRef;
///
/// let context: ContextRef = serde_json::from_str(r#"{"type":"ORDER","id":0}"#)?;
/// let error = context.parse("context").unwrap_err();
/// let text = "context.id must be greater than or equal to 1 (rejected value: 0)";
/// assert_eq!(error.to_string(), text);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(remote = "Self")]
pub struct ContextRef {
    /// `ORDER` or `RETURN`; `DIRECT` has no id.
    #[serde(rename = "type")]
    pub context_type: Option<ContextType>,
    /// Id of the order or return, at least 1.
    pub id: Option<i64>,
}

json_object! { ContextRef }

impl ContextRef {
    /// Validates the context; `path` is its place in the body, for the error text.
    ///
    /// # Errors
    ///
    /// 400 that names the field.
    pub fn parse(&self, path: &str) -> Result<ChatContext> {
        let kind = self.context_type.as_ref();
        let kind = kind.ok_or_else(|| Error::null_field(&format!("{path}.type")))?;
        if !matches!(kind, ContextType::Order | ContextType::Return) {
            return Err(Error::illegal_input(&format!("{path}.type")));
        }
        let raw = self.id.ok_or_else(|| Error::null_field(&format!("{path}.id")))?;
        if raw < 1 {
            return Err(below_one(&format!("{path}.id"), raw));
        }
        Ok(match kind {
            ContextType::Order => ChatContext::Order(order_id(raw, path)?),
            _ => ChatContext::Return(ReturnId::new(raw).map_err(|_| below_one(path, raw))?),
        })
    }
}

impl From<ChatContext> for ContextRef {
    fn from(context: ChatContext) -> Self {
        Self { context_type: Some(context.context_type()), id: Some(context.id()) }
    }
}

/// Creates the 400 for an id below 1.
fn below_one(field: &str, raw: i64) -> Error {
    Error::bad_request(format!(
        "{field} must be greater than or equal to 1 (rejected value: {raw})"
    ))
}

fn order_id(raw: i64, field: &str) -> Result<OrderId> {
    OrderId::new(raw).map_err(|_| below_one(field, raw))
}

/// Body of getChats (published as `GetChatsRequest`).
///
/// ```
/// use beseda_api::{ChatStatus, wire::GetChats};
///
/// let body: GetChats = serde_json::from_str(r#"{"statuses":["NEW"]}"#)?;
/// assert_eq!(body.into_filter()?.statuses, [ChatStatus::New]);
/// let body: GetChats = serde_json::from_str(r#"{"statuses":["SLEEPING"]}"#)?;
/// assert!(body.into_filter().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetChats {
    /// Orders; deprecated in favour of `contexts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub order_ids: Option<Vec<i64>>,
    /// Orders and returns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub contexts: Option<Vec<ContextRef>>,
    /// Context types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub context_types: Option<Vec<ContextType>>,
    /// Chat types.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub types: Option<Vec<ChatType>>,
    /// Statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 1))]
    pub statuses: Option<Vec<ChatStatus>>,
}

impl GetChats {
    /// Validates the body and returns the filter.
    ///
    /// # Errors
    ///
    /// 400 that names the field: an empty list, an unknown value, an id below 1.
    pub fn into_filter(self) -> Result<ChatFilter> {
        let mut filter = ChatFilter::default();
        for (i, raw) in listed(self.order_ids, "orderIds")?.into_iter().enumerate() {
            filter.order_ids.push(order_id(raw, &format!("orderIds[{i}]"))?);
        }
        for (i, context) in listed(self.contexts, "contexts")?.iter().enumerate() {
            filter.contexts.push(context.parse(&format!("contexts[{i}]"))?);
        }
        filter.context_types = listed(self.context_types, "contextTypes")?;
        filter.types = listed(self.types, "types")?;
        filter.statuses = listed(self.statuses, "statuses")?;
        known(&filter.context_types, ContextType::is_known, "contextTypes")?;
        known(&filter.types, ChatType::is_known, "types")?;
        known(&filter.statuses, ChatStatus::is_known, "statuses")?;
        Ok(filter)
    }
}

impl From<ChatFilter> for GetChats {
    fn from(filter: ChatFilter) -> Self {
        fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
            (!list.is_empty()).then_some(list)
        }
        Self {
            order_ids: some(filter.order_ids.into_iter().map(OrderId::get).collect()),
            contexts: some(filter.contexts.into_iter().map(ContextRef::from).collect()),
            context_types: some(filter.context_types),
            types: some(filter.types),
            statuses: some(filter.statuses),
        }
    }
}

fn listed<T>(list: Option<Vec<T>>, field: &str) -> Result<Vec<T>> {
    match list {
        Some(list) if list.is_empty() => Err(Error::bad_request(format!(
            "{field} size must be between 1 and {} (rejected size: 0)",
            i32::MAX
        ))),
        list => Ok(list.unwrap_or_default()),
    }
}

fn known<T>(list: &[T], is_known: fn(&T) -> bool, field: &str) -> Result<()> {
    match list.iter().position(|word| !is_known(word)) {
        Some(i) => Err(Error::illegal_input(&format!("{field}[{i}]"))),
        None => Ok(()),
    }
}

/// Body of getChatHistory (published as `GetChatHistoryRequest`).
///
/// ```
/// use beseda_api::{MessageId, wire::GetChatHistory};
///
/// let body: GetChatHistory = serde_json::from_str(r#"{"messageIdFrom":7}"#)?;
/// assert_eq!(body.parse()?, Some(MessageId::new(7)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GetChatHistory {
    /// First message to return, inclusive, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, nullable = false))]
    pub message_id_from: Option<i64>,
}

impl GetChatHistory {
    /// Validates the body and returns the first message.
    ///
    /// # Errors
    ///
    /// 400 below 1.
    pub fn parse(&self) -> Result<Option<MessageId>> {
        let read = |raw| MessageId::new(raw).map_err(|_| below_one("messageIdFrom", raw));
        self.message_id_from.map(read).transpose()
    }
}

/// Body of createChat (published as `CreateChatRequest`).
///
/// ```
/// use beseda_api::{ChatContext, OrderId, wire::CreateChat};
///
/// let body: CreateChat = serde_json::from_str(r#"{"context":{"type":"ORDER","id":42}}"#)?;
/// assert_eq!(body.parse()?, ChatContext::Order(OrderId::new(42)?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreateChat {
    /// Order or return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextRef>,
    /// Order; deprecated in favour of `context`, which takes precedence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub order_id: Option<i64>,
}

impl CreateChat {
    /// Validates the body and returns the context.
    ///
    /// # Errors
    ///
    /// 400 if the context is missing or invalid.
    pub fn parse(&self) -> Result<ChatContext> {
        match (&self.context, self.order_id) {
            (Some(context), _) => context.parse("context"),
            (None, Some(raw)) => order_id(raw, "orderId").map(ChatContext::Order),
            (None, None) => Err(Error::null_field("context")),
        }
    }
}

/// Result of createChat (published as `CreateChatResultDTO`).
///
/// ```
/// use beseda_api::wire::CreatedChat;
///
/// let created: CreatedChat = serde_json::from_str(r#"{"chatId":9}"#)?;
/// assert_eq!(created.chat_id.get(), 9);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatedChat {
    /// Chat id, new or existing.
    pub chat_id: ChatId,
}

/// Body of sendMessageToChat (published as `SendMessageToChatRequest`).
///
/// ```
/// use beseda_api::wire::SendMessage;
///
/// let body: SendMessage = serde_json::from_str(r#"{"message":"Здравствуйте!"}"#)?;
/// assert_eq!(body.parse()?.as_str(), "Здравствуйте!");
/// assert!(SendMessage { message: None }.parse().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendMessage {
    /// Text, 1 to 4096 code points.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(required = true, min_length = 1, max_length = 4096, nullable = false)
    )]
    pub message: Option<String>,
}

impl SendMessage {
    /// Validates the body and returns the text.
    ///
    /// # Errors
    ///
    /// 400 if the text is missing or invalid.
    pub fn parse(self) -> Result<MessageText> {
        MessageText::new(self.message.ok_or_else(|| Error::null_field("message"))?)
    }
}

/// Result of getAuthTokenInfo (published as `TokenDTO`).
///
/// ```
/// use beseda_api::wire::AuthTokenInfo;
///
/// let body = r#"{"apiKey":{"name":"bot","authScopes":["COMMUNICATION"]}}"#;
/// let info: AuthTokenInfo = serde_json::from_str(body)?;
/// assert_eq!(info.api_key.name, "bot");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthTokenInfo {
    /// Information about the key.
    pub api_key: AuthKey,
}

/// Information about an Api-Key (published as `ApiKeyDTO`).
///
/// ```
/// use beseda_api::{Endpoint, Scope, wire::AuthKey};
///
/// let key = AuthKey { name: "bot".to_owned(), auth_scopes: vec![Scope::Communication] };
/// let scopes = Endpoint::SEND_MESSAGE_TO_CHAT.scopes;
/// assert!(key.auth_scopes.iter().any(|scope| scopes.contains(scope)), "may send");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthKey {
    /// Name, 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 100))]
    pub name: String,
    /// Scopes.
    pub auth_scopes: Vec<Scope>,
}

//! The seven operations over HTTP, and the two others that a chat client needs.

use std::collections::HashSet;

use async_trait::async_trait;
use beseda_api::{
    BusinessId, Campaign, CampaignList, Chat, ChatContext, ChatFilter, ChatId, ChatPage, ChatsApi,
    Endpoint, FileUpload, Generation, HistoryFrom, Message, MessageId, MessagePage, MessageText,
    Method, PageRequest, PageToken, Result,
    wire::{
        AuthKey, AuthTokenInfo, CreateChat, CreatedChat, GetChatHistory, GetChats, SendMessage,
    },
};
use reqwest::header::HeaderValue;

use crate::{
    ClientBuilder, ClientError, Priority, RateLimiter, RetryPolicy,
    http::{HttpRequest, HttpTransport},
};

/// Client of the Chats API. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: HttpTransport,
    pub(crate) generation: Generation,
    /// Origins that receive the credential when attachments are downloaded, besides the service's
    /// own.
    pub(crate) trusted: Vec<url::Origin>,
    pub(crate) file_token: Option<HeaderValue>,
    pub(crate) max_download: u64,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("url", &self.transport.base.as_str()).field("generation", &self.generation);
        shown.finish_non_exhaustive()
    }
}

impl Client {
    /// Returns a builder.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Returns every campaign (shop) of the credential, from all pages. Use it to find the
    /// cabinet's id.
    ///
    /// # Errors
    ///
    /// As any operation.
    pub async fn campaigns(&self) -> Result<Vec<Campaign>> {
        let mut all = Vec::new();
        let (mut token, mut number) = (None::<PageToken>, None::<i32>);
        let mut seen = HashSet::new();
        loop {
            let limit = (self.generation == Generation::Y2026).then_some(100);
            let call = self
                .call(&Endpoint::GET_CAMPAIGNS, None)
                .query("limit", limit)
                .query(self.token_name(), token.as_ref().map(PageToken::as_str))
                .query("page", number);
            let page: CampaignList = self.transport.bare(&call).await?;
            all.extend(page.campaigns);
            match (page.paging.next_page_token, page.pager) {
                (Some(next), _) if !seen.insert(next.clone()) => {
                    return Err(ClientError::EndlessPages.into());
                }
                (Some(next), _) => (token, number) = (Some(next), None),
                // Older form of paging, by page number.
                (None, Some(pager)) if token.is_none() => {
                    let current = number.unwrap_or(1);
                    if current >= pager.pages_count {
                        return Ok(all);
                    }
                    number = Some(current + 1);
                }
                _ => return Ok(all),
            }
        }
    }

    /// Returns name and scopes of the Api-Key. OAuth tokens have neither.
    ///
    /// # Errors
    ///
    /// As any operation.
    pub async fn token_info(&self) -> Result<AuthKey> {
        let call = self.call(&Endpoint::GET_AUTH_TOKEN_INFO, None).read_only();
        let info: AuthTokenInfo = self.transport.result(&call).await?;
        Ok(info.api_key)
    }

    /// Returns the same client with background priority: its calls yield to all others of the same
    /// rate limiter and leave them a slot and a part of each hourly limit
    /// ([`RateLimiter::reserve`]).
    #[must_use]
    pub fn background(&self) -> Self {
        self.with_priority(Priority::Background)
    }

    /// Returns the same client with this priority.
    #[must_use]
    pub fn with_priority(&self, priority: Priority) -> Self {
        let mut other = self.clone();
        if let Some(rate_limit) = &mut other.transport.rate_limit {
            rate_limit.priority = priority;
        }
        other
    }

    /// Returns the same client with another retry policy.
    #[must_use]
    pub fn with_retry_policy(&self, retry_policy: RetryPolicy) -> Self {
        let mut other = self.clone();
        other.transport.retry_policy = retry_policy;
        other
    }

    /// Returns the rate limiter, or `None` if it is [disabled](ClientBuilder::without_rate_limit).
    #[must_use]
    pub fn rate_limiter(&self) -> Option<&RateLimiter> {
        self.transport.rate_limit.as_ref().map(|rate_limit| &rate_limit.rate_limiter)
    }

    fn call(&self, endpoint: &Endpoint, business: Option<BusinessId>) -> HttpRequest {
        let path = endpoint.request_path(self.generation, business);
        let call = match endpoint.method {
            Method::Get => HttpRequest::get(path),
            Method::Post => HttpRequest::post(path),
        };
        call.counted(endpoint, business)
    }

    fn token_name(&self) -> &'static str {
        match self.generation {
            Generation::Y2024 => "page_token",
            Generation::Y2026 => "pageToken",
        }
    }

    /// Adds the page to the request.
    fn page<const MAX: u32>(&self, call: HttpRequest, page: &PageRequest<MAX>) -> HttpRequest {
        call.query("limit", page.limit.map(|limit| limit.get()))
            .query(self.token_name(), page.token.as_ref().map(PageToken::as_str))
    }

    /// Converts the context to the client's API version; that of 2024 knows only orders.
    fn creation(&self, context: ChatContext) -> CreateChat {
        match (self.generation, context) {
            (Generation::Y2024, ChatContext::Order(order)) => {
                CreateChat { order_id: Some(order.get()), context: None }
            }
            _ => CreateChat { order_id: None, context: Some(context.into()) },
        }
    }

    /// Converts the filter to the client's API version.
    fn filter(&self, mut filter: ChatFilter) -> GetChats {
        let order = |context: &ChatContext| match context {
            ChatContext::Order(order) => Some(*order),
            ChatContext::Return(_) => None,
        };
        if self.generation == Generation::Y2024 && filter.order_ids.is_empty() {
            let orders: Option<Vec<_>> = filter.contexts.iter().map(order).collect();
            if let Some(orders) = orders {
                filter.order_ids = orders;
                filter.contexts.clear();
            }
        }
        filter.into()
    }
}

#[async_trait]
impl ChatsApi for Client {
    async fn get_chats(
        &self,
        business: BusinessId,
        filter: ChatFilter,
        page: PageRequest<20>,
    ) -> Result<ChatPage> {
        let call = self.page(self.call(&Endpoint::GET_CHATS, Some(business)), &page);
        self.transport.result(&call.json(&self.filter(filter))?.read_only()).await
    }

    async fn get_chat(&self, business: BusinessId, chat: ChatId) -> Result<Chat> {
        let call = self.call(&Endpoint::GET_CHAT, Some(business)).query("chatId", Some(chat));
        self.transport.result(&call).await
    }

    async fn get_chat_history(
        &self,
        business: BusinessId,
        chat: ChatId,
        from: HistoryFrom,
    ) -> Result<MessagePage> {
        let call = self.call(&Endpoint::GET_CHAT_HISTORY, Some(business));
        let call = self.page(call.query("chatId", Some(chat)), &from.page);
        let body = GetChatHistory { message_id_from: from.message_id_from.map(MessageId::get) };
        self.transport.result(&call.json(&body)?.read_only()).await
    }

    async fn get_chat_message(
        &self,
        business: BusinessId,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Message> {
        let call = self.call(&Endpoint::GET_CHAT_MESSAGE, Some(business));
        let call = call.query("chatId", Some(chat)).query("messageId", Some(message));
        self.transport.result(&call).await
    }

    async fn create_chat(&self, business: BusinessId, context: ChatContext) -> Result<ChatId> {
        let call = self.call(&Endpoint::CREATE_CHAT, Some(business));
        let call = call.json(&self.creation(context))?;
        let created: CreatedChat = self.transport.result(&call).await?;
        Ok(created.chat_id)
    }

    async fn send_message_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        text: MessageText,
    ) -> Result<()> {
        let call = self.call(&Endpoint::SEND_MESSAGE_TO_CHAT, Some(business));
        let body = SendMessage { message: Some(text.into_string()) };
        self.transport.execute(&call.query("chatId", Some(chat)).json(&body)?).await
    }

    async fn send_file_to_chat(
        &self,
        business: BusinessId,
        chat: ChatId,
        file: FileUpload,
    ) -> Result<()> {
        let call = self.call(&Endpoint::SEND_FILE_TO_CHAT, Some(business));
        self.transport.upload_without_result(&call.query("chatId", Some(chat)), file).await
    }
}

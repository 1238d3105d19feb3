//! Read operation as a value: equality key, execution, and a response that can be shared.

use std::sync::Arc;

use beseda_api::{
    ApiError, BusinessId, Chat, ChatFilter, ChatId, ChatPage, ChatsApi, Endpoint, Error,
    HistoryFrom, Message, MessageId, MessagePage, PageRequest, Result, wire::GetChats,
};
use beseda_server::Unavailable;

/// Read operation with its arguments.
#[derive(Debug, Clone)]
pub(crate) enum ReadRequest {
    Chats(Box<ChatFilter>, PageRequest<20>),
    Chat(ChatId),
    History(ChatId, HistoryFrom),
    Message(ChatId, MessageId),
}

/// Response of a [`ReadRequest`].
#[derive(Debug, Clone)]
pub(crate) enum ReadResponse {
    Chats(ChatPage),
    Chat(Box<Chat>),
    History(Arc<MessagePage>),
    Message(Box<Message>),
}

/// Equality key: reads of a cabinet with the same operation and arguments have equal keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ReadKey {
    pub(crate) business: BusinessId,
    operation: &'static str,
    arguments: String,
}

impl ReadRequest {
    /// Returns the operation.
    pub(crate) fn endpoint(&self) -> &'static Endpoint {
        match self {
            Self::Chats(..) => &Endpoint::GET_CHATS,
            Self::Chat(_) => &Endpoint::GET_CHAT,
            Self::History(..) => &Endpoint::GET_CHAT_HISTORY,
            Self::Message(..) => &Endpoint::GET_CHAT_MESSAGE,
        }
    }

    /// Returns the equality key in a cabinet.
    pub(crate) fn key(&self, business: BusinessId) -> ReadKey {
        let arguments = match self {
            Self::Chats(filter, page) => {
                let filter = GetChats::from(filter.as_ref().clone());
                let filter = serde_json::to_string(&filter).unwrap_or_default();
                format!("{filter} {page:?}")
            }
            Self::Chat(chat) => chat.to_string(),
            Self::History(chat, from) => format!("{chat} {from:?}"),
            Self::Message(chat, message) => format!("{chat} {message}"),
        };
        ReadKey { business, operation: self.endpoint().name, arguments }
    }

    /// Executes the read.
    pub(crate) async fn execute(
        self,
        business: BusinessId,
        api: &dyn ChatsApi,
    ) -> Result<ReadResponse> {
        Ok(match self {
            Self::Chats(filter, page) => {
                ReadResponse::Chats(api.get_chats(business, *filter, page).await?)
            }
            Self::Chat(chat) => ReadResponse::Chat(Box::new(api.get_chat(business, chat).await?)),
            Self::History(chat, from) => {
                ReadResponse::History(Arc::new(api.get_chat_history(business, chat, from).await?))
            }
            Self::Message(chat, message) => ReadResponse::Message(Box::new(
                api.get_chat_message(business, chat, message).await?,
            )),
        })
    }
}

/// Error that several callers can share.
#[derive(Debug, Clone)]
pub(crate) enum SharedError {
    Api(Box<ApiError>),
    Internal(Arc<dyn std::error::Error + Send + Sync>),
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for SharedError {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(error_body) => Self::Api(error_body),
            Error::Internal(source) => match source.downcast::<Unavailable>() {
                Ok(unavailable) => Self::Unavailable(unavailable.0.into()),
                Err(source) => Self::Internal(source.into()),
            },
        }
    }
}

impl From<SharedError> for Error {
    fn from(error: SharedError) -> Self {
        match error {
            SharedError::Api(error_body) => Self::Api(error_body),
            SharedError::Internal(source) => Self::internal(SharedSource(source)),
            SharedError::Unavailable(source) => {
                Self::internal(Unavailable(Box::new(SharedSource(source))))
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct SharedSource(Arc<dyn std::error::Error + Send + Sync>);

#[cfg(test)]
mod tests {
    use beseda_api::{
        BusinessId, ChatFilter, ChatId, ChatStatus, HistoryFrom, PageRequest, PageToken,
    };

    use super::ReadRequest;

    #[test]
    fn keys_are_equal_only_for_equal_reads() {
        let (one, two) = (BusinessId::new(1).unwrap(), BusinessId::new(2).unwrap());
        let chat = |id| ReadRequest::Chat(ChatId::new(id).unwrap());
        assert_eq!(chat(5).key(one), chat(5).key(one));
        assert_ne!(chat(5).key(one), chat(5).key(two));
        assert_ne!(chat(5).key(one), chat(6).key(one));
        let list = |status: Option<ChatStatus>, token: Option<&str>| {
            let filter =
                ChatFilter { statuses: status.into_iter().collect(), ..ChatFilter::default() };
            let page = PageRequest { limit: None, token: token.map(PageToken::new) };
            ReadRequest::Chats(Box::new(filter), page).key(one)
        };
        assert_eq!(list(Some(ChatStatus::New), None), list(Some(ChatStatus::New), None));
        assert_ne!(list(Some(ChatStatus::New), None), list(None, None));
        assert_ne!(list(None, Some("a")), list(None, Some("b")));
        let history = |id| ReadRequest::History(ChatId::new(id).unwrap(), HistoryFrom::default());
        assert_ne!(history(5).key(one), chat(5).key(one));
    }
}

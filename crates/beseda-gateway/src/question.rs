//! A read as a value: what makes two of them equal, and how one is put to any `ChatsApi`. Nothing is kept here.

use std::sync::Arc;

use beseda_api::{
    ApiError, BusinessId, Chat, ChatFilter, ChatId, ChatPage, ChatsApi, Endpoint, Error,
    HistoryFrom, Message, MessageId, MessagePage, PageRequest, Result, wire::GetChats,
};
use beseda_server::Unavailable;

/// One of the four reads with all its arguments.
#[derive(Debug, Clone)]
pub(crate) enum Question {
    Chats(Box<ChatFilter>, PageRequest<20>),
    Chat(ChatId),
    History(ChatId, HistoryFrom),
    Message(ChatId, MessageId),
}

/// What a read answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Chats(ChatPage),
    Chat(Box<Chat>),
    History(Arc<MessagePage>),
    Message(Box<Message>),
}

/// Equal for equal reads of a cabinet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) business: BusinessId,
    operation: &'static str,
    arguments: String,
}

impl Question {
    pub(crate) fn endpoint(&self) -> &'static Endpoint {
        match self {
            Self::Chats(..) => &Endpoint::GET_CHATS,
            Self::Chat(_) => &Endpoint::GET_CHAT,
            Self::History(..) => &Endpoint::GET_CHAT_HISTORY,
            Self::Message(..) => &Endpoint::GET_CHAT_MESSAGE,
        }
    }

    pub(crate) fn key(&self, business: BusinessId) -> Key {
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
        Key { business, operation: self.endpoint().name, arguments }
    }

    pub(crate) async fn put(self, business: BusinessId, api: &dyn ChatsApi) -> Result<Reply> {
        Ok(match self {
            Self::Chats(filter, page) => {
                Reply::Chats(api.get_chats(business, *filter, page).await?)
            }
            Self::Chat(chat) => Reply::Chat(Box::new(api.get_chat(business, chat).await?)),
            Self::History(chat, from) => {
                Reply::History(Arc::new(api.get_chat_history(business, chat, from).await?))
            }
            Self::Message(chat, message) => {
                Reply::Message(Box::new(api.get_chat_message(business, chat, message).await?))
            }
        })
    }
}

/// An error that several callers can be told of.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    Refused(Box<ApiError>),
    Broken(Arc<dyn std::error::Error + Send + Sync>),
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(refused) => Self::Refused(refused),
            Error::Internal(source) => match source.downcast::<Unavailable>() {
                Ok(unavailable) => Self::Unavailable(unavailable.0.into()),
                Err(source) => Self::Broken(source.into()),
            },
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refused) => Self::Api(refused),
            Trouble::Broken(source) => Self::internal(Shared(source)),
            Trouble::Unavailable(source) => Self::internal(Unavailable(Box::new(Shared(source)))),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Shared(Arc<dyn std::error::Error + Send + Sync>);

#[cfg(test)]
mod tests {
    use beseda_api::{
        BusinessId, ChatFilter, ChatId, ChatStatus, HistoryFrom, PageRequest, PageToken,
    };

    use super::Question;

    #[test]
    fn reads_are_equal_only_if_everything_in_them_is() {
        let (one, two) = (BusinessId::new(1).unwrap(), BusinessId::new(2).unwrap());
        let chat = |id| Question::Chat(ChatId::new(id).unwrap());
        assert_eq!(chat(5).key(one), chat(5).key(one));
        assert_ne!(chat(5).key(one), chat(5).key(two));
        assert_ne!(chat(5).key(one), chat(6).key(one));
        let list = |status: Option<ChatStatus>, token: Option<&str>| {
            let filter =
                ChatFilter { statuses: status.into_iter().collect(), ..ChatFilter::default() };
            let page = PageRequest { limit: None, token: token.map(PageToken::new) };
            Question::Chats(Box::new(filter), page).key(one)
        };
        assert_eq!(list(Some(ChatStatus::New), None), list(Some(ChatStatus::New), None));
        assert_ne!(list(Some(ChatStatus::New), None), list(None, None));
        assert_ne!(list(None, Some("a")), list(None, Some("b")));
        let history = |id| Question::History(ChatId::new(id).unwrap(), HistoryFrom::default());
        assert_ne!(history(5).key(one), chat(5).key(one));
    }
}

//! What a client of each generation sees of an order id: the switches of `Settings` applied to requests and answers.

use beseda_api::{
    Chat, ChatFilter, ChatId, ChatPage, ContextType, Error, Generation, MessagePage, Paging,
    Result, wire::GetChats,
};
use serde::Serialize;

use crate::{
    Settings,
    reply::{self, Answer},
    settings::DirectOnUnversioned,
};

/// How orders are shown to one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    order_id: bool,
    direct: DirectOnUnversioned,
    one_context_filter: bool,
}

impl View {
    pub(crate) fn of(settings: &Settings, generation: Generation) -> Self {
        let direct = match generation {
            Generation::Y2024 => settings.direct_on_unversioned,
            Generation::Y2026 => DirectOnUnversioned::Omit,
        };
        let one_context_filter = settings.one_context_filter;
        Self { order_id: settings.order_id, direct, one_context_filter }
    }

    /// The filter of a request; `None` if nothing visible can match it.
    pub(crate) fn filter(self, mut body: GetChats) -> Result<Option<ChatFilter>> {
        if !self.order_id {
            body.order_ids = None;
        }
        let given =
            [body.order_ids.is_some(), body.contexts.is_some(), body.context_types.is_some()];
        if self.one_context_filter && given.iter().filter(|given| **given).count() > 1 {
            return Err(Error::bad_request(
                "Only one of orderIds, contexts, contextTypes may be given",
            ));
        }
        let mut filter = body.into_filter()?;
        if self.direct == DirectOnUnversioned::Hide {
            if filter.context_types.is_empty() {
                filter.context_types = vec![ContextType::Order, ContextType::Return];
            }
            filter.context_types.retain(|kind| *kind != ContextType::Direct);
            if filter.context_types.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(filter))
    }

    /// A page of chats as the caller sees it.
    pub(crate) fn chats(self, mut page: ChatPage) -> Result<Answer> {
        if !self.order_id {
            page.chats.iter_mut().for_each(|chat| chat.order_id = None);
        } else if self.direct == DirectOnUnversioned::Zero {
            let chats = page.chats.into_iter().map(zeroed).collect();
            return reply::ok(ZeroedPage { chats, paging: page.paging });
        }
        reply::ok(page)
    }

    /// A chat as the caller sees it.
    pub(crate) fn chat(self, mut chat: Chat) -> Result<Answer> {
        self.check_visible(chat.chat_id, &chat.context.context_type)?;
        if !self.order_id {
            chat.order_id = None;
        } else if self.direct == DirectOnUnversioned::Zero {
            return reply::ok(zeroed(chat));
        }
        reply::ok(chat)
    }

    /// A page of history as the caller sees it.
    pub(crate) fn history(self, chat: ChatId, mut page: MessagePage) -> Result<Answer> {
        self.check_visible(chat, &page.context.context_type)?;
        if !self.order_id {
            page.order_id = None;
        } else if self.direct == DirectOnUnversioned::Zero && page.order_id.is_none() {
            return reply::ok(Zeroed { order_id: Some(0), rest: page });
        }
        reply::history(&page)
    }

    fn check_visible(self, chat: ChatId, context: &ContextType) -> Result<()> {
        if self.direct == DirectOnUnversioned::Hide && *context == ContextType::Direct {
            return Err(Error::chat_not_found(chat));
        }
        Ok(())
    }
}

/// A value with an order id of 0 where it has none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Zeroed<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<u8>,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize)]
struct ZeroedPage {
    chats: Vec<Zeroed<Chat>>,
    paging: Paging,
}

fn zeroed(chat: Chat) -> Zeroed<Chat> {
    Zeroed { order_id: chat.order_id.is_none().then_some(0), rest: chat }
}

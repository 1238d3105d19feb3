//! What a caller sees of chats, histories and campaigns: today's fields, or those of the 2024 document on paths without a version.
//! What stands in a request is read elsewhere; only its filter is fitted here, so that pages stay full.

use beseda_api::{
    CampaignList, Chat, ChatFilter, ChatId, ChatPage, ContextType, Error, FullContext, Generation,
    MessagePage, OrderId, Result, wire::GetChats,
};

use crate::{
    Settings,
    page::History,
    reply::{self, Answer},
    settings::Unversioned,
    y2024,
};

/// What the answers to one call look like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    fields: Fields,
    one_context_filter: bool,
}

/// Which fields answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fields {
    /// Those of the 2024 document. It requires an order of every chat, so chats without one are not shown.
    Y2024,
    /// Today's.
    Today { order_id: bool },
}

impl View {
    pub(crate) fn of(settings: &Settings, generation: Generation) -> Self {
        let fields = match (generation, settings.unversioned) {
            (Generation::Y2024, Unversioned::Y2024) => Fields::Y2024,
            _ => Fields::Today { order_id: settings.order_id },
        };
        Self { fields, one_context_filter: settings.one_context_filter }
    }

    /// The filter of a request; `None` if nothing that is shown can match it.
    pub(crate) fn filter(self, mut body: GetChats) -> Result<Option<ChatFilter>> {
        if self.fields == (Fields::Today { order_id: false }) {
            body.order_ids = None;
        }
        let given =
            [body.order_ids.is_some(), body.contexts.is_some(), body.context_types.is_some()];
        if self.one_context_filter && given.iter().filter(|given| **given).count() > 1 {
            return Err(Error::bad_request(
                "Only one of orderIds, contexts, contextTypes may be given",
            ));
        }
        let filter = body.into_filter()?;
        Ok(if self.fields == Fields::Y2024 { about_orders(filter) } else { Some(filter) })
    }

    /// A page of chats as the caller sees it.
    pub(crate) fn chats(self, mut page: ChatPage) -> Result<Answer> {
        match self.fields {
            Fields::Y2024 => return reply::ok(y2024::ChatPage::of(page)),
            Fields::Today { order_id: true } => {}
            Fields::Today { order_id: false } => {
                page.chats.iter_mut().for_each(|chat| chat.order_id = None);
            }
        }
        reply::ok(page)
    }

    /// A chat as the caller sees it.
    pub(crate) fn chat(self, mut chat: Chat) -> Result<Answer> {
        match self.fields {
            Fields::Y2024 => {
                let id = chat.chat_id;
                let chat = y2024::Chat::of(chat).ok_or_else(|| Error::chat_not_found(id))?;
                return reply::ok(chat);
            }
            Fields::Today { order_id: true } => {}
            Fields::Today { order_id: false } => chat.order_id = None,
        }
        reply::ok(chat)
    }

    /// A page of a history as the caller sees it.
    pub(crate) fn history(self, chat: ChatId, page: &MessagePage) -> Result<Answer> {
        let mut shown = History::whole(page);
        match self.fields {
            Fields::Y2024 => {
                let order = order_of(page.order_id, &page.context);
                shown.order_id = Some(order.ok_or_else(|| Error::chat_not_found(chat))?);
                shown.context = None;
            }
            Fields::Today { order_id: true } => {}
            Fields::Today { order_id: false } => shown.order_id = None,
        }
        reply::history(&shown)
    }

    /// A page of campaigns as the caller sees it.
    pub(crate) fn campaigns(self, page: CampaignList) -> Result<Answer> {
        match self.fields {
            Fields::Y2024 => reply::bare(&y2024::CampaignList::of(page)),
            Fields::Today { .. } => reply::bare(&page),
        }
    }
}

/// The order of a chat, as answers of 2024 show it; `None` if the chat can't be shown there.
pub(crate) fn order_of(order: Option<OrderId>, context: &FullContext) -> Option<OrderId> {
    if context.context_type == ContextType::Direct {
        return None;
    }
    order.or(context.order_id)
}

/// The filter without direct questions; `None` if it asked for nothing else.
fn about_orders(mut filter: ChatFilter) -> Option<ChatFilter> {
    if !filter.context_types.is_empty() {
        filter.context_types.retain(|kind| *kind != ContextType::Direct);
        return (!filter.context_types.is_empty()).then_some(filter);
    }
    // What is found by its order or return is no direct question.
    if filter.order_ids.is_empty() && filter.contexts.is_empty() {
        filter.context_types = vec![ContextType::Order, ContextType::Return];
    }
    Some(filter)
}

#[cfg(test)]
mod tests {
    use beseda_api::{ChatFilter, ContextType, OrderId};

    use super::about_orders;

    #[test]
    fn only_a_filter_that_could_find_direct_questions_is_narrowed() {
        let order_ids = vec![OrderId::new(5).unwrap()];
        let by_order = ChatFilter { order_ids, ..ChatFilter::default() };
        assert_eq!(about_orders(by_order.clone()), Some(by_order));
        let all = about_orders(ChatFilter::default()).unwrap();
        assert_eq!(all.context_types, [ContextType::Order, ContextType::Return]);
        let by_type = |types: &[ContextType]| {
            let context_types = types.to_vec();
            about_orders(ChatFilter { context_types, ..ChatFilter::default() })
        };
        let both = by_type(&[ContextType::Direct, ContextType::Return]).unwrap();
        assert_eq!(both.context_types, [ContextType::Return]);
        assert_eq!(by_type(&[ContextType::Direct]), None);
    }
}

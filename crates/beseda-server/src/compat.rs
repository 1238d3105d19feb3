//! Response formats: current fields, or those of the 2024 document on unversioned paths.
//! Requests are adapted only in their filter, so that pages stay full.

use beseda_api::{
    CampaignList, Chat, ChatFilter, ChatId, ChatPage, ContextType, Error, Generation, MessagePage,
    Result, wire::GetChats,
};

use crate::{
    ServerSettings, compat_2024,
    history_json::HistoryView,
    response::{self, ApiResponse},
    settings::Unversioned,
};

/// Response format of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseFormat {
    fields: ResponseFields,
    one_context_filter: bool,
}

/// Fields of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResponseFields {
    /// Fields of the 2024 document. It requires an order of every chat, so chats without one are
    /// not shown.
    Y2024,
    /// Current fields.
    Today { order_id: bool },
}

impl ResponseFormat {
    pub(crate) fn of(settings: &ServerSettings, generation: Generation) -> Self {
        let fields = match (generation, settings.unversioned) {
            (Generation::Y2024, Unversioned::Y2024) => ResponseFields::Y2024,
            _ => ResponseFields::Today { order_id: settings.order_id },
        };
        Self { fields, one_context_filter: settings.one_context_filter }
    }

    /// Converts the filter of a request; `None` if no visible chat can match.
    pub(crate) fn filter(self, mut body: GetChats) -> Result<Option<ChatFilter>> {
        if self.fields == (ResponseFields::Today { order_id: false }) {
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
        Ok(if self.fields == ResponseFields::Y2024 { about_orders(filter) } else { Some(filter) })
    }

    /// Formats a page of chats.
    pub(crate) fn chats(self, mut page: ChatPage) -> Result<ApiResponse> {
        match self.fields {
            ResponseFields::Y2024 => return response::ok(compat_2024::ChatPage2024::of(page)),
            ResponseFields::Today { order_id: true } => {}
            ResponseFields::Today { order_id: false } => {
                page.chats.iter_mut().for_each(|chat| chat.order_id = None);
            }
        }
        response::ok(page)
    }

    /// Formats a chat.
    pub(crate) fn chat(self, mut chat: Chat) -> Result<ApiResponse> {
        match self.fields {
            ResponseFields::Y2024 => {
                let id = chat.chat_id;
                let chat =
                    compat_2024::Chat2024::of(chat).ok_or_else(|| Error::chat_not_found(id))?;
                return response::ok(chat);
            }
            ResponseFields::Today { order_id: true } => {}
            ResponseFields::Today { order_id: false } => chat.order_id = None,
        }
        response::ok(chat)
    }

    /// Formats a page of a history.
    pub(crate) fn history(self, chat: ChatId, page: &MessagePage) -> Result<ApiResponse> {
        let mut shown = HistoryView::whole(page);
        match self.fields {
            ResponseFields::Y2024 => {
                let order = compat_2024::order_of(page.order_id, &page.context);
                shown.order_id = Some(order.ok_or_else(|| Error::chat_not_found(chat))?);
                shown.context = None;
            }
            ResponseFields::Today { order_id: true } => {}
            ResponseFields::Today { order_id: false } => shown.order_id = None,
        }
        response::history(&shown)
    }

    /// Formats a page of campaigns.
    pub(crate) fn campaigns(self, page: CampaignList) -> Result<ApiResponse> {
        match self.fields {
            ResponseFields::Y2024 => response::bare(&compat_2024::CampaignList2024::of(page)),
            ResponseFields::Today { .. } => response::bare(&page),
        }
    }
}

/// Returns the filter without direct questions; `None` if it selects nothing else.
fn about_orders(mut filter: ChatFilter) -> Option<ChatFilter> {
    if !filter.context_types.is_empty() {
        filter.context_types.retain(|kind| *kind != ContextType::Direct);
        return (!filter.context_types.is_empty()).then_some(filter);
    }
    // A chat found by its order or return is no direct question.
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

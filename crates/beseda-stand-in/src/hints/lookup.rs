//! Looks up the facts that a hint needs: hidden chats, campaigns, orders.

use beseda_api::{
    Administration, BusinessId, ChatFilter, ChatId, ChatsApi, ContextType, Generation, OrderId,
    PageRequest,
};
use beseda_server::{RequestInfo, Unversioned};
use bytes::Bytes;

use super::{RejectedRequest, hidden, hint, upload};
use crate::{
    Control,
    interceptor::recorder::{self, Recorder},
};

impl Control {
    /// Returns the hint for a rejected request, or for a response that hides chats.
    pub(crate) async fn hint_for(
        &self,
        info: &RequestInfo,
        recorder: &Recorder,
        status: u16,
        whole: Option<&Bytes>,
    ) -> Option<String> {
        if let Some(text) = self.hidden(info, recorder, status).await {
            return Some(text);
        }
        if info.operation == "sendFileToChat" && status == 200 {
            return upload::missing_file_name(&recorder.body());
        }
        let ours = info.generation.is_some() || info.operation == "unknown";
        if !(400..500).contains(&status) || !ours {
            return None;
        }
        let answer = whole.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let reason = answer.and_then(recorder::reason).unwrap_or_default();
        let campaigns = if status == 403 { self.campaigns().await } else { Vec::new() };
        let orders = match (status, info.business) {
            (404, Some(business)) => self.orders(business, &recorder.query).await,
            _ => Vec::new(),
        };
        let body = recorder.body();
        hint(&RejectedRequest {
            method: recorder.method(),
            path: &recorder.path,
            query: &recorder.query,
            headers: &recorder.headers,
            body: &body,
            operation: info.operation,
            status,
            reason: &reason,
            campaigns: &campaigns,
            orders: &orders,
        })
    }

    /// Returns the hint for chats that a response on an unversioned path hides.
    async fn hidden(&self, info: &RequestInfo, recorder: &Recorder, status: u16) -> Option<String> {
        let old = info.generation == Some(Generation::Y2024);
        if !old || self.unversioned != Unversioned::Y2024 {
            return None;
        }
        let business = info.business?;
        match (info.operation, status) {
            ("getChats", 200) => {
                let filter = hidden::filter(&recorder.body())?;
                let count =
                    self.engine.count_chats(business, filter, hidden::MAX_COUNTED).await.ok()?;
                hidden::in_list(count)
            }
            ("getChat" | "getChatHistory", 404) => {
                let chat = chat_in(&recorder.query)?;
                let known = self.engine.get_chat(business, chat).await.ok()?;
                let direct = known.context.context_type == ContextType::Direct;
                direct.then(|| hidden::chat(chat))
            }
            _ => None,
        }
    }

    /// Returns every campaign with its cabinet. A failing store yields none.
    async fn campaigns(&self) -> Vec<(i64, i64)> {
        let mut all = Vec::new();
        for cabinet in self.engine.list_cabinets().await.unwrap_or_default() {
            let business = cabinet.business_id;
            let known = self.engine.list_campaigns(business).await.unwrap_or_default();
            let ids = known.into_iter().filter_map(|campaign| campaign.id);
            all.extend(ids.map(|id| (id.get(), business.get())));
        }
        all
    }

    /// Returns the number given as chat id if a chat about an order of this number exists.
    async fn orders(&self, business: BusinessId, query: &str) -> Vec<i64> {
        let Some(Ok(order)) = chat_in(query).map(|chat| OrderId::new(chat.get())) else {
            return Vec::new();
        };
        let filter = ChatFilter { order_ids: vec![order], ..ChatFilter::default() };
        let found = self.engine.get_chats(business, filter, PageRequest::default()).await;
        let known = found.is_ok_and(|page| !page.chats.is_empty());
        if known { vec![order.get()] } else { Vec::new() }
    }
}

/// Returns the chat named in a query.
fn chat_in(query: &str) -> Option<ChatId> {
    let chat = query.split('&').find_map(|pair| pair.strip_prefix("chatId="))?;
    ChatId::new(chat.parse().ok()?).ok()
}

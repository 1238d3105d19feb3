//! Responses of the 2024 document, as far as they differ from the current ones.

use beseda_api::{
    Business, CampaignId, ChatId, ChatStatus, ChatType, ContextType, FullContext, OrderId, Pager,
    Paging, PlacementType, Time,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Chat.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatOf2024)]
pub(crate) struct Chat2024 {
    /// Chat id.
    chat_id: ChatId,
    /// Order of the chat; for a return, the order of the returned goods.
    order_id: OrderId,
    /// Conversation or dispute.
    #[serde(rename = "type")]
    chat_type: ChatType,
    /// Status: the party who has to answer.
    status: ChatStatus,
    /// Creation time.
    created_at: Time,
    /// Time of the last message, or of creation if there is none.
    updated_at: Time,
}

impl Chat2024 {
    /// Converts a chat; `None` if it has no order.
    pub(crate) fn of(chat: beseda_api::Chat) -> Option<Self> {
        Some(Self {
            chat_id: chat.chat_id,
            order_id: order_of(chat.order_id, &chat.context)?,
            chat_type: chat.chat_type,
            status: chat.status,
            created_at: chat.created_at,
            updated_at: chat.updated_at,
        })
    }
}

/// Page of chats.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatPageOf2024)]
pub(crate) struct ChatPage2024 {
    /// Chats about orders and returns, most recently updated first.
    chats: Vec<Chat2024>,
    /// Token of the next page.
    paging: Paging,
}

impl ChatPage2024 {
    pub(crate) fn of(page: beseda_api::ChatPage) -> Self {
        let chats = page.chats.into_iter().filter_map(Chat2024::of).collect();
        Self { chats, paging: page.paging }
    }
}

/// Page of a history. Used for the OpenAPI document only; it is written in `history_json.rs`.
#[derive(ToSchema)]
#[schema(as = MessagePageOf2024, rename_all = "camelCase")]
#[expect(dead_code, reason = "a schema only")]
pub(crate) struct MessagePage2024 {
    /// Order of the chat.
    order_id: OrderId,
    /// Messages, oldest first.
    messages: Vec<beseda_api::Message>,
    /// Token of the next page.
    paging: Paging,
}

/// Campaign (shop).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignOf2024)]
pub(crate) struct Campaign2024 {
    /// Campaign id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<CampaignId>,
    /// Name of the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    domain: Option<String>,
    /// Id of the payer in Yandex Balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<i64>,
    /// Cabinet of the shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    business: Option<Business>,
    /// Fulfilment model; omitted if it was added later.
    #[serde(skip_serializing_if = "Option::is_none")]
    placement_type: Option<PlacementType>,
}

impl Campaign2024 {
    fn of(campaign: beseda_api::Campaign) -> Self {
        let known = |model: &PlacementType| {
            matches!(model, PlacementType::Fbs | PlacementType::Fby | PlacementType::Dbs)
        };
        Self {
            id: campaign.id,
            domain: campaign.domain,
            client_id: campaign.client_id,
            business: campaign.business,
            placement_type: campaign.placement_type.filter(known),
        }
    }
}

/// Response of getCampaigns, which has no envelope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignListOf2024)]
pub(crate) struct CampaignList2024 {
    /// Campaigns of the credential.
    campaigns: Vec<Campaign2024>,
    /// Page numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pager: Option<Pager>,
}

impl CampaignList2024 {
    pub(crate) fn of(page: beseda_api::CampaignList) -> Self {
        Self {
            campaigns: page.campaigns.into_iter().map(Campaign2024::of).collect(),
            pager: page.pager,
        }
    }
}

/// Returns the order of a chat for a 2024 response, or `None` if the chat can't be shown there.
pub(crate) fn order_of(order: Option<OrderId>, context: &FullContext) -> Option<OrderId> {
    if context.context_type == ContextType::Direct {
        return None;
    }
    order.or(context.order_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_campaign_has_no_availability_and_no_model_of_a_later_year() {
        let list = json!({ "campaigns": [
            { "id": 1, "placementType": "FBS", "apiAvailability": "AVAILABLE", "clientId": 5 },
            { "id": 2, "placementType": "LAAS" } ], "pager": {}, "paging": {} });
        let list = super::CampaignList2024::of(serde_json::from_value(list).unwrap());
        let shown = serde_json::to_value(list).unwrap();
        let first = json!({ "id": 1, "placementType": "FBS", "clientId": 5 });
        assert_eq!(shown["campaigns"], json!([first, { "id": 2 }]));
        assert!(shown.get("pager").is_some() && shown.get("paging").is_none());
    }

    #[test]
    fn a_chat_about_a_return_shows_the_order_that_came_back() {
        let mut chat = json!({ "chatId": 7, "type": "CHAT", "status": "NEW",
            "context": { "type": "RETURN", "returnId": 3, "orderId": 5 },
            "createdAt": "2024-09-10T12:00:00+03:00", "updatedAt": "2024-09-10T12:00:00+03:00" });
        let shown = super::Chat2024::of(serde_json::from_value(chat.clone()).unwrap()).unwrap();
        let shown = serde_json::to_value(shown).unwrap();
        assert_eq!((&shown["orderId"], shown.get("context")), (&json!(5), None));
        chat["context"] = json!({ "type": "DIRECT" });
        assert!(super::Chat2024::of(serde_json::from_value(chat).unwrap()).is_none());
    }
}

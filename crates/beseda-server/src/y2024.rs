//! The answers of the 2024 document, field by field, as far as they differ from today's. When they are given is `generation.rs`'s business.

use beseda_api::{
    Business, CampaignId, ChatId, ChatStatus, ChatType, OrderId, Pager, Paging, PlacementType, Time,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::generation::order_of;

/// A chat.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatOf2024)]
pub(crate) struct Chat {
    /// Its id.
    chat_id: ChatId,
    /// The order it is about; for a chat about a return, the order that came back.
    order_id: OrderId,
    /// A talk or a dispute.
    #[serde(rename = "type")]
    chat_type: ChatType,
    /// Who has to answer.
    status: ChatStatus,
    /// When it was created.
    created_at: Time,
    /// When its last message was written; its creation if it has none.
    updated_at: Time,
}

impl Chat {
    /// The chat; `None` if it has no order.
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

/// One page of chats.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChatPageOf2024)]
pub(crate) struct ChatPage {
    /// The chats about orders and returns, most recently updated first.
    chats: Vec<Chat>,
    /// Where to go on.
    paging: Paging,
}

impl ChatPage {
    pub(crate) fn of(page: beseda_api::ChatPage) -> Self {
        let chats = page.chats.into_iter().filter_map(Chat::of).collect();
        Self { chats, paging: page.paging }
    }
}

/// One page of a chat's history. Only described: it is written in `page.rs`.
#[derive(ToSchema)]
#[schema(as = MessagePageOf2024, rename_all = "camelCase")]
#[expect(dead_code, reason = "a schema only")]
pub(crate) struct MessagePage {
    /// The order the chat is about.
    order_id: OrderId,
    /// The messages, oldest first.
    messages: Vec<beseda_api::Message>,
    /// Where to go on.
    paging: Paging,
}

/// A shop.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignOf2024)]
pub(crate) struct Campaign {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<CampaignId>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    domain: Option<String>,
    /// The payer's id in Yandex Balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_id: Option<i64>,
    /// The cabinet it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    business: Option<Business>,
    /// The model it works by, left out if it is a later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    placement_type: Option<PlacementType>,
}

impl Campaign {
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

/// The answer of getCampaigns, which has no envelope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignListOf2024)]
pub(crate) struct CampaignList {
    /// The shops the credential sees.
    campaigns: Vec<Campaign>,
    /// Which part of the list this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pager: Option<Pager>,
}

impl CampaignList {
    pub(crate) fn of(page: beseda_api::CampaignList) -> Self {
        Self {
            campaigns: page.campaigns.into_iter().map(Campaign::of).collect(),
            pager: page.pager,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_campaign_has_no_availability_and_no_model_of_a_later_year() {
        let list = json!({ "campaigns": [
            { "id": 1, "placementType": "FBS", "apiAvailability": "AVAILABLE", "clientId": 5 },
            { "id": 2, "placementType": "LAAS" } ], "pager": {}, "paging": {} });
        let list = super::CampaignList::of(serde_json::from_value(list).unwrap());
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
        let shown = super::Chat::of(serde_json::from_value(chat.clone()).unwrap()).unwrap();
        let shown = serde_json::to_value(shown).unwrap();
        assert_eq!((&shown["orderId"], shown.get("context")), (&json!(5), None));
        chat["context"] = json!({ "type": "DIRECT" });
        assert!(super::Chat::of(serde_json::from_value(chat).unwrap()).is_none());
    }
}

//! Hints for wrong paths and methods, and for confused ids.

use super::RejectedRequest;

/// Returns the number after `/businesses/`.
pub(super) fn business(path: &str) -> Option<i64> {
    let (_, rest) = path.split_once("/businesses/")?;
    rest.split('/').next()?.parse().ok()
}

pub(super) fn not_found(request: &RejectedRequest<'_>) -> Option<String> {
    if request.status == 405 {
        return method(request);
    }
    if request.reason.starts_with("Can't find") || request.reason.contains("not found:") {
        return missing_resource(request);
    }
    let path = request.path;
    let text = if path.starts_with("/V2/") || path.starts_with("/V1/") {
        "The version in the path is written small: /v2/."
    } else if path.starts_with("/v1/") || path.starts_with("/v3/") {
        "There is no such version: the chats are under /v2/ (or, as in 2024, under no version at all)."
    } else if path.contains("/campaigns/") {
        "Chats belong to a cabinet, not to a campaign: /v2/businesses/{businessId}/chats. GET /v2/campaigns shows the businessId."
    } else if path.len() > 1 && path.ends_with('/') {
        "The path must not end with a slash."
    } else if path.contains("//") {
        "The path has two slashes in a row: is the address of the service configured with a slash at its end?"
    } else if path.starts_with("/api/") {
        "The paths begin with /v2/businesses/, without /api."
    } else if path.contains("/chats/") || path.ends_with("/messages") {
        "The id of a chat is a parameter, not a part of the path: POST /v2/businesses/{businessId}/chats/message?chatId=... (history: chats/history?chatId=..., one chat: GET chat?chatId=...)."
    } else if path.ends_with("/chat/history") || path.ends_with("/chat/message") {
        "It is /chats/ here; only GET /v2/businesses/{businessId}/chat?chatId=... is in the singular."
    } else {
        return None;
    };
    Some(text.to_owned())
}

fn method(request: &RejectedRequest<'_>) -> Option<String> {
    let path = request.path.strip_suffix(".json").unwrap_or(request.path);
    let text = if path.ends_with("/chats") {
        "The list of chats is read with POST: the filter is its JSON body, {} for all chats."
    } else if path.ends_with("/chats/history") {
        "A history is read with POST: POST .../chats/history?chatId=... with the body {}."
    } else if path.ends_with("/chat") {
        "One chat is read with GET: GET .../chat?chatId=..."
    } else {
        return None;
    };
    Some(text.to_owned())
}

fn missing_resource(request: &RejectedRequest<'_>) -> Option<String> {
    let number = |name| request.parameter(name).and_then(|value| value.parse::<i64>().ok());
    if let Some(chat) = number("chatId")
        && request.orders.contains(&chat)
    {
        return Some(format!(
            "{chat} is an order, not a chat: POST .../chats/new with the order gives the chatId (also if the chat exists)."
        ));
    }
    if let Some(chat) = number("chatId")
        && number("messageId") == Some(chat)
    {
        return Some(
            "chatId and messageId are the same number: one of them is in the wrong place."
                .to_owned(),
        );
    }
    if let Some(business) = business(request.path)
        && number("chatId") == Some(business)
    {
        return Some(
            "chatId is the id of the cabinet here: take it from the list of chats.".to_owned(),
        );
    }
    if request.reason.starts_with("Order not found") {
        return Some("The cabinet has no such order. On this stand-in orders are registered with POST /market/v1/businesses/{businessId}/orders, or start it with --orders open.".to_owned());
    }
    request.reason.starts_with("Can't find chat").then(|| {
        "The cabinet has no such chat: take chatId from POST .../chats, and check that it is the same cabinet.".to_owned()
    })
}

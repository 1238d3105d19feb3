//! Hints (header `X-Beseda-Advice`) for common mistakes in rejected requests. The response itself
//! stays as published.

mod body;
mod credential;
mod hidden;
mod lookup;
mod path;
mod upload;

use serde_json::Value;

/// Rejected request, as far as hints need it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RejectedRequest<'a> {
    /// Method.
    pub(crate) method: &'a str,
    /// Path.
    pub(crate) path: &'a str,
    /// Query, percent-encoded as received.
    pub(crate) query: &'a str,
    /// Headers with their secrets; names in lower case.
    pub(crate) headers: &'a [(String, String)],
    /// Body, as far as it is text.
    pub(crate) body: &'a str,
    /// Operation or other kind of request.
    pub(crate) operation: &'a str,
    /// Status of the response.
    pub(crate) status: u16,
    /// Reason given in the response.
    pub(crate) reason: &'a str,
    /// Campaigns of the stand-in with their cabinets.
    pub(crate) campaigns: &'a [(i64, i64)],
    /// Orders named in the request that exist.
    pub(crate) orders: &'a [i64],
}

impl RejectedRequest<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns a parameter of the query.
    fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Returns the body as a JSON object.
    fn json(&self) -> Option<serde_json::Map<String, Value>> {
        match serde_json::from_str(self.body) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        }
    }
}

/// Returns a hint in ASCII for use in a header, or `None` if the response is clear enough.
#[must_use]
pub(crate) fn hint(request: &RejectedRequest<'_>) -> Option<String> {
    let hints = match request.status {
        401 => credential::unauthorized(request),
        403 => credential::forbidden(request),
        404 | 405 => path::not_found(request),
        400 | 415 => body::bad_request(request),
        420 => Some(limit_exceeded(request)),
        _ => None,
    }?;
    Some(hints.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect())
}

fn limit_exceeded(request: &RejectedRequest<'_>) -> String {
    if request.reason.contains("parallel") {
        "Too many requests at once: keep at most 4 requests of a cabinet under way and repeat this one after the others have ended.".to_owned()
    } else {
        "The requests of this hour are used up: wait until the time in X-RateLimit-Resource-Until. Repeating earlier only fails again; poll less often, or use push notifications.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{RejectedRequest, hint};

    fn hint_text(request: &RejectedRequest<'_>) -> String {
        hint(request).unwrap_or_default()
    }

    fn bad<'a>(
        operation: &'a str,
        query: &'a str,
        body: &'a str,
        reason: &'a str,
    ) -> RejectedRequest<'a> {
        RejectedRequest {
            method: "POST",
            path: "/v2/businesses/1/chats",
            query,
            body,
            operation,
            status: 400,
            reason,
            ..RejectedRequest::default()
        }
    }

    #[test]
    fn mistakes_in_parameters_and_bodies_are_explained() {
        let missing = "Required parameter 'chatId' is missing";
        for (request, says) in [
            (bad("sendMessageToChat", "", r#"{"chatId":5,"message":"x"}"#, missing), "?chatId="),
            (bad("sendMessageToChat", "chat_id=5", r#"{"message":"x"}"#, missing), "chat_id"),
            (bad("sendMessageToChat", "chatId=5", r#"{"message":{"text":"x"}}"#, ""), "a string"),
            (bad("sendMessageToChat", "chatId=5", r#"{"text":"x"}"#, ""), "'text'"),
            (bad("sendMessageToChat", "chatId=5", "message=x", ""), "JSON"),
            (bad("sendMessageToChat", "chatId=5", r#"{"message":""}"#, ""), "empty"),
            (bad("sendMessageToChat", "chatId=5", "", ""), "body"),
            (bad("getChats", "limit=50", "{}", ""), "20"),
            (bad("getChatHistory", "limit=500&chatId=1", "{}", ""), "100"),
            (bad("getChats", "pageToken=abc", "{}", "Bad page token"), "nextPageToken"),
            (bad("getChats", "", r#"{"statuses":["new"]}"#, "Illegal input"), "capital"),
            (bad("getChats", "", r#"{"orderIds":[]}"#, ""), "leave it out"),
            (bad("getChats", "", "", "Required request body is missing"), "{}"),
            (bad("createChat", "", r#"{"orderId":"A-17"}"#, ""), "number"),
            (bad("createChat", "", r#"{"context":{"type":"DIRECT","id":1}}"#, ""), "buyer"),
            (bad("sendFileToChat", "chatId=1", "", "part 'file'"), "named file"),
            (bad("sendFileToChat", "chatId=1", "", "Only one part 'file' is allowed"), "each file"),
            (bad("getChats", "", r#"{"orderIds":["123"]}"#, ""), "orderIds: a number"),
            (
                bad("getChats", "", r#"{"contexts":[{"type":"ORDER","id":"1"}]}"#, ""),
                "contexts[].id",
            ),
            (bad("getChatHistory", "chatId=1", r#"{"messageIdFrom":"178"}"#, ""), "push"),
            (bad("createChat", "", r#"{"orderId":"123"}"#, ""), "without quotes"),
            (bad("createChat", "", "{}", ""), "context"),
            (bad("getChats", "", r#"{"statuses":["\"new\""]}"#, ""), r#"write "NEW""#),
            (bad("getChatHistory", "chatId=%22123%22", "{}", ""), "?chatId=123"),
            (
                bad("getChats", "pageToken=eyBuZXh0SWQ6IDIzNDIgfQ%3D%3D", "{}", "Bad page token"),
                "sample",
            ),
            (
                bad("getChats", "page_token=eyBuZXh0SWQ6IDIzNDIgfQ", "{}", "Bad page token"),
                "sample",
            ),
            (
                RejectedRequest {
                    path: "/businesses/1/chats/new",
                    ..bad("createChat", "", "{}", "")
                },
                r#"{"orderId":"#,
            ),
        ] {
            let said = hint_text(&request);
            assert!(said.contains(says), "{request:?} -> {said}");
        }
    }

    #[test]
    fn mistakes_in_credentials_are_explained() {
        let with = |name: &str, value: &str| [(name.to_owned(), value.to_owned())];
        let of = |headers: &[(String, String)]| {
            hint_text(&RejectedRequest { status: 401, headers, ..RejectedRequest::default() })
        };
        assert!(of(&with("api-key", "Bearer ACMA:x")).contains("without Bearer"));
        assert!(of(&with("authorization", "Bearer ACMA:x:y")).contains("Api-Key: "));
        assert!(of(&with("authorization", "Api-Key ACMA:x:y")).contains("Api-Key: "));
        assert!(of(&with("api-key", "y0_abc")).contains("Authorization: Bearer"));
        assert!(of(&with("x-api-key", "ACMA:x:y")).contains("x-api-key"));
        assert!(of(&[]).contains("Api-Key"));
    }

    #[test]
    fn confused_ids_and_wrong_paths_are_explained() {
        let mixed = RejectedRequest {
            path: "/v2/businesses/77/chats",
            status: 403,
            campaigns: &[(77, 5)],
            ..RejectedRequest::default()
        };
        assert!(hint_text(&mixed).contains("/businesses/5/"));
        let at = |method: &'static str, path: &'static str, status| {
            let request = RejectedRequest { method, path, status, ..RejectedRequest::default() };
            hint_text(&request)
        };
        assert!(at("POST", "/V2/businesses/1/chats", 404).contains("small"));
        assert!(at("POST", "/v2/campaigns/1/chats", 404).contains("/businesses/"));
        assert!(at("POST", "/v2/businesses/1/chats/", 404).contains("slash"));
        assert!(at("GET", "/v2/businesses/1/chats", 405).contains("POST"));
        assert!(
            at("POST", "/v2/businesses/1/chats/5/messages", 404).contains("chats/message?chatId=")
        );
        let order = RejectedRequest {
            status: 404,
            query: "chatId=42",
            operation: "getChat",
            reason: "Can't find chat by id: 42",
            orders: &[42],
            ..RejectedRequest::default()
        };
        assert!(hint_text(&order).contains("order"));
    }

    #[test]
    fn requests_without_a_known_mistake_get_no_hint() {
        assert_eq!(hint(&bad("sendMessageToChat", "chatId=5", r#"{"message":"x"}"#, "?")), None);
        assert_eq!(hint(&RejectedRequest { status: 500, ..RejectedRequest::default() }), None);
    }
}

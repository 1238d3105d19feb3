//! Hints for chats hidden on unversioned paths in the 2024 mode.

use beseda_api::{ChatFilter, ChatId, ContextType, wire::GetChats};

/// Counts stop here.
pub(crate) const MAX_COUNTED: usize = 1000;

/// Narrows a list filter to the hidden chats. Returns `None` if it hides none.
pub(crate) fn filter(body: &str) -> Option<ChatFilter> {
    let body: GetChats = serde_json::from_str(body).ok()?;
    let mut filter = body.into_filter().ok()?;
    let by_order = !filter.order_ids.is_empty() || !filter.contexts.is_empty();
    let of_others =
        !filter.context_types.is_empty() && !filter.context_types.contains(&ContextType::Direct);
    if by_order || of_others {
        return None;
    }
    filter.context_types = vec![ContextType::Direct];
    Some(filter)
}

/// Returns the hint for a list that hides this number of chats.
pub(crate) fn in_list(count: usize) -> Option<String> {
    let what = match count {
        0 => return None,
        1 => "1 DIRECT chat (a question without an order) is".to_owned(),
        MAX_COUNTED.. => {
            format!("{MAX_COUNTED} or more DIRECT chats (questions without an order) are")
        }
        _ => format!("{count} DIRECT chats (questions without an order) are"),
    };
    Some(format!("{what} not shown on paths without a version. {SWITCH}"))
}

/// Returns the hint for a request to a hidden chat.
pub(crate) fn chat(chat: ChatId) -> String {
    format!(
        "Chat {chat} is there, but it is a DIRECT chat (a question without an order), which is not shown on paths without a version. {SWITCH}"
    )
}

const SWITCH: &str = "The 2024 document can't express it: use /v2, or start with --unversioned today (server.unversioned = \"today\").";

#[cfg(test)]
mod tests {
    use beseda_api::{ChatStatus, ContextType};

    use super::{MAX_COUNTED, filter, in_list};

    #[test]
    fn only_filters_that_match_direct_chats_hide_any() {
        let narrowed = filter(r#"{"statuses":["NEW"],"contextTypes":["DIRECT","ORDER"]}"#).unwrap();
        assert_eq!(narrowed.context_types, [ContextType::Direct]);
        assert_eq!(narrowed.statuses, [ChatStatus::New]);
        assert!(filter("{}").is_some());
        for none in [
            r#"{"orderIds":[1]}"#,
            r#"{"contexts":[{"type":"ORDER","id":1}]}"#,
            r#"{"contextTypes":["RETURN"]}"#,
            r#"{"types":[]}"#,
            "",
        ] {
            assert_eq!(filter(none), None, "{none}");
        }
    }

    #[test]
    fn hints_name_the_count_of_hidden_chats_or_its_maximum() {
        assert_eq!(in_list(0), None);
        assert!(in_list(1).unwrap().starts_with("1 DIRECT chat ("));
        assert!(in_list(7).unwrap().starts_with("7 DIRECT chats ("));
        assert!(in_list(MAX_COUNTED).unwrap().starts_with("1000 or more DIRECT chats ("));
    }
}

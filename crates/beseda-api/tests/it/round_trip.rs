//! What is encoded decodes to the same value, for any value. The documented examples are in `golden.rs`.

use beseda_api::{
    ByteRange, ChatContext, ChatFilter, ChatId, ChatStatus, ChatType, ContextType, FileId,
    FileName, MessageId, MessageText, OrderId, PageToken, Paging, ReturnId, Sender, Time,
    wire::GetChats,
};
use jiff::{Timestamp, tz::Offset};
use proptest::{collection::vec, prelude::*, sample::select};

fn order() -> impl Strategy<Value = OrderId> {
    (1..=i64::MAX).prop_map(|raw| OrderId::new(raw).unwrap())
}

fn context() -> impl Strategy<Value = ChatContext> {
    prop_oneof![
        order().prop_map(ChatContext::Order),
        (1..=i64::MAX).prop_map(|raw| ChatContext::Return(ReturnId::new(raw).unwrap())),
    ]
}

fn filter() -> impl Strategy<Value = ChatFilter> {
    (
        vec(order(), 0..4),
        vec(context(), 0..4),
        vec(select(ContextType::ALL), 0..4),
        vec(select(ChatType::ALL), 0..4),
        vec(select(ChatStatus::ALL), 0..4),
    )
        .prop_map(|(order_ids, contexts, context_types, types, statuses)| ChatFilter {
            order_ids,
            contexts,
            context_types,
            types,
            statuses,
        })
}

/// Any moment the API could ever write, with an offset of whole minutes.
fn written_time() -> impl Strategy<Value = String> {
    let seconds = -2_000_000_000_i64..32_000_000_000;
    let nanos = prop_oneof![Just(0), (0..1000).prop_map(|ms| ms * 1_000_000), 0..1_000_000_000];
    (seconds, nanos, prop::option::of(-720..=840)).prop_map(|(second, nano, minutes)| {
        let moment = Timestamp::new(second, nano).unwrap();
        let text = match minutes {
            None => moment.to_string(),
            Some(minutes) => {
                let offset = Offset::from_seconds(minutes * 60).unwrap();
                moment.display_with_offset(offset).to_string()
            }
        };
        in_threes(&text)
    })
}

/// The same moment with a fraction of three, six or nine digits, which is how we write them.
fn in_threes(text: &str) -> String {
    let Some((whole, rest)) = text.split_once('.') else { return text.to_owned() };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, offset) = rest.split_at(end);
    let width = digits.len().next_multiple_of(3);
    format!("{whole}.{digits:0<width$}{offset}")
}

proptest! {
    #[test]
    fn a_time_comes_back_as_it_was_written(text in written_time()) {
        let time: Time = text.parse().unwrap();
        prop_assert_eq!(time.to_string(), text.clone());
        prop_assert_eq!(time.timestamp(), text.parse::<Timestamp>().unwrap());
        let json = serde_json::to_string(&time).unwrap();
        prop_assert_eq!(serde_json::from_str::<Time>(&json).unwrap(), time);
    }

    #[test]
    fn a_time_is_never_a_panic(text in "\\PC{0,40}") {
        let _ = text.parse::<Time>();
    }

    #[test]
    fn an_id_is_a_number_of_at_least_one(raw in any::<i64>()) {
        let by_json = serde_json::from_str::<ChatId>(&raw.to_string()).ok();
        let by_text = raw.to_string().parse::<ChatId>().ok();
        prop_assert_eq!(by_json, ChatId::new(raw).ok());
        prop_assert_eq!(by_text, by_json);
        prop_assert_eq!(by_json.is_some(), raw >= 1);
        if let Some(id) = by_json {
            prop_assert_eq!(serde_json::to_string(&id).unwrap(), raw.to_string());
        }
    }

    #[test]
    fn ids_are_ordered_as_their_numbers(a in 1..=i64::MAX, b in 1..=i64::MAX) {
        let (x, y) = (MessageId::new(a).unwrap(), MessageId::new(b).unwrap());
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
    }

    #[test]
    fn a_page_token_comes_back_as_it_was(token in "\\PC{1,80}") {
        let paging = Paging { next_page_token: Some(PageToken::new(token)) };
        let json = serde_json::to_string(&paging).unwrap();
        prop_assert_eq!(serde_json::from_str::<Paging>(&json).unwrap(), paging);
    }

    #[test]
    fn a_filter_arrives_as_it_was_sent(filter in filter()) {
        let json = serde_json::to_string(&GetChats::from(filter.clone())).unwrap();
        prop_assert!(!json.contains("null") && !json.contains("[]"), "{}", json);
        let arrived = serde_json::from_str::<GetChats>(&json).unwrap().into_filter().unwrap();
        prop_assert_eq!(arrived, filter);
    }

    #[test]
    fn any_word_comes_back_as_it_was(word in "\\PC{0,30}") {
        let json = serde_json::to_string(&word).unwrap();
        let sender: Sender = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(serde_json::to_string(&sender).unwrap(), json);
    }

    #[test]
    fn a_text_that_is_taken_is_not_changed(text in any::<String>()) {
        match MessageText::new(text.clone()) {
            Ok(taken) => prop_assert_eq!(taken.as_str(), text.as_str()),
            Err(_) => prop_assert!(text.trim().is_empty() || text.chars().count() > MessageText::MAX),
        }
    }

    #[test]
    fn a_file_name_has_no_folder_and_is_made_once(raw in any::<String>()) {
        let name = FileName::new(&raw);
        prop_assert!(!name.as_str().is_empty());
        prop_assert!(!name.as_str().contains(['/', '\\']));
        prop_assert!(!name.as_str().chars().any(char::is_control));
        prop_assert!(name.as_str().chars().count() <= 255);
        prop_assert_eq!(FileName::new(name.as_str()), name);
    }

    #[test]
    fn a_file_id_comes_back_from_its_text(random in any::<u128>()) {
        let id = FileId::new(random);
        prop_assert_eq!(id.as_str().parse::<FileId>().unwrap(), id);
    }

    #[test]
    fn a_range_never_leaves_the_file(a in any::<u64>(), b in any::<u64>(), size in any::<u64>()) {
        for range in [ByteRange::Bounded(a, b), ByteRange::From(a), ByteRange::Last(a)] {
            if let Some(bytes) = range.within(size) {
                prop_assert!(bytes.start < bytes.end && bytes.end <= size, "{:?}", bytes);
            }
        }
    }
}

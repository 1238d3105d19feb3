//! Searches over a small archive.

use proptest::prelude::*;

use super::{ArchiveFilter, Search};
use crate::{
    Error,
    sample::{NOON, Sample},
};

fn sample() -> Sample {
    let mut sample = Sample::new();
    sample.chat(1, "NEW");
    sample.chat(2, "FINISHED");
    sample.say(1, 0, "CUSTOMER", "Где моя посылка? Трек 80012345678");
    sample.say(1, 10, "PARTNER", "Посылки едут, ещё чуть-чуть");
    sample.say(2, 20, "CUSTOMER", "Чёрный чехол не подошёл по размеру");
    sample.say(2, 30, "PARTNER", "Оформите возврат, чехол вернётся к нам");
    sample
}

fn search(query: &str) -> Search {
    Search { query: query.to_owned(), ..Search::default() }
}

fn found(sample: &Sample, search: &Search) -> Vec<i64> {
    let found = sample.archive.search(search).unwrap();
    found.hits.iter().map(|hit| hit.message_id.get() / 1_000_000 - NOON).collect()
}

#[test]
fn a_word_is_found_in_every_form_newest_first() {
    let sample = sample();
    for query in ["посылка", "ПОСЫЛОК", "посылками"] {
        assert_eq!(found(&sample, &search(query)), [10, 0], "{query}");
    }
    assert_eq!(found(&sample, &search("черные чехлы")), [20; 0], "the stem has a vowel that goes");
    assert_eq!(found(&sample, &search("черный чехол")), [20]);
    assert_eq!(found(&sample, &search("еще")), [10]);
}

#[test]
fn parts_numbers_phrases_and_exclusions_are_understood() {
    let sample = sample();
    assert_eq!(found(&sample, &search("врат")), [30]);
    assert_eq!(found(&sample, &search("12345")), [0]);
    assert_eq!(found(&sample, &search("1002")), [30, 20], "every message about this order");
    assert_eq!(found(&sample, &search("\"не подошел\"")), [20]);
    assert_eq!(found(&sample, &search("\"подошел не\"")), [0; 0]);
    assert_eq!(found(&sample, &search("чехол -возврат")), [20]);
    assert_eq!(found(&sample, &search("-чехол")), [10, 0]);
}

#[test]
fn filters_and_pages_narrow_a_search() {
    let sample = sample();
    const ALL: &str = "-нигде";
    let mut only = search(ALL);
    only.filter.senders = vec![beseda_api::Sender::Partner];
    assert_eq!(found(&sample, &only), [30, 10]);
    only.filter.statuses = vec![beseda_api::ChatStatus::Finished];
    assert_eq!(found(&sample, &only), [30]);
    let since = jiff::Timestamp::from_second(NOON + 10).unwrap();
    let until = jiff::Timestamp::from_second(NOON + 30).unwrap();
    let filter =
        ArchiveFilter { since: Some(since), until: Some(until), ..ArchiveFilter::default() };
    assert_eq!(found(&sample, &Search { filter, ..search(ALL) }), [20, 10]);
    let first = sample.archive.search(&Search { limit: 3, ..search(ALL) }).unwrap();
    let rest = Search { before: first.next, ..search(ALL) };
    assert_eq!((first.hits.len(), found(&sample, &rest)), (3, vec![0]));
}

/// Returns the messages that a query finds, in their order.
fn of(messages: &[&'static str], query: &str) -> Vec<&'static str> {
    let mut sample = Sample::new();
    sample.chat(1, "NEW");
    for (second, text) in (0..).zip(messages) {
        sample.say(1, second, "CUSTOMER", text);
    }
    let mut seconds = found(&sample, &search(query));
    seconds.reverse();
    seconds.into_iter().map(|second| messages[usize::try_from(second).unwrap()]).collect()
}

#[test]
fn a_phone_number_is_found_however_it_and_the_query_are_written() {
    const WAYS: [&str; 7] = [
        "+7 (999) 123-45-67",
        "8 999 123-45-67",
        "89991234567",
        "тел. 9991234567, звоните",
        "8(999)1234567",
        "+7-999-123-45-67",
        "999 123 45 67",
    ];
    let all: Vec<_> = WAYS.into_iter().chain(["+7 (999) 123-45-68", "номер 1234567"]).collect();
    for query in WAYS {
        let query = query.trim_start_matches("тел. ").trim_end_matches(", звоните");
        assert_eq!(of(&all, query), WAYS, "{query}");
    }
    assert_eq!(of(&all, "1234567"), [&WAYS[..], &["номер 1234567"]].concat());
    assert_eq!(of(&all, "-89991234567"), ["+7 (999) 123-45-68", "номер 1234567"]);
}

#[test]
fn an_order_number_is_found_with_and_without_what_parts_its_digits() {
    const WAYS: [&str; 4] =
        ["заказ 123-456-789", "№123456789", "123 456 789, 2 шт", "123 456 789 2 шт"];
    for query in ["123456789", "123-456-789", "123 456 789"] {
        assert_eq!(of(&WAYS, query), WAYS, "{query}");
    }
    let apart = ["дом 23, квартира 1450", "дом 231450", "дом 23"];
    assert_eq!(of(&apart, "23 1450"), ["дом 23, квартира 1450", "дом 231450"]);
}

#[test]
fn letters_of_two_alphabets_in_a_word_make_no_difference() {
    // Latin a and o in Cyrillic words.
    let texts = ["мой з\u{61}каз", "мой заказ", "c\u{6f}p", "с\u{6f}р", "размер \u{425}L"];
    for query in ["заказ", "з\u{61}к\u{61}з", "з\u{61}казы", "ЗАКА"] {
        assert_eq!(of(&texts, query), texts[..2], "{query}");
    }
    assert_eq!(of(&texts, "cop"), ["c\u{6f}p"]);
    assert_eq!(of(&texts, "сор"), ["с\u{6f}р"]);
    assert_eq!(of(&texts, "XL"), ["размер \u{425}L"]);
}

#[test]
fn signs_and_emoji_are_found_as_they_are() {
    let texts =
        ["спасибо 👍🏽", "спасибо", "ну... ладно", "ну. Ладно", "2 * 2", "\u{2764}\u{fe0f}👍"];
    for (query, expected) in [
        ("👍", vec!["спасибо 👍🏽", "\u{2764}\u{fe0f}👍"]),
        ("👍🏽", vec!["спасибо 👍🏽"]),
        ("\u{2764}", vec!["\u{2764}\u{fe0f}👍"]),
        ("спасибо 👍", vec!["спасибо 👍🏽"]),
        ("спасибо -👍", vec!["спасибо"]),
        ("спасибо *", vec!["спасибо 👍🏽", "спасибо"]),
        ("..", vec!["ну... ладно"]),
        ("...", vec!["ну... ладно"]),
        ("....", vec![]),
        (".", vec!["ну... ладно", "ну. Ладно"]),
        ("*", vec!["2 * 2"]),
        ("ну \"..\"", vec!["ну... ладно"]),
        ("?", vec![]),
    ] {
        assert_eq!(of(&texts, query), expected, "{query}");
    }
}

#[test]
fn other_aspects_and_changed_stems_are_found() {
    let texts = ["вернули сумму", "возвращать не буду", "всё верно", "два дня", "на дно", "купила"];
    for (query, expected) in [
        ("вернуть", &texts[..2]),
        ("возвращаете", &texts[..2]),
        ("вернули", &texts[..2]),
        ("день", &texts[3..4]),
        ("дней", &texts[3..4]),
        ("куплю", &texts[5..]),
        ("покупал", &texts[5..]),
    ] {
        assert_eq!(of(&texts, query), expected, "{query}");
    }
    assert_eq!(of(&texts, "-вернуть сумму"), [""; 0]);
    assert_eq!(of(&texts, "верно"), ["всё верно"]);
}

#[test]
fn a_query_without_anything_in_it_is_refused() {
    let sample = sample();
    for query in ["", "  ", "\u{200b}", "\u{fe0f} \u{ad}"] {
        let refused = sample.archive.search(&search(query)).unwrap_err();
        assert!(matches!(refused, Error::NothingToSearch), "{query:?}: {refused}");
    }
}

#[test]
fn a_search_that_reads_too_much_says_where_to_go_on() {
    let mut sample = Sample::new();
    sample.chat(1, "NEW");
    sample.say(1, 0, "CUSTOMER", "красный чайник");
    for second in 1..=1_000 {
        sample.say(1, second, "CUSTOMER", "чайник красный");
    }
    let mut phrase = search("\"красный чайник\"");
    let first = sample.archive.search(&phrase).unwrap();
    assert!(first.hits.is_empty() && first.ended_early);
    let mut rounds = 0;
    while phrase.before.is_none() || rounds < 5 {
        let found = sample.archive.search(&phrase).unwrap();
        (phrase.before, rounds) = (found.next, rounds + 1);
        if !found.hits.is_empty() {
            assert_eq!(found.hits[0].message_id.get(), NOON * 1_000_000);
            return;
        }
    }
    panic!("the message was never found");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_query_is_an_error_only_if_it_has_nothing_to_search(
        query in "\\PC{0,40}|[-\"«»()*:^§ AND OR NOT а-я0-9👍]{0,40}|[\u{ad}\u{200b} \u{fe0f}]{0,3}",
    ) {
        thread_local!(static SAMPLE: Sample = sample());
        match SAMPLE.with(|sample| sample.archive.search(&search(&query)).map(drop)) {
            Err(Error::NothingToSearch) => {
                let seen = |c: char| c.is_alphanumeric() || c.is_ascii_punctuation();
                prop_assert!(!query.contains(seen), "{query:?}");
            }
            other => other.unwrap(),
        }
    }

    #[test]
    fn every_word_of_any_message_finds_it(text in "[а-яёА-ЯЁa-z0-9 .,!-]{1,40}|\\PC{1,40}") {
        let mut sample = Sample::new();
        sample.chat(1, "NEW");
        sample.say(1, 0, "CUSTOMER", &text);
        for word in super::words::words(&text) {
            let hits = found(&sample, &search(&word.folded));
            prop_assert_eq!(hits, [0], "{}", word.folded);
        }
    }
}

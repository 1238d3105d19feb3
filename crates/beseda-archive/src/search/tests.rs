//! Searches over a small archive.

use proptest::prelude::*;

use super::{Filter, Search};
use crate::sample::{NOON, Sample};

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
    let mut only = search("");
    only.filter.senders = vec![beseda_api::Sender::Partner];
    assert_eq!(found(&sample, &only), [30, 10]);
    only.filter.statuses = vec![beseda_api::ChatStatus::Finished];
    assert_eq!(found(&sample, &only), [30]);
    let since = jiff::Timestamp::from_second(NOON + 10).unwrap();
    let until = jiff::Timestamp::from_second(NOON + 30).unwrap();
    let filter = Filter { since: Some(since), until: Some(until), ..Filter::default() };
    assert_eq!(found(&sample, &Search { filter, ..Search::default() }), [20, 10]);
    let first = sample.archive.search(&Search { limit: 3, ..search("") }).unwrap();
    let rest = Search { before: first.next, ..search("") };
    assert_eq!((first.hits.len(), found(&sample, &rest)), (3, vec![0]));
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
    fn no_query_is_an_error(query in "\\PC{0,40}|[-\"«»()*:^§ AND OR NOT а-я0-9]{0,40}") {
        thread_local!(static SAMPLE: Sample = sample());
        SAMPLE.with(|sample| sample.archive.search(&search(&query)).map(drop)).unwrap();
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

//! Statistics over a small archive, and charts of them.

use jiff::Timestamp;

use super::{ChartLanguage, StatsQuery};
use crate::sample::{NOON, Sample};

fn question() -> StatsQuery {
    StatsQuery::new(Timestamp::from_second(NOON + 10_000).unwrap())
}

fn sample() -> Sample {
    let mut sample = Sample::new();
    sample.chat(1, "WAITING_FOR_PARTNER");
    sample.chat(2, "FINISHED");
    sample.say(1, 0, "CUSTOMER", "а");
    sample.say(1, 30, "CUSTOMER", "б");
    sample.say(1, 40, "MARKET", "ждите");
    let answer = sample.say(1, 60, "PARTNER", "в");
    sample.author(1, answer, "Анна");
    sample.say(1, 70, "PARTNER", "г");
    sample.say(1, 100, "CUSTOMER", "д");
    sample.say(1, 110, "PARTNER", "е");
    sample.say(1, 4_000, "CUSTOMER", "ж");
    sample.say(2, 5_000, "CUSTOMER", "з");
    sample
}

#[test]
fn a_turn_counts_from_its_first_message_to_the_shops_next() {
    let stats = sample().archive.stats(&question()).unwrap();
    let all = &stats.all;
    assert_eq!((all.turns, all.answer.count, all.first_answer.count), (4, 2, 1));
    assert_eq!((all.first_answer.p50, all.answer.max, all.answer.p50), (60.0, 60.0, 10.0));
    assert_eq!((stats.by_hour[12].turns, stats.by_hour[13].turns), (2, 2));
    let days: Vec<_> = stats.by_day.iter().map(|day| day.name.as_str()).collect();
    assert_eq!(days, ["2026-06-01"]);
    assert_eq!(stats.by_shop[0].name, "Лавка");
    let operators: Vec<_> =
        stats.by_operator.iter().map(|group| (group.name.as_str(), group.answer.max)).collect();
    assert!(operators.contains(&("Анна", 60.0)) && operators.contains(&("—", 10.0)));
}

#[test]
fn who_waits_is_told_unless_the_chat_is_finished() {
    let backlog = sample().archive.stats(&question()).unwrap().backlog;
    assert_eq!((backlog.waiting.count, backlog.waiting.max), (1, 6_000.0));
    assert_eq!(backlog.longest[0].chat_id.get(), 1);
}

#[test]
fn a_span_takes_the_turns_that_began_in_it() {
    let mut question = question();
    question.filter.since = Some(Timestamp::from_second(NOON + 100).unwrap());
    question.filter.until = Some(Timestamp::from_second(NOON + 4_000).unwrap());
    let stats = sample().archive.stats(&question).unwrap();
    assert_eq!((stats.all.turns, stats.all.answer.count, stats.all.answer.p50), (1, 1, 10.0));
    assert_eq!((stats.all.first_answer.count, stats.customer_messages), (0, 1));
}

#[test]
fn charts_are_drawn_with_and_without_answers() {
    for (sample, language) in
        [(sample(), ChartLanguage::Russian), (Sample::new(), ChartLanguage::English)]
    {
        let stats = sample.archive.stats(&question()).unwrap();
        let svg = stats.svg(language);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(stats.png(language).unwrap().starts_with(b"\x89PNG"));
    }
}

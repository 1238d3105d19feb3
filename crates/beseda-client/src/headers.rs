//! Response headers: rate limits, request id, server date.

use std::time::Duration;

use beseda_api::{RateLimit, ResponseInfo};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::header::HeaderMap;

/// Published samples name the wrong weekday, so it is not checked.
static RFC_822: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Returns request id and rate limit of a response.
pub(crate) fn answer(headers: &HeaderMap) -> ResponseInfo {
    ResponseInfo { request_id: request_id(headers), limit: limit(headers) }
}

/// Rate limit and server date of a response.
pub(crate) struct RateLimitHeaders {
    pub(crate) limit: Option<RateLimit>,
    pub(crate) date: Option<Timestamp>,
}

/// Parses rate limit and server date.
pub(crate) fn shown(headers: &HeaderMap) -> RateLimitHeaders {
    RateLimitHeaders { limit: limit(headers), date: moment(headers, "date") }
}

/// Returns the time until the window ends, by the server's clock if it is sent.
pub(crate) fn wait(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let until = moment(headers, "x-ratelimit-resource-until")?;
    // The parallel limit was hit: the window has requests left and is irrelevant.
    if number(headers, "x-ratelimit-resource-remaining").is_some_and(|left| left > 0) {
        return None;
    }
    let now = moment(headers, "date").unwrap_or(now);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn limit(headers: &HeaderMap) -> Option<RateLimit> {
    Some(RateLimit {
        limit: number(headers, "x-ratelimit-resource-limit")?,
        remaining: number(headers, "x-ratelimit-resource-remaining")?,
        until: moment(headers, "x-ratelimit-resource-until")?,
    })
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let trace = || text(headers, "traceparent").and_then(|trace| trace.split('-').nth(1));
    text(headers, "x-request-id").or_else(trace).map(str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<u32> {
    text(headers, name)?.trim().parse().ok()
}

fn moment(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    RFC_822.parse_timestamp(text(headers, name)?).ok()
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, answer, wait};
    use jiff::Timestamp;
    use std::time::Duration;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn the_wait_ends_with_the_window_by_the_servers_clock() {
        let headers = headers(&[
            ("X-RateLimit-Resource-Limit", "1000"),
            ("X-RateLimit-Resource-Remaining", "0"),
            ("X-RateLimit-Resource-Until", "Sat, 21 Nov 2026 01:00:00 GMT"),
            ("Date", "Sat, 21 Nov 2026 00:59:30 GMT"),
        ]);
        assert_eq!(wait(&headers, Timestamp::MAX), Some(Duration::from_secs(30)));
        assert_eq!(answer(&headers).limit.map(|l| (l.limit, l.remaining)), Some((1000, 0)));
    }

    #[test]
    fn without_the_servers_clock_ours_will_do_and_the_past_means_no_wait() {
        let headers = headers(&[("X-RateLimit-Resource-Until", "Thu, 10 Jul 2018 00:42:42 GMT")]);
        let before: Timestamp = "2018-07-10T00:42:00Z".parse().unwrap();
        assert_eq!(wait(&headers, before), Some(Duration::from_secs(42)));
        assert_eq!(wait(&headers, Timestamp::MAX), Some(Duration::ZERO));
    }

    #[test]
    fn a_window_with_requests_left_is_not_what_was_exceeded() {
        let headers = headers(&[
            ("X-RateLimit-Resource-Remaining", "7"),
            ("X-RateLimit-Resource-Until", "Sat, 21 Nov 2026 01:00:00 GMT"),
        ]);
        assert_eq!(wait(&headers, Timestamp::UNIX_EPOCH), None);
        assert_eq!(wait(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn the_request_id_is_the_trace_id_where_there_is_no_other() {
        let trace = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let id = answer(&headers(&[trace])).request_id;
        assert_eq!(id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        let id = answer(&headers(&[trace, ("X-Request-Id", "abc")])).request_id;
        assert_eq!(id.as_deref(), Some("abc"));
    }
}

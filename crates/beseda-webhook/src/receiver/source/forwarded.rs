//! Parses `X-Forwarded-For` and `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header::FORWARDED};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Hops, nearest last; `None` for a hop without an address.
type Hops = Vec<Option<IpAddr>>;

/// Parses `X-Forwarded-For`; `None` without such a header.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> Option<Hops> {
    hops(headers, &X_FORWARDED_FOR, |line| Some(line.split(',').map(address).collect()))
}

/// Parses `Forwarded`; `None` without such a header.
pub(super) fn forwarded(headers: &HeaderMap) -> Option<Hops> {
    hops(headers, &FORWARDED, elements)
}

/// Parses all lines of a header. A malformed line invalidates all of them, since an unterminated
/// quote could hide a hop appended by a proxy.
fn hops(headers: &HeaderMap, name: &HeaderName, read: fn(&str) -> Option<Hops>) -> Option<Hops> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let all: Option<Vec<Hops>> = lines.map(|line| read(line.to_str().ok()?)).collect();
    Some(all.map_or_else(|| vec![None], |all| all.concat()))
}

/// Parses an address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let alone = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let found = alone.or_else(|| text.parse::<SocketAddr>().ok().map(|with| with.ip()));
    found.map(|address| address.to_canonical())
}

/// Parses a line of `Forwarded`; `None` if it is malformed.
fn elements(line: &str) -> Option<Hops> {
    let mut hops = vec![None];
    let mut rest = line;
    loop {
        let (name, value, after) = pair(rest)?;
        if name.eq_ignore_ascii_case("for") {
            *hops.last_mut()? = address(&value);
        }
        let after = after.trim_start();
        rest = match after.as_bytes().first() {
            None => return Some(hops),
            Some(b';') => &after[1..],
            Some(b',') => {
                hops.push(None);
                &after[1..]
            }
            Some(_) => return None,
        };
    }
}

/// Parses `name=value` or `name="value"` and returns the rest.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let name = name.trim();
    if name.is_empty() || name.contains([',', ';', '"', ' ']) {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([',', ';', ' ', '\t']).unwrap_or(rest.len());
        let (value, rest) = rest.split_at(end);
        return (!value.contains('"')).then(|| (name, value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((name, value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            plain => value.push(plain),
        }
    }
    None
}

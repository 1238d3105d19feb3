//! Source address of a request and whether it is allowed: the peer's address, or the one given by
//! trusted proxies.

mod forwarded;

use std::{
    collections::{HashSet, VecDeque},
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
};

use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, request::Parts},
};
use ipnet::{IpNet, Ipv4Net};

/// Maximum number of addresses whose refusals are not logged again.
const MAX_LOGGED: usize = 1024;

/// Allowed source addresses and trusted proxies.
#[derive(Debug)]
pub(super) struct AllowedSources {
    /// Allowed ranges; `None` for any address.
    ranges: Option<Vec<IpNet>>,
    proxies: Vec<IpNet>,
    logged: Mutex<LoggedRefusals>,
}

/// Addresses whose refusals were logged.
#[derive(Debug, Default)]
struct LoggedRefusals {
    known: HashSet<IpAddr>,
    order: VecDeque<IpAddr>,
}

/// Reason for refusing a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceError {
    /// The address is in no allowed range.
    NotAllowed(IpAddr),
    /// The headers of this trusted proxy contain no address.
    NotForwarded(IpAddr),
    /// The server doesn't provide `ConnectInfo`.
    UnknownPeer,
}

impl AllowedSources {
    pub(super) fn new(ranges: Option<Vec<IpNet>>, proxies: Vec<IpNet>) -> Self {
        let plain = |ranges: Vec<IpNet>| ranges.into_iter().map(unmapped).collect();
        Self { ranges: ranges.map(plain), proxies: plain(proxies), logged: Mutex::default() }
    }

    /// Returns the source address; an error if it isn't allowed.
    pub(super) fn source_of(&self, request: &Parts) -> Result<Option<IpAddr>, SourceError> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let Some(ranges) = &self.ranges else {
            let named =
                peer.and_then(|peer| self.source_addresses(peer, &request.headers).ok()?.pop());
            return Ok(named.or(peer));
        };
        let peer = peer.ok_or(SourceError::UnknownPeer)?;
        let named = self.source_addresses(peer, &request.headers)?;
        match named.iter().find(|named| !within(ranges, **named)) {
            Some(outside) => Err(SourceError::NotAllowed(*outside)),
            None => Ok(named.last().copied()),
        }
    }

    /// Returns true if a refusal of this address has not been logged.
    pub(super) fn is_new(&self, address: IpAddr) -> bool {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if !logged.known.insert(address) {
            return false;
        }
        logged.order.push_back(address);
        if logged.order.len() > MAX_LOGGED
            && let Some(oldest) = logged.order.pop_front()
        {
            logged.known.remove(&oldest);
        }
        true
    }

    /// Returns the source address given by each kind of header. If both are present, the proxy may
    /// have set only one of them, so both are checked.
    fn source_addresses(
        &self,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<Vec<IpAddr>, SourceError> {
        if !within(&self.proxies, peer) {
            return Ok(vec![peer]);
        }
        let chains = [forwarded::x_forwarded_for(headers), forwarded::forwarded(headers)];
        let mut named = Vec::new();
        for hops in chains.into_iter().flatten() {
            named.push(self.first_untrusted(peer, hops).ok_or(SourceError::NotForwarded(peer))?);
        }
        if named.is_empty() {
            named.push(peer);
        }
        Ok(named)
    }

    /// Returns the first hop, from the nearest outwards, that isn't a trusted proxy. Hops beyond it
    /// can be forged.
    fn first_untrusted(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> Option<IpAddr> {
        let mut last = peer;
        for hop in hops.into_iter().rev() {
            last = hop?;
            if !within(&self.proxies, last) {
                break;
            }
        }
        Some(last)
    }
}

fn within(ranges: &[IpNet], address: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(&address))
}

/// Converts an IPv4-mapped range to IPv4.
fn unmapped(range: IpNet) -> IpNet {
    let IpNet::V6(long) = range else { return range };
    let short = long.addr().to_ipv4_mapped().zip(long.prefix_len().checked_sub(96));
    let short = short.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    short.map_or(range, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{body::Body, extract::ConnectInfo, http::Request};
    use ipnet::IpNet;

    use super::{AllowedSources, SourceError};

    fn ranges(all: &[&str]) -> Vec<IpNet> {
        all.iter().map(|one| one.parse().unwrap()).collect()
    }

    /// Returns the source address found for this peer and these headers.
    fn source(
        sources: &AllowedSources,
        peer: &str,
        headers: &[(&str, &str)],
    ) -> Result<String, String> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, _) = request.body(Body::empty()).unwrap().into_parts();
        if !peer.is_empty() {
            let peer: std::net::IpAddr = peer.parse().unwrap();
            parts.extensions.insert(ConnectInfo(SocketAddr::from((peer, 4711))));
        }
        let found = sources.source_of(&parts).map(|who| who.unwrap().to_string());
        found.map_err(|error| match error {
            SourceError::NotAllowed(address) => format!("not allowed: {address}"),
            SourceError::NotForwarded(address) => format!("not forwarded: {address}"),
            SourceError::UnknownPeer => "unknown peer".to_owned(),
        })
    }

    fn ok(address: &str) -> Result<String, String> {
        Ok(address.to_owned())
    }

    fn no(why: &str) -> Result<String, String> {
        Err(why.to_owned())
    }

    #[test]
    fn an_address_is_recognized_in_every_notation() {
        let sources =
            AllowedSources::new(Some(ranges(&["5.45.207.0/25", "2001:db8::/32"])), vec![]);
        assert_eq!(source(&sources, "5.45.207.127", &[]), ok("5.45.207.127"));
        assert_eq!(source(&sources, "::ffff:5.45.207.127", &[]), ok("5.45.207.127"));
        assert_eq!(source(&sources, "5.45.207.128", &[]), no("not allowed: 5.45.207.128"));
        assert_eq!(source(&sources, "2001:db8::1", &[]), ok("2001:db8::1"));
        assert_eq!(source(&sources, "::1", &[]), no("not allowed: ::1"));
        assert_eq!(source(&sources, "", &[]), no("unknown peer"));
        let mapped = AllowedSources::new(Some(ranges(&["::ffff:10.0.0.0/104"])), vec![]);
        assert_eq!(source(&mapped, "10.1.2.3", &[]), ok("10.1.2.3"));
        assert_eq!(source(&mapped, "11.1.2.3", &[]), no("not allowed: 11.1.2.3"));
    }

    #[test]
    fn forged_headers_are_ignored() {
        let market = ("x-forwarded-for", "5.45.207.1");
        let direct = AllowedSources::new(Some(ranges(&["5.45.207.0/25"])), vec![]);
        assert_eq!(source(&direct, "192.0.2.9", &[market]), no("not allowed: 192.0.2.9"));
        let behind = AllowedSources::new(Some(ranges(&["5.45.207.0/25"])), ranges(&["10.0.0.0/8"]));
        assert_eq!(source(&behind, "192.0.2.9", &[market]), no("not allowed: 192.0.2.9"));
        let appended = [("x-forwarded-for", "5.45.207.1, 192.0.2.9")];
        assert_eq!(source(&behind, "10.0.0.1", &appended), no("not allowed: 192.0.2.9"));
        let lines = [market, ("x-forwarded-for", "192.0.2.9")];
        assert_eq!(source(&behind, "10.0.0.1", &lines), no("not allowed: 192.0.2.9"));
        let other = [market, ("forwarded", "for=192.0.2.9;proto=https")];
        assert_eq!(source(&behind, "10.0.0.1", &other), no("not allowed: 192.0.2.9"));
        let other = [("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=5.45.207.1")];
        assert_eq!(source(&behind, "10.0.0.1", &other), no("not allowed: 192.0.2.9"));
        for quoted in [
            r#"for=5.45.207.1;by=", for=192.0.2.9"#,
            r#"for=5.45.207.1;by=", for="[2001:db8::9]""#,
            r#"for=5.45.207.1;by="\", for=192.0.2.9"#,
        ] {
            assert_eq!(
                source(&behind, "10.0.0.1", &[("forwarded", quoted)]),
                no("not forwarded: 10.0.0.1")
            );
        }
    }

    #[test]
    fn the_source_is_the_first_hop_that_is_not_a_trusted_proxy() {
        let own = ranges(&["10.0.0.0/8", "fd00::/8"]);
        let sources = AllowedSources::new(Some(ranges(&["5.45.207.0/25"])), own);
        let over = |value| source(&sources, "::ffff:10.0.0.1", &[("x-forwarded-for", value)]);
        assert_eq!(over("5.45.207.9"), ok("5.45.207.9"));
        assert_eq!(over("1.1.1.1, 5.45.207.9:51000, [fd00::1]:80, 10.9.9.9"), ok("5.45.207.9"));
        assert_eq!(over("5.45.207.9, fd00::1"), ok("5.45.207.9"));
        assert_eq!(over("::ffff:5.45.207.9"), ok("5.45.207.9"));
        assert_eq!(over("10.9.9.9"), no("not allowed: 10.9.9.9"));
        assert_eq!(over("unknown"), no("not forwarded: 10.0.0.1"));
        assert_eq!(over("5.45.207.9, ,10.9.9.9"), no("not forwarded: 10.0.0.1"));
        assert_eq!(over(""), no("not forwarded: 10.0.0.1"));
        assert_eq!(source(&sources, "10.0.0.1", &[]), no("not allowed: 10.0.0.1"));
        let over = |value| source(&sources, "10.0.0.1", &[("forwarded", value)]);
        assert_eq!(
            over(r#"for=1.1.1.1, For="5.45.207.9:51000";proto=https;by=10.0.0.2"#),
            ok("5.45.207.9")
        );
        assert_eq!(over(r#"for=5.45.207.9, for="[fd00::1]:443" ; host=shop"#), ok("5.45.207.9"));
        assert_eq!(over("for=unknown, for=5.45.207.9"), ok("5.45.207.9"));
        assert_eq!(over("for=_hidden"), no("not forwarded: 10.0.0.1"));
        assert_eq!(over("proto=https"), no("not forwarded: 10.0.0.1"));
    }

    proptest::proptest! {
        /// Whatever a client sends in the headers, the hop appended by the proxy counts.
        #[test]
        fn no_header_makes_an_address_allowed(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "for=5.45.207.1", "For=\"5.45.207.1", "5.45.207.1", "for", "by=", "=", "\"", "\\", ",", ";", " ", "[", "]", "x", ":80",
            ]), 0..12),
            other in proptest::bool::ANY,
        ) {
            let sources = AllowedSources::new(Some(ranges(&["5.45.207.0/25"])), ranges(&["10.0.0.0/8"]));
            let claimed = parts.concat();
            for (name, own) in [
                ("x-forwarded-for", "192.0.2.9"),
                ("forwarded", "for=192.0.2.9"),
                ("forwarded", "for=\"[2001:db8::9]:443\";proto=https"),
            ] {
                let appended = format!("{claimed}, {own}");
                let elsewhere = if name == "forwarded" { "x-forwarded-for" } else { "forwarded" };
                let also = other.then_some((elsewhere, claimed.as_str()));
                let first = if name == "forwarded" { "for=5.45.207.1" } else { "5.45.207.1" };
                for lines in [
                    &[(name, appended.as_str())][..],
                    &[(name, first), (name, &appended)],
                    &[(name, &claimed), (name, own)],
                ] {
                    let headers: Vec<_> = lines.iter().copied().chain(also).collect();
                    let found = source(&sources, "10.0.0.1", &headers);
                    proptest::prop_assert!(found.is_err(), "{headers:?}");
                }
            }
        }
    }

    #[test]
    fn the_source_is_known_even_if_any_is_allowed() {
        let sources = AllowedSources::new(None, ranges(&["10.0.0.0/8"]));
        assert_eq!(
            source(&sources, "192.0.2.9", &[("x-forwarded-for", "1.1.1.1")]),
            ok("192.0.2.9")
        );
        assert_eq!(source(&sources, "10.0.0.1", &[("x-forwarded-for", "1.1.1.1")]), ok("1.1.1.1"));
        assert_eq!(source(&sources, "10.0.0.1", &[("x-forwarded-for", "me")]), ok("10.0.0.1"));
    }

    #[test]
    fn a_refusal_is_logged_once_and_the_set_is_bounded() {
        let sources = AllowedSources::new(Some(vec![]), vec![]);
        let address = |number: u32| std::net::Ipv4Addr::from_bits(number).into();
        assert!(sources.is_new(address(0)));
        assert!(!sources.is_new(address(0)));
        for number in 1..5000 {
            assert!(sources.is_new(address(number)));
        }
        assert!(sources.logged.lock().unwrap().known.len() <= super::MAX_LOGGED);
        assert!(sources.is_new(address(0)), "evicted");
    }
}

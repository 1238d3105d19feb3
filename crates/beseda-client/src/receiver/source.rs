//! Who sent a request: the address at the other end, or the one that trusted proxies name, and whether it may. Nothing is answered here.

mod chain;

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

/// Addresses whose refusal was told already.
const TOLD: usize = 1024;

/// From where notifications may come.
#[derive(Debug)]
pub(super) struct Sources {
    /// Anywhere if `None`.
    ranges: Option<Vec<IpNet>>,
    proxies: Vec<IpNet>,
    told: Mutex<Told>,
}

/// The last addresses that were refused.
#[derive(Debug, Default)]
struct Told {
    known: HashSet<IpAddr>,
    order: VecDeque<IpAddr>,
}

/// Why a request isn't looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It comes from here, which is in no range.
    Outside(IpAddr),
    /// It came over this proxy, whose headers name nobody.
    Unnamed(IpAddr),
    /// The server that holds the router doesn't tell who calls.
    Untold,
}

impl Sources {
    pub(super) fn new(ranges: Option<Vec<IpNet>>, proxies: Vec<IpNet>) -> Self {
        let plain = |ranges: Vec<IpNet>| ranges.into_iter().map(unmapped).collect();
        Self { ranges: ranges.map(plain), proxies: plain(proxies), told: Mutex::default() }
    }

    /// Who sent this; an error if it may not send.
    pub(super) fn who(&self, request: &Parts) -> Result<Option<IpAddr>, Stranger> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let Some(ranges) = &self.ranges else {
            let named = peer.and_then(|peer| self.named(peer, &request.headers).ok()?.pop());
            return Ok(named.or(peer));
        };
        let peer = peer.ok_or(Stranger::Untold)?;
        let named = self.named(peer, &request.headers)?;
        match named.iter().find(|named| !within(ranges, **named)) {
            Some(outside) => Err(Stranger::Outside(*outside)),
            None => Ok(named.last().copied()),
        }
    }

    /// Whether a refusal of this address is new, and worth a line in the log.
    pub(super) fn is_new(&self, address: IpAddr) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.known.insert(address) {
            return false;
        }
        told.order.push_back(address);
        if told.order.len() > TOLD
            && let Some(oldest) = told.order.pop_front()
        {
            told.known.remove(&oldest);
        }
        true
    }

    /// The addresses the request is said to come from: one, or one of each kind of header. Where both kinds are there,
    /// only one of them may be the proxy's own, so both must be right.
    fn named(&self, peer: IpAddr, headers: &HeaderMap) -> Result<Vec<IpAddr>, Stranger> {
        if !within(&self.proxies, peer) {
            return Ok(vec![peer]);
        }
        let chains = [chain::x_forwarded_for(headers), chain::forwarded(headers)];
        let mut named = Vec::new();
        for hops in chains.into_iter().flatten() {
            named.push(self.first_stranger(peer, hops).ok_or(Stranger::Unnamed(peer))?);
        }
        if named.is_empty() {
            named.push(peer);
        }
        Ok(named)
    }

    /// From the nearest hop outwards, the first that isn't one of our proxies: who is beyond it is hearsay.
    fn first_stranger(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> Option<IpAddr> {
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

/// A range of IPv4 that is written as IPv6, as IPv4.
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

    use super::{Sources, Stranger};

    fn ranges(all: &[&str]) -> Vec<IpNet> {
        all.iter().map(|one| one.parse().unwrap()).collect()
    }

    /// Who is found behind this peer with these headers.
    fn who(sources: &Sources, peer: &str, headers: &[(&str, &str)]) -> Result<String, String> {
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, _) = request.body(Body::empty()).unwrap().into_parts();
        if !peer.is_empty() {
            let peer: std::net::IpAddr = peer.parse().unwrap();
            parts.extensions.insert(ConnectInfo(SocketAddr::from((peer, 4711))));
        }
        let found = sources.who(&parts).map(|who| who.unwrap().to_string());
        found.map_err(|stranger| match stranger {
            Stranger::Outside(address) => format!("outside {address}"),
            Stranger::Unnamed(address) => format!("unnamed {address}"),
            Stranger::Untold => "untold".to_owned(),
        })
    }

    fn ok(address: &str) -> Result<String, String> {
        Ok(address.to_owned())
    }

    fn no(why: &str) -> Result<String, String> {
        Err(why.to_owned())
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let sources = Sources::new(Some(ranges(&["5.45.207.0/25", "2001:db8::/32"])), vec![]);
        assert_eq!(who(&sources, "5.45.207.127", &[]), ok("5.45.207.127"));
        assert_eq!(who(&sources, "::ffff:5.45.207.127", &[]), ok("5.45.207.127"));
        assert_eq!(who(&sources, "5.45.207.128", &[]), no("outside 5.45.207.128"));
        assert_eq!(who(&sources, "2001:db8::1", &[]), ok("2001:db8::1"));
        assert_eq!(who(&sources, "::1", &[]), no("outside ::1"));
        assert_eq!(who(&sources, "", &[]), no("untold"));
        let mapped = Sources::new(Some(ranges(&["::ffff:10.0.0.0/104"])), vec![]);
        assert_eq!(who(&mapped, "10.1.2.3", &[]), ok("10.1.2.3"));
        assert_eq!(who(&mapped, "11.1.2.3", &[]), no("outside 11.1.2.3"));
    }

    #[test]
    fn what_a_stranger_says_of_itself_counts_for_nothing() {
        let market = ("x-forwarded-for", "5.45.207.1");
        let direct = Sources::new(Some(ranges(&["5.45.207.0/25"])), vec![]);
        assert_eq!(who(&direct, "192.0.2.9", &[market]), no("outside 192.0.2.9"));
        let behind = Sources::new(Some(ranges(&["5.45.207.0/25"])), ranges(&["10.0.0.0/8"]));
        assert_eq!(who(&behind, "192.0.2.9", &[market]), no("outside 192.0.2.9"));
        let appended = [("x-forwarded-for", "5.45.207.1, 192.0.2.9")];
        assert_eq!(who(&behind, "10.0.0.1", &appended), no("outside 192.0.2.9"));
        let lines = [market, ("x-forwarded-for", "192.0.2.9")];
        assert_eq!(who(&behind, "10.0.0.1", &lines), no("outside 192.0.2.9"));
        let other = [market, ("forwarded", "for=192.0.2.9;proto=https")];
        assert_eq!(who(&behind, "10.0.0.1", &other), no("outside 192.0.2.9"));
        let other = [("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=5.45.207.1")];
        assert_eq!(who(&behind, "10.0.0.1", &other), no("outside 192.0.2.9"));
        for quoted in [
            r#"for=5.45.207.1;by=", for=192.0.2.9"#,
            r#"for=5.45.207.1;by=", for="[2001:db8::9]""#,
            r#"for=5.45.207.1;by="\", for=192.0.2.9"#,
        ] {
            assert_eq!(who(&behind, "10.0.0.1", &[("forwarded", quoted)]), no("unnamed 10.0.0.1"));
        }
    }

    #[test]
    fn the_first_stranger_behind_our_proxies_is_the_sender() {
        let own = ranges(&["10.0.0.0/8", "fd00::/8"]);
        let sources = Sources::new(Some(ranges(&["5.45.207.0/25"])), own);
        let over = |value| who(&sources, "::ffff:10.0.0.1", &[("x-forwarded-for", value)]);
        assert_eq!(over("5.45.207.9"), ok("5.45.207.9"));
        assert_eq!(over("1.1.1.1, 5.45.207.9:51000, [fd00::1]:80, 10.9.9.9"), ok("5.45.207.9"));
        assert_eq!(over("5.45.207.9, fd00::1"), ok("5.45.207.9"));
        assert_eq!(over("::ffff:5.45.207.9"), ok("5.45.207.9"));
        assert_eq!(over("10.9.9.9"), no("outside 10.9.9.9"));
        assert_eq!(over("unknown"), no("unnamed 10.0.0.1"));
        assert_eq!(over("5.45.207.9, ,10.9.9.9"), no("unnamed 10.0.0.1"));
        assert_eq!(over(""), no("unnamed 10.0.0.1"));
        assert_eq!(who(&sources, "10.0.0.1", &[]), no("outside 10.0.0.1"));
        let over = |value| who(&sources, "10.0.0.1", &[("forwarded", value)]);
        assert_eq!(
            over(r#"for=1.1.1.1, For="5.45.207.9:51000";proto=https;by=10.0.0.2"#),
            ok("5.45.207.9")
        );
        assert_eq!(over(r#"for=5.45.207.9, for="[fd00::1]:443" ; host=shop"#), ok("5.45.207.9"));
        assert_eq!(over("for=unknown, for=5.45.207.9"), ok("5.45.207.9"));
        assert_eq!(over("for=_hidden"), no("unnamed 10.0.0.1"));
        assert_eq!(over("proto=https"), no("unnamed 10.0.0.1"));
    }

    proptest::proptest! {
        /// Whatever a stranger puts into the headers: the proxy's own word comes last, and counts.
        #[test]
        fn no_header_makes_a_stranger_one_of_us(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "for=5.45.207.1", "For=\"5.45.207.1", "5.45.207.1", "for", "by=", "=", "\"", "\\", ",", ";", " ", "[", "]", "x", ":80",
            ]), 0..12),
            other in proptest::bool::ANY,
        ) {
            let sources = Sources::new(Some(ranges(&["5.45.207.0/25"])), ranges(&["10.0.0.0/8"]));
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
                    let found = who(&sources, "10.0.0.1", &headers);
                    proptest::prop_assert!(found.is_err(), "{headers:?}");
                }
            }
        }
    }

    #[test]
    fn where_anybody_may_send_the_sender_is_still_looked_for() {
        let sources = Sources::new(None, ranges(&["10.0.0.0/8"]));
        assert_eq!(who(&sources, "192.0.2.9", &[("x-forwarded-for", "1.1.1.1")]), ok("192.0.2.9"));
        assert_eq!(who(&sources, "10.0.0.1", &[("x-forwarded-for", "1.1.1.1")]), ok("1.1.1.1"));
        assert_eq!(who(&sources, "10.0.0.1", &[("x-forwarded-for", "me")]), ok("10.0.0.1"));
    }

    #[test]
    fn a_refusal_is_told_once_and_the_memory_of_it_is_bounded() {
        let sources = Sources::new(Some(vec![]), vec![]);
        let address = |number: u32| std::net::Ipv4Addr::from_bits(number).into();
        assert!(sources.is_new(address(0)));
        assert!(!sources.is_new(address(0)));
        for number in 1..5000 {
            assert!(sources.is_new(address(number)));
        }
        assert!(sources.told.lock().unwrap().known.len() <= super::TOLD);
        assert!(sources.is_new(address(0)), "forgotten by then");
    }
}

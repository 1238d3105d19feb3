//! SSRF protection: allowed URLs and addresses.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use async_trait::async_trait;
use url::{Host, Url};

/// Destinations to which notifications may be sent.
///
/// ```
/// use beseda_webhook::sender::{AddressPolicy, SenderSettings};
///
/// assert_eq!(SenderSettings::new(AddressPolicy::Public).policy, AddressPolicy::Public);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Only https to public addresses, so that the server can't be made to call its own network.
    Public,
    /// As `Public`, and http or https to loopback. For mock servers.
    Loopback,
}

/// DNS resolver.
///
/// ```
/// use std::{io, net::SocketAddr};
///
/// use async_trait::async_trait;
/// use beseda_webhook::sender::Resolver;
///
/// struct Fixed(SocketAddr);
///
/// #[async_trait]
/// impl Resolver for Fixed {
///     async fn addresses(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
///         Ok(vec![SocketAddr::new(self.0.ip(), port)])
///     }
/// }
/// ```
#[async_trait]
pub trait Resolver: Send + Sync {
    /// Resolves a host; the result has this port.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// Resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

impl AddressPolicy {
    /// Parses and verifies a URL.
    ///
    /// # Errors
    ///
    /// Returns a description for people.
    pub(crate) fn read(self, text: &str) -> Result<Url, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let Some(host) = url.host() else { return Err("it has no host".to_owned()) };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not hold a credential".to_owned());
        }
        if url.fragment().is_some() {
            return Err("it must not have a fragment".to_owned());
        }
        if url.port() == Some(0) {
            return Err("port 0 is no port".to_owned());
        }
        let literal = match host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
        };
        match (url.scheme(), self) {
            ("https", _) | ("http", Self::Loopback) => {}
            (_, Self::Public) => return Err("it must begin with https://".to_owned()),
            (_, Self::Loopback) => {
                return Err("it must begin with https://, or http:// for this machine".to_owned());
            }
        }
        match literal {
            Some(ip) if !self.allows(ip, &url) => Err(forbidden(ip, &url)),
            _ => Ok(url),
        }
    }

    /// Resolves the host of a URL and verifies its addresses. Connect to one of them rather than
    /// resolving again: the second answer of a DNS server could differ.
    pub(crate) async fn addresses(
        self,
        url: &Url,
        resolver: &dyn Resolver,
    ) -> Result<Vec<SocketAddr>, String> {
        let port = url.port_or_known_default().unwrap_or(443);
        let found = match url.host() {
            None => return Err("there is no host".to_owned()),
            Some(Host::Ipv4(ip)) => vec![SocketAddr::from((ip, port))],
            Some(Host::Ipv6(ip)) => vec![SocketAddr::from((ip, port))],
            Some(Host::Domain(name)) => resolver
                .addresses(name, port)
                .await
                .map_err(|error| format!("the host is not found: {error}"))?,
        };
        let Some(first) = found.first().copied() else {
            return Err("the host has no address".to_owned());
        };
        // A private address among public ones is an attack, too.
        match found.iter().find(|address| !self.allows(address.ip(), url)) {
            Some(wrong) => Err(forbidden(wrong.ip(), url)),
            None if found.len() > 4 => Ok(vec![first]),
            None => Ok(found),
        }
    }

    fn allows(self, ip: IpAddr, url: &Url) -> bool {
        let here = self == Self::Loopback && ip.is_loopback();
        here || (url.scheme() == "https" && is_public(ip))
    }
}

fn forbidden(ip: IpAddr, url: &Url) -> String {
    if is_public(ip) && url.scheme() != "https" {
        return format!("only https may go to {ip}");
    }
    format!("{ip} is not a public address")
}

/// Returns true for addresses known to be public.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Special-purpose blocks of RFC 6890 and its successors: address and prefix length.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Special-purpose blocks in 2000::/3: Teredo and others, documentation, 6to4.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let within =
        |(net, length): (Ipv4Addr, u32)| (ip.to_bits() ^ net.to_bits()).leading_zeros() >= length;
    !SPECIAL_V4.into_iter().any(within)
}

/// Only 2000::/3 is allocated, which excludes mapped, NAT64, local and multicast addresses.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let within =
        |(net, length): (Ipv6Addr, u32)| (ip.to_bits() ^ net.to_bits()).leading_zeros() >= length;
    within((Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3)) && !SPECIAL_V6.into_iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::{AddressPolicy, is_public};

    #[test]
    fn only_public_addresses_are_allowed() {
        for ip in
            ["5.45.207.1", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2a02:6b8::1", "2606:4700::1"]
        {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2002:7f00:1::",
            "2001:0:1::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn every_notation_of_a_private_address_is_refused() {
        for url in [
            "http://shop.example/",
            "ftp://shop.example/",
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://10.0.0.1:8443/",
            "https://169.254.169.254/latest/meta-data",
            "https://127.1/",
            "https://user@shop.example/",
            "https://shop.example/#a",
            "https://shop.example:0/",
            "shop",
            "https:///",
            "file:///etc/passwd",
        ] {
            assert!(AddressPolicy::Public.read(url).is_err(), "{url}");
        }
        assert!(AddressPolicy::Public.read("https://shop.example:8443/notification?x=1").is_ok());
    }

    #[test]
    fn the_loopback_policy_allows_plain_http_to_loopback_only() {
        for url in [
            "http://127.0.0.1:8080/",
            "https://localhost:1/",
            "http://[::1]:9/",
            "http://localhost/",
        ] {
            assert!(AddressPolicy::Loopback.read(url).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1/", "https://10.0.0.1/", "http://1.1.1.1/", "ftp://127.0.0.1/"]
        {
            assert!(AddressPolicy::Loopback.read(url).is_err(), "{url}");
        }
    }
}

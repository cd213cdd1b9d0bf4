//! Which addresses may be called.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How far a client reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, over TLS.
    Public,
    /// This host too, and without TLS: for tests, and for stand-ins in development.
    ThisHostToo,
}

/// Networks of IPv4 that are nobody's on the internet, or somebody's in particular here.
const CLOSED_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];
/// All that is handed out of IPv6. Everything else, with an IPv4 address inside or not,
/// is closed.
const OPEN_V6: Ipv6Net = v6(0x2000, 0, 0, 3);
/// Of that, what carries an IPv4 address inside (Teredo, 6to4) or is for documents and
/// protocols.
const CLOSED_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x2002, 0, 0, 16),
    v6(0x3fff, 0, 0, 20),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

impl Reach {
    /// Whether an address may be called. An IPv4 address in the clothes of IPv6 may not.
    pub fn allows(self, address: IpAddr) -> bool {
        if self == Self::ThisHostToo && address.is_loopback() {
            return true;
        }
        match address {
            IpAddr::V4(address) => !CLOSED_V4.iter().any(|net| net.contains(&address)),
            IpAddr::V6(address) => {
                OPEN_V6.contains(&address) && !CLOSED_V6.iter().any(|net| net.contains(&address))
            }
        }
    }

    pub(super) fn allows_scheme(self, scheme: &str) -> bool {
        scheme == "https" || (self == Self::ThisHostToo && scheme == "http")
    }
}

/// Resolves names.
#[async_trait]
pub trait Names: Send + Sync {
    /// Every address of a name.
    ///
    /// # Errors
    /// When the name has none.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Resolves names as this host does.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|socket| socket.ip()).collect())
    }
}

/// Resolves names and keeps only the addresses that may be called. The connection is made
/// to exactly these, so a name that changes its mind gains nothing.
pub(super) struct Guard {
    reach: Reach,
    names: Arc<dyn Names>,
}

impl Guard {
    pub(super) fn new(reach: Reach, names: Arc<dyn Names>) -> Self {
        Self { reach, names }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, names) = (self.reach, self.names.clone());
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            let open: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| reach.allows(*address))
                // Port 0 stands for the port of the URL.
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if open.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached() {
        let closed = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in closed {
            assert!(!Reach::Public.allows(text.parse().unwrap()), "{text}");
        }
        let open = [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.3.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450::1",
        ];
        for text in open {
            assert!(Reach::Public.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn this_host_is_reached_only_where_that_is_wanted_and_nothing_else_with_it() {
        for text in ["127.0.0.1", "127.8.0.1", "::1"] {
            let address: IpAddr = text.parse().unwrap();
            assert!(Reach::ThisHostToo.allows(address), "{text}");
            assert!(!Reach::Public.allows(address), "{text}");
        }
        for text in ["::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fd00::1"] {
            assert!(!Reach::ThisHostToo.allows(text.parse().unwrap()), "{text}");
        }
        assert!(!Reach::Public.allows_scheme("http"));
        assert!(!Reach::ThisHostToo.allows_scheme("file"));
    }
}

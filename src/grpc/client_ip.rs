//! Whose call it is: the peer's address, or what proxies that are trusted say of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::kernel::network::network;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Where this host's own tools call from.
const LOCAL: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];
/// What proxies of all kinds leave on what they pass on.
const FORWARDING: [&str; 6] = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "forwarded",
    "via",
];

/// The client's address. Each proxy appends the address that it saw, so the list is read
/// from its end, and only while those who wrote it are trusted: everything before the
/// first untrusted address is the client's own claim.
pub(super) fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    if trusted.is_empty() || !is_trusted(client, trusted) {
        return client;
    }
    let lines: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = address(hop.trim()) else {
            return client;
        };
        client = address;
        if !is_trusted(client, trusted) {
            return client;
        }
    }
    client
}

/// Whether a peer stands on this host or in a private network and speaks for itself: it is
/// no known proxy, and says of nobody that it passes his call on.
pub(super) fn is_inside(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let passed_on = FORWARDING
        .iter()
        .any(|header| headers.contains_key(*header));
    is_private(peer.to_canonical()) && !passed_on && !is_trusted(peer.to_canonical(), trusted)
}

const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether an address belongs to a trusted proxy.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The network whose connections and messages are counted together; nothing for this
/// host's own tools and the proxies, behind which many clients stand.
pub(super) fn owner(ip: IpAddr, trusted: &[IpNet]) -> Option<IpAddr> {
    let many = LOCAL.contains(&ip) || is_trusted(ip, trusted);
    (!many).then(|| network(ip))
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let alone = bare.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    alone
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed_and_only_from_the_end() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let cases = [
            ("198.51.100.9", "203.0.113.5", "198.51.100.9"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.5", "203.0.113.5"),
            ("10.0.0.1", "1.1.1.1, 203.0.113.5, 10.2.0.3", "203.0.113.5"),
            ("10.0.0.1", "203.0.113.5:5123", "203.0.113.5"),
            ("fd00::1", "[2001:db8::7]:443", "2001:db8::7"),
            ("::ffff:10.0.0.1", "203.0.113.5", "203.0.113.5"),
            ("10.0.0.1", "203.0.113.5, unknown", "10.0.0.1"),
        ];
        for (peer, forwarded, client) in cases {
            let mut headers = HeaderMap::new();
            if !forwarded.is_empty() {
                headers.insert(FORWARDED_FOR, forwarded.parse().unwrap());
            }
            let found = client_ip(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), client, "{peer} {forwarded}");
        }
    }

    #[test]
    fn only_a_private_peer_that_speaks_for_itself_is_inside() {
        let trusted = ["10.9.0.0/16".parse().unwrap()];
        let cases = [
            ("127.0.0.1", "", true),
            ("::1", "", true),
            ("::ffff:192.168.1.4", "", true),
            ("172.16.0.9", "", true),
            ("fd00::2", "", true),
            ("10.9.0.1", "", false),
            ("203.0.113.5", "", false),
            ("2001:db8::7", "", false),
            ("127.0.0.1", "x-forwarded-for", false),
            ("192.168.1.4", "forwarded", false),
            ("192.168.1.4", "via", false),
        ];
        for (peer, header, inside) in cases {
            let mut headers = HeaderMap::new();
            if !header.is_empty() {
                let name: HeaderName = header.parse().unwrap();
                headers.insert(name, "203.0.113.5".parse().unwrap());
            }
            let found = is_inside(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found, inside, "{peer} {header}");
        }
    }

    #[test]
    fn a_network_is_one_owner_and_who_stands_for_many_is_none() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let cases = [
            ("192.0.2.7", Some("192.0.2.7")),
            ("2001:db8:1:2:aaaa::7", Some("2001:db8:1:2::")),
            ("2001:db8:1:2:bbbb::8", Some("2001:db8:1:2::")),
            ("2001:db8:1:3:bbbb::8", Some("2001:db8:1:3::")),
            ("127.0.0.2", Some("127.0.0.2")),
            ("127.0.0.1", None),
            ("::1", None),
            ("10.0.0.9", None),
        ];
        for (ip, expected) in cases {
            let found = owner(ip.parse().unwrap(), &trusted);
            let expected = expected.map(|ip| ip.parse::<IpAddr>().unwrap());
            assert_eq!(found, expected, "{ip}");
        }
    }

    #[test]
    fn nobody_is_believed_when_nobody_is_trusted() {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, "203.0.113.5".parse().unwrap());
        let peer: IpAddr = "127.0.0.1".parse().unwrap();
        assert_eq!(client_ip(peer, &headers, &[]), peer);
    }
}

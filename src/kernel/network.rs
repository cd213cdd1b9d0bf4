//! Whose address an address is.

use std::net::IpAddr;

/// Whose share of a bounded room a request takes: its client's network, or nobody's where
/// one address stands for many. The port leaves it in the extensions of every request.
#[derive(Debug, Clone, Copy)]
pub struct Owner(pub Option<IpAddr>);

/// What counts as one address: with IPv6 a network hands everybody a whole /64 at least,
/// so that is one here; an IPv4 address in the clothes of IPv6 is itself.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
        ip @ IpAddr::V4(_) => ip,
    }
}

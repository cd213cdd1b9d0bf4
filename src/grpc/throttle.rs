//! How often callers may call: each signed-in user by class, and each address by class.

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::rates::{Class, Rates};
use super::status::whole_seconds;
use crate::cache::{Limit, Quota, RateLimit};
use crate::kernel::{Caller, Error, Reason, Result};
use crate::pb::policy::MethodPolicy;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Many people share the address of a household, an office or a mobile carrier.
const USERS_PER_ADDRESS: u32 = 10;

/// Counts calls against the limits of their classes.
pub(super) struct Throttle {
    counts: Arc<dyn RateLimit>,
    rates: Rates,
}

impl Throttle {
    pub(super) fn new(counts: Arc<dyn RateLimit>, rates: Rates) -> Self {
        Self { counts, rates }
    }

    /// Takes one call from the caller's allowance; nothing where none is counted.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED with the time after which a retry makes sense.
    pub(super) async fn take(
        &self,
        policy: &MethodPolicy,
        caller: &Caller,
        ip: Option<IpAddr>,
    ) -> Result<Option<Quota>> {
        let Some(limit) = Class::of(policy.rate).and_then(|class| self.rates.of(class)) else {
            return Ok(None);
        };
        let Some(user) = caller.user_id() else {
            let Some(ip) = ip else { return Ok(None) };
            let key = Key::of(format_args!("ip {}", network(ip)));
            return self.counts.take(limit, key.as_str()).await.map(Some);
        };
        if let Some(ip) = ip {
            let key = Key::of(format_args!("users of {}", network(ip)));
            let many = NonZeroU32::new(USERS_PER_ADDRESS).unwrap_or(NonZeroU32::MIN);
            let shared = Limit {
                count: limit.count.saturating_mul(many),
                ..*limit
            };
            self.counts.take(&shared, key.as_str()).await?;
        }
        let key = Key::of(format_args!("{}", user.uuid()));
        self.counts.take(limit, key.as_str()).await.map(Some)
    }
}

/// Tells the caller what is left.
pub(super) fn tell(quota: &Quota, headers: &mut HeaderMap) {
    headers.insert(LIMIT, HeaderValue::from(quota.limit));
    headers.insert(REMAINING, HeaderValue::from(quota.remaining));
    headers.insert(RESET, HeaderValue::from(whole_seconds(quota.reset)));
}

/// The allowance of a caller who is refused because it is spent.
pub(super) fn spent(refusal: &Error) -> Option<Quota> {
    let limit = refusal.metadata().get("limit")?.parse().ok()?;
    let exceeded = refusal.reason() == Reason::RateLimitExceeded;
    exceeded.then_some(Quota {
        limit,
        remaining: 0,
        reset: refusal.retry_delay()?,
    })
}

/// What counts as one address: with IPv6 everybody has a whole /64 at least.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => {
            let bits = u128::from(ip) & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
        ip @ IpAddr::V4(_) => ip,
    }
}

/// A short text on the stack: every call makes one or two.
struct Key {
    bytes: [u8; 64],
    len: usize,
}

impl Key {
    fn of(text: fmt::Arguments<'_>) -> Self {
        let mut key = Self {
            bytes: [0; 64],
            len: 0,
        };
        // The longest address and a UUID fit; what did not would be cut.
        match key.write_fmt(text) {
            Ok(()) | Err(fmt::Error) => key,
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Key {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = &mut self.bytes[self.len..];
        let room = room.get_mut(..text.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::LocalRateLimit;
    use crate::kernel::{Clock, Id, Role, Time};
    use crate::pb::policy;
    use std::time::Duration;

    const WRITE: &str = "/souk.orders.v1.OrderService/CancelOrder";
    const HEALTH: &str = "/souk.ops.v1.OpsService/CheckHealth";

    fn throttle(calls: u32) -> Throttle {
        let clock = Clock::manual(Time::default());
        let mut rates = Rates::off();
        for class in Class::ALL {
            let count = NonZeroU32::new(calls).unwrap();
            rates.set(class, Some(class.limit(count, Duration::from_secs(60))));
        }
        Throttle::new(Arc::new(LocalRateLimit::new(clock)), rates)
    }

    fn user() -> Caller {
        Caller::User {
            id: Id::new(Time::default()),
            role: Role::Customer,
            session: Id::new(Time::default()),
        }
    }

    #[tokio::test]
    async fn guests_count_by_address_and_users_by_themselves() {
        let throttle = throttle(1);
        let policy = policy::policy(WRITE).unwrap();
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        let guest = Caller::Anonymous;
        let quota = throttle.take(policy, &guest, here).await.unwrap().unwrap();
        assert_eq!((quota.limit, quota.remaining), (1, 0));
        let refused = throttle.take(policy, &guest, here).await.unwrap_err();
        assert_eq!(refused.reason(), Reason::RateLimitExceeded);
        assert_eq!(spent(&refused).unwrap().limit, 1);
        let (one, other) = (user(), user());
        throttle.take(policy, &one, here).await.unwrap();
        throttle.take(policy, &one, here).await.unwrap_err();
        throttle.take(policy, &other, here).await.unwrap();
    }

    #[tokio::test]
    async fn an_address_bounds_all_of_its_users_together() {
        let throttle = throttle(1);
        let policy = policy::policy(WRITE).unwrap();
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        for _ in 0..USERS_PER_ADDRESS {
            throttle.take(policy, &user(), here).await.unwrap();
        }
        throttle.take(policy, &user(), here).await.unwrap_err();
    }

    #[tokio::test]
    async fn health_is_never_counted() {
        let throttle = throttle(1);
        let policy = policy::policy(HEALTH).unwrap();
        let here = Some(IpAddr::from([192, 0, 2, 1]));
        for _ in 0..3 {
            let quota = throttle
                .take(policy, &Caller::Anonymous, here)
                .await
                .unwrap();
            assert_eq!(quota, None);
        }
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_address() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        let longest = Key::of(format_args!(
            "users of {}",
            "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
        ));
        assert!(longest.len < 64);
    }
}

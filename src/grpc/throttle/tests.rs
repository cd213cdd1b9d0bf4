use super::*;
use crate::cache::LocalRateLimit;
use crate::kernel::{Clock, Id, Role, Time};
use crate::pb::policy;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

const WRITE: &str = "/souk.orders.v1.OrderService/CancelOrder";
const READ: &str = "/souk.orders.v1.OrderService/GetOrder";
const OTP: &str = "/souk.auth.v1.AuthService/RequestOtp";
const LOGIN: &str = "/souk.auth.v1.AuthService/VerifyOtp";
const HEALTH: &str = "/souk.ops.v1.OpsService/CheckHealth";

fn throttle(calls: u32) -> Throttle {
    let clock = Clock::manual(Time::default());
    let mut rates = Rates::off();
    for class in Class::ALL {
        let count = NonZeroU32::new(calls).unwrap();
        rates.set(class, Some(class.limit(count, Duration::from_secs(60))));
    }
    let counts: Arc<dyn RateLimit> = Arc::new(LocalRateLimit::new(clock));
    let limiters = Limiters {
        usual: counts.clone(),
        strict: counts.clone(),
        local: counts,
    };
    Throttle::new(limiters, rates)
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

/// A limiter that cannot count while it is away.
struct Remote {
    inner: LocalRateLimit,
    is_away: AtomicBool,
    calls: AtomicU32,
}

#[async_trait::async_trait]
impl RateLimit for Remote {
    async fn take(&self, limit: &Limit, key: &str) -> Result<Quota> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Error::unavailable(
                "the cache is away",
                "connection refused",
            ));
        }
        self.inner.take(limit, key).await
    }
}

fn remote(is_away: bool) -> Arc<Remote> {
    Arc::new(Remote {
        inner: LocalRateLimit::new(Clock::manual(Time::default())),
        is_away: AtomicBool::new(is_away),
        calls: AtomicU32::new(0),
    })
}

fn with(usual: Arc<Remote>, strict: Arc<Remote>) -> Throttle {
    Throttle {
        limiters: Limiters {
            usual,
            strict,
            local: remote(false),
        },
        ..throttle(2)
    }
}

/// How the third call in a row of each of these fares, as a guest.
async fn third(throttle: &Throttle, path: &str) -> Option<Reason> {
    let policy = policy::policy(path).unwrap();
    let here = Some(IpAddr::from([192, 0, 2, 1]));
    let mut last = None;
    for _ in 0..3 {
        let outcome = throttle.take(policy, &Caller::Anonymous, here).await;
        last = outcome.err().map(|refusal| refusal.reason());
    }
    last
}

#[tokio::test]
async fn without_its_limiter_sign_in_counts_elsewhere_and_the_rest_by_itself() {
    let (strict, local) = (remote(false), remote(false));
    let mut throttle = with(remote(true), strict.clone());
    throttle.limiters.local = local.clone();
    for path in [OTP, LOGIN, READ, WRITE] {
        let refused = third(&throttle, path).await;
        assert_eq!(refused, Some(Reason::RateLimitExceeded), "{path}");
    }
    assert_eq!(strict.calls.load(Ordering::SeqCst), 6);
    assert_eq!(local.calls.load(Ordering::SeqCst), 6);
}

#[tokio::test]
async fn when_nobody_can_count_sign_in_is_closed_and_the_rest_goes_on() {
    let throttle = with(remote(true), remote(true));
    for path in [OTP, LOGIN] {
        let refused = third(&throttle, path).await;
        assert_eq!(refused, Some(Reason::Unavailable), "{path}");
    }
    let refused = third(&throttle, READ).await;
    assert_eq!(refused, Some(Reason::RateLimitExceeded));
}

#[tokio::test]
async fn the_limiter_counts_again_when_it_is_back() {
    let usual = remote(true);
    let throttle = with(usual.clone(), remote(false));
    third(&throttle, READ).await;
    assert!(throttle.is_away.load(Ordering::Relaxed));
    usual.is_away.store(false, Ordering::SeqCst);
    let refused = third(&throttle, READ).await;
    assert_eq!(refused, Some(Reason::RateLimitExceeded));
    assert_eq!(usual.calls.load(Ordering::SeqCst), 6);
    assert!(!throttle.is_away.load(Ordering::Relaxed));
}

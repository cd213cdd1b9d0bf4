//! How often callers may call: each signed-in user by class, and each address by class.

use std::fmt::{self, Write};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use metrics::counter;

use super::rates::{Class, Rates};
use super::status::whole_seconds;
use crate::cache::{Limit, Quota, RateLimit};
use crate::kernel::network::network;
use crate::kernel::{Caller, Error, Reason, Result};
use crate::pb::policy::MethodPolicy;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Many people share the address of a household, an office or a mobile carrier.
const USERS_PER_ADDRESS: u32 = 10;

/// Who counts calls.
#[derive(Clone)]
pub struct Limiters {
    /// Counts all calls.
    pub usual: Arc<dyn RateLimit>,
    /// Counts those of the strict classes while the usual one cannot.
    pub strict: Arc<dyn RateLimit>,
    /// Counts the others meanwhile, in this process alone.
    pub local: Arc<dyn RateLimit>,
}

/// Counts calls against the limits of their classes.
pub(super) struct Throttle {
    limiters: Limiters,
    rates: Rates,
    /// The usual limiter failed the last time.
    is_away: AtomicBool,
}

impl Throttle {
    pub(super) fn new(limiters: Limiters, rates: Rates) -> Self {
        Self {
            limiters,
            rates,
            is_away: AtomicBool::new(false),
        }
    }

    /// Takes one call from the caller's allowance; nothing where none is counted.
    ///
    /// # Errors
    /// RATE_LIMIT_EXCEEDED with the time after which a retry makes sense; UNAVAILABLE when
    /// nobody can count a call of a strict class.
    pub(super) async fn take(
        &self,
        policy: &MethodPolicy,
        caller: &Caller,
        ip: Option<IpAddr>,
    ) -> Result<Option<Quota>> {
        let Some(class) = Class::of(policy.rate) else {
            return Ok(None);
        };
        let Some(limit) = self.rates.of(class) else {
            return Ok(None);
        };
        let outcome = self.allow(class, limit, caller, ip).await;
        if let Err(refusal) = &outcome
            && refusal.reason() == Reason::RateLimitExceeded
        {
            let (class, _) = class.setting();
            counter!("souk_rate_refusals_total", "class" => class).increment(1);
        }
        outcome
    }

    async fn allow(
        &self,
        class: Class,
        limit: &Limit,
        caller: &Caller,
        ip: Option<IpAddr>,
    ) -> Result<Option<Quota>> {
        let Some(user) = caller.user_id() else {
            let Some(ip) = ip else { return Ok(None) };
            let key = Key::of(format_args!("ip {}", network(ip)));
            return self.count(class, limit, key.as_str()).await;
        };
        if let Some(ip) = ip {
            let key = Key::of(format_args!("users of {}", network(ip)));
            let many = NonZeroU32::new(USERS_PER_ADDRESS).unwrap_or(NonZeroU32::MIN);
            let shared = Limit {
                count: limit.count.saturating_mul(many),
                ..*limit
            };
            let own = Key::of(format_args!("{}", user.uuid()));
            // Together, since each may be a way to Redis and back.
            let (all, own) = tokio::join!(
                self.count(class, &shared, key.as_str()),
                self.count(class, limit, own.as_str()),
            );
            return all.and(own);
        }
        let key = Key::of(format_args!("{}", user.uuid()));
        self.count(class, limit, key.as_str()).await
    }

    /// Counts one call. While the usual limiter is away, a strict class counts elsewhere
    /// for all processes together, and the others in each process by itself: a shop that
    /// nobody can enter helps nobody.
    async fn count(&self, class: Class, limit: &Limit, key: &str) -> Result<Option<Quota>> {
        let refusal = match self.limiters.usual.take(limit, key).await {
            Ok(quota) => {
                self.note(None);
                return Ok(Some(quota));
            }
            Err(refusal) => refusal,
        };
        if refusal.reason() == Reason::RateLimitExceeded {
            self.note(None);
            return Err(refusal);
        }
        self.note(Some(&refusal));
        if !class.is_strict() {
            return self.limiters.local.take(limit, key).await.map(Some);
        }
        match self.limiters.strict.take(limit, key).await {
            Ok(quota) => Ok(Some(quota)),
            Err(refusal) if refusal.reason() == Reason::RateLimitExceeded => Err(refusal),
            Err(away) => Err(Error::unavailable("calls cannot be counted now", away)),
        }
    }

    /// Tells when the usual limiter goes and when it comes back, not with every call.
    fn note(&self, away: Option<&Error>) {
        let is_away = away.is_some();
        let is_known = self.is_away.load(Ordering::Relaxed) == is_away;
        if is_known || self.is_away.swap(is_away, Ordering::Relaxed) == is_away {
            return;
        }
        match away {
            Some(error) => tracing::warn!(
                error = ?error,
                "the limiter is away: sign-in counts in the database, other calls in each process"
            ),
            None => tracing::info!("the limiter is back"),
        }
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
mod tests;

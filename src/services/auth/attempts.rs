//! How often a password may be wrong. The rules are pure; `store::attempts` counts.
//!
//! A try is written down as a failure before the password is looked at, and taken back
//! when it was right. So tries that run together are counted one by one, on any process,
//! and none is verified beyond the limit.

use std::net::IpAddr;
use std::time::Duration;

use hmac::Mac;

use super::request::source;
use super::store;
use crate::db::Tx;
use crate::kernel::id::UserId;
use crate::kernel::phone::Phone;
use crate::kernel::seal::hmac;
use crate::kernel::{Call, Error, Reason, Result, Secret, Time};

const QUARTER: Duration = Duration::from_secs(15 * 60);
/// How long failures count.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// After this long without an answer a try was a failure: its process has died.
const ANSWERED: Duration = Duration::from_secs(30);

/// Of one account from one address within a quarter of an hour.
const PAIR_MAX: i64 = 10;
/// From one address within a quarter of an hour, whatever the account.
const SOURCE_MAX: i64 = 100;
/// Of one account within a day, from anywhere.
const ACCOUNT_MAX: i64 = 100;
/// Wrong one-time passwords of one phone within a day.
const CODES_MAX: i64 = 100;
/// The source of wrong one-time passwords, which count by phone alone.
pub(super) const CODES: &str = "otp";

/// An account as its failures know it: a keyed hash, so that the rows name nobody. An
/// address without an account has one too, and is counted alike.
pub(super) type Account = [u8; 32];

/// Makes those hashes.
#[derive(Debug)]
pub(super) struct Keys(Secret<Vec<u8>>);

impl Keys {
    pub(super) const fn new(secret: Secret<Vec<u8>>) -> Self {
        Self(secret)
    }

    pub(super) fn of_email(&self, email: &str) -> Account {
        self.key("email", email.as_bytes())
    }

    pub(super) fn of_user(&self, user: UserId) -> Account {
        self.key("user", user.uuid().as_bytes())
    }

    pub(super) fn of_phone(&self, phone: &Phone) -> Account {
        self.key("phone", phone.as_str().as_bytes())
    }

    fn key(&self, kind: &str, value: &[u8]) -> Account {
        let mut mac = hmac(self.0.expose());
        for part in [b"attempts", kind.as_bytes(), value] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Who tries what from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub account: Account,
    pub source: String,
}

impl Subject {
    pub(super) fn new(account: Account, call: &Call) -> Self {
        Self {
            account,
            source: source_of(call.ip),
        }
    }
}

/// The address that a call counts by; calls without one are counted together.
pub(super) fn source_of(ip: Option<IpAddr>) -> String {
    ip.map_or_else(|| "unknown".to_owned(), source)
}

/// How many tries there are within a span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub tries: i64,
    /// Those of them whose answer is not known yet.
    pub pending: i64,
    pub oldest: Option<Time>,
}

/// The tries that a sign-in is measured by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tallies {
    pub pair: Tally,
    pub source: Tally,
    pub account: Tally,
}

/// Since when tries count, each kind of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    pub quarter: Time,
    pub day: Time,
    pub answered: Time,
}

impl Since {
    pub(super) fn at(now: Time) -> Self {
        Self {
            quarter: now - QUARTER,
            day: now - KEPT,
            answered: now - ANSWERED,
        }
    }
}

/// Whether one more password may be tried.
///
/// # Errors
/// RATE_LIMIT_EXCEEDED with the wait; CONFLICT when it depends on tries that run now.
pub(super) fn check(tallies: &Tallies, now: Time) -> Result<()> {
    let limits = [
        (tallies.pair, PAIR_MAX, QUARTER),
        (tallies.source, SOURCE_MAX, QUARTER),
        (tallies.account, ACCOUNT_MAX, KEPT),
    ];
    let waits = limits.map(|(tally, max, span)| locked_for(tally, max, span, now));
    if let Some(wait) = waits.into_iter().flatten().max() {
        return Err(Error::new(
            Reason::RateLimitExceeded,
            "too many failed sign-ins, try again later",
        )
        .retry_after(wait));
    }
    if limits.iter().any(|(tally, max, _)| tally.tries >= *max) {
        return Err(
            Error::new(Reason::Conflict, "other sign-ins are under way, try again")
                .retry_after(Duration::from_millis(200)),
        );
    }
    Ok(())
}

/// Whether one more one-time password of a phone may be tried.
///
/// # Errors
/// OTP_RATE_LIMITED with the wait.
fn check_codes(tally: Tally, now: Time) -> Result<()> {
    match locked_for(tally, CODES_MAX, KEPT, now) {
        None => Ok(()),
        Some(wait) => Err(Error::new(
            Reason::OtpRateLimited,
            "too many wrong one-time passwords, try again later",
        )
        .retry_after(wait)),
    }
}

fn locked_for(tally: Tally, max: i64, span: Duration, now: Time) -> Option<Duration> {
    let is_locked = tally.tries - tally.pending >= max;
    is_locked.then(|| {
        tally
            .oldest
            .map_or(span, |oldest| (oldest + span).since(now))
    })
}

/// Refuses tries of a phone whose one-time passwords were wrong too often today. Call it
/// while the phone's challenge is held, so that the count is exact.
///
/// # Errors
/// OTP_RATE_LIMITED.
pub(super) async fn admit_code(tx: &Tx, keys: &Keys, phone: &Phone) -> Result<()> {
    let since = tx.now() - KEPT;
    let tally = store::attempts::tally_account(tx, &keys.of_phone(phone), since).await?;
    check_codes(tally, tx.now())
}

/// Counts a wrong one-time password.
///
/// # Errors
/// Those of the database.
pub(super) async fn count_code(tx: &Tx, keys: &Keys, phone: &Phone) -> Result<()> {
    let subject = Subject {
        account: keys.of_phone(phone),
        source: CODES.to_owned(),
    };
    store::attempts::insert(tx, &subject, false).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Time {
        Time::default() + Duration::from_secs(1_000_000)
    }

    fn tally(tries: i64, pending: i64, age: u64) -> Tally {
        Tally {
            tries,
            pending,
            oldest: Some(now() - Duration::from_secs(age)),
        }
    }

    #[test]
    fn each_limit_locks_until_its_oldest_failure_has_aged() {
        let none = Tallies::default();
        let cases = [
            (
                Tallies {
                    pair: tally(9, 0, 600),
                    ..none
                },
                None,
            ),
            (
                Tallies {
                    pair: tally(10, 0, 600),
                    ..none
                },
                Some(300),
            ),
            (
                Tallies {
                    source: tally(99, 0, 0),
                    ..none
                },
                None,
            ),
            (
                Tallies {
                    source: tally(100, 0, 0),
                    ..none
                },
                Some(900),
            ),
            (
                Tallies {
                    account: tally(99, 0, 1),
                    ..none
                },
                None,
            ),
            (
                Tallies {
                    account: tally(100, 0, 400),
                    ..none
                },
                Some(86_000),
            ),
            // The longest wait is told.
            (
                Tallies {
                    pair: tally(10, 0, 1),
                    account: tally(100, 0, 400),
                    ..none
                },
                Some(86_000),
            ),
        ];
        for (tallies, wait) in cases {
            let refused = check(&tallies, now()).err();
            let told = refused.as_ref().map(Error::reason);
            assert_eq!(told, wait.map(|_| Reason::RateLimitExceeded), "{tallies:?}");
            let told = refused.and_then(|error| error.retry_delay());
            assert_eq!(told, wait.map(Duration::from_secs), "{tallies:?}");
        }
    }

    #[test]
    fn tries_that_run_fill_the_limit_but_are_no_failures() {
        let full = Tallies {
            pair: tally(10, 1, 0),
            ..Tallies::default()
        };
        let refused = check(&full, now()).unwrap_err();
        assert_eq!(refused.reason(), Reason::Conflict);
        let room = Tallies {
            pair: tally(9, 9, 0),
            ..Tallies::default()
        };
        assert!(check(&room, now()).is_ok());
    }

    #[test]
    fn an_account_is_known_by_a_keyed_hash() {
        let (keys, other) = (
            Keys::new(Secret::new(vec![1; 32])),
            Keys::new(Secret::new(vec![2; 32])),
        );
        let key = keys.of_email("amina@example.dz");
        assert_eq!(key, keys.of_email("amina@example.dz"));
        assert_ne!(key, keys.of_email("amina@example.fr"));
        assert_ne!(key, other.of_email("amina@example.dz"));
    }
}

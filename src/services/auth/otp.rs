//! The rules of one-time passwords: how one follows from its seed, and how many may be
//! sent. Pure.

use std::time::Duration;

use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::kernel::id::UserId;
use crate::kernel::phone::Phone;
use crate::kernel::seal::hmac;
use crate::kernel::{Error, Reason, Result, Secret, Time};

/// How long a password works.
pub(super) const TTL: Duration = Duration::from_secs(120);
/// Tries per password.
pub(super) const ATTEMPTS_MAX: i32 = 5;
/// How long sends count.
pub(super) const SENDS_KEPT: Duration = Duration::from_secs(60 * 60);

const MINUTE: Duration = Duration::from_secs(60);

/// What a password is good for. It opens nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A session.
    SignIn,
    /// To make the phone this user's.
    ChangePhone(UserId),
}

impl Purpose {
    /// The word in the database.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "SIGN_IN",
            Self::ChangePhone(_) => "CHANGE_PHONE",
        }
    }

    /// The one who asked, where nobody else may use the password.
    pub(super) const fn user(self) -> Option<UserId> {
        match self {
            Self::SignIn => None,
            Self::ChangePhone(user) => Some(user),
        }
    }

    /// The purpose of a row.
    pub(super) fn from_row(word: &str, user: Option<UserId>) -> Option<Self> {
        match (word, user) {
            ("SIGN_IN", None) => Some(Self::SignIn),
            ("CHANGE_PHONE", Some(user)) => Some(Self::ChangePhone(user)),
            _ => None,
        }
    }

    /// The message that brings a password.
    pub(super) fn text(self, code: &str) -> String {
        let minutes = TTL.as_secs() / 60;
        match self {
            Self::SignIn => {
                format!("{code} is your souk code. It works for {minutes} minutes.")
            }
            Self::ChangePhone(_) => format!(
                "{code} is your souk code to make this number yours. \
                 It works for {minutes} minutes."
            ),
        }
    }
}

/// Random bytes from which, with the server's secret, a password follows.
pub(super) type Seed = [u8; 32];

/// Makes and checks passwords.
#[derive(Debug)]
pub(super) struct Codes {
    secret: Secret<Vec<u8>>,
    fixed: Option<String>,
}

impl Codes {
    /// `fixed` replaces every password, for development.
    pub(super) const fn new(secret: Secret<Vec<u8>>, fixed: Option<String>) -> Self {
        Self { secret, fixed }
    }

    /// The six digits of a challenge.
    ///
    /// They are not stored, not even hashed: a million hashes are soon tried. They are
    /// the HMAC of a random seed, bound to phone and purpose and whoever alone may use
    /// it, so that who reads the database learns nothing without the secret, and a row
    /// moved to another phone or user is worth nothing. The bias of the remainder is
    /// below 10⁻¹³.
    pub(super) fn code(&self, purpose: Purpose, phone: &Phone, seed: &[u8]) -> String {
        if let Some(fixed) = &self.fixed {
            return fixed.clone();
        }
        let mut mac = hmac(self.secret.expose());
        let user = purpose.user().map(|user| user.uuid().into_bytes());
        let user = user.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        let (purpose, phone) = (purpose.as_str().as_bytes(), phone.as_str().as_bytes());
        for part in [purpose, phone, user, seed] {
            // The length keeps the parts from running into one another.
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let digest = mac.finalize().into_bytes();
        let number = digest[..8]
            .iter()
            .fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("{:06}", number % 1_000_000)
    }

    /// Whether `given` is the password, in a time that does not tell how much of it is.
    pub(super) fn matches(
        &self,
        purpose: Purpose,
        phone: &Phone,
        seed: &[u8],
        given: &str,
    ) -> bool {
        let expected = self.code(purpose, phone, seed);
        bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
    }
}

/// One password that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Send {
    pub phone: String,
    pub ip: Option<String>,
    pub at: Time,
}

/// Whether one more may be sent to `phone` at the wish of `ip`. `sends` are those of
/// either within the last hour, the oldest first.
///
/// # Errors
/// OTP_RATE_LIMITED with the wait.
pub(super) fn check_sends(
    sends: &[Send],
    phone: &Phone,
    ip: Option<&str>,
    now: Time,
) -> Result<()> {
    let same_phone = |send: &Send| send.phone == phone.as_str();
    let same_ip = |send: &Send| ip.is_some() && send.ip.as_deref() == ip;
    let pair = |send: &Send| same_phone(send) && send.ip.as_deref() == ip;
    let waits = [
        wait(sends.iter().filter(|send| pair(send)), 5, MINUTE, now),
        wait(
            sends.iter().filter(|send| same_phone(send)),
            10,
            SENDS_KEPT,
            now,
        ),
        wait(
            sends.iter().filter(|send| same_ip(send)),
            30,
            SENDS_KEPT,
            now,
        ),
    ];
    match waits.into_iter().flatten().max() {
        None => Ok(()),
        Some(wait) => Err(Error::new(
            Reason::OtpRateLimited,
            "too many one-time passwords were asked for, try again later",
        )
        .retry_after(wait)),
    }
}

/// How long until fewer than `max` of the sends lie within `span`; nothing when they do.
fn wait<'a>(
    sends: impl Iterator<Item = &'a Send>,
    max: usize,
    span: Duration,
    now: Time,
) -> Option<Duration> {
    let recent: Vec<Time> = sends
        .map(|send| send.at)
        .filter(|at| now < *at + span)
        .collect();
    let oldest_that_must_go = recent.len().checked_sub(max)?;
    Some((recent[oldest_that_must_go] + span).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(text: &str) -> Phone {
        Phone::parse(text, None).unwrap()
    }

    fn at(seconds: u64) -> Time {
        Time::default() + Duration::from_secs(1_000_000 + seconds)
    }

    fn sends(phone: &str, ip: &str, times: impl IntoIterator<Item = u64>) -> Vec<Send> {
        let send = |seconds| Send {
            phone: phone.to_owned(),
            ip: Some(ip.to_owned()),
            at: at(seconds),
        };
        times.into_iter().map(send).collect()
    }

    #[test]
    fn a_password_is_bound_to_secret_phone_and_seed() {
        let codes = Codes::new(Secret::new(b"secret".to_vec()), None);
        let other = Codes::new(Secret::new(b"another".to_vec()), None);
        let (amina, yacine) = (phone("0551234567"), phone("0661234567"));
        let all: Vec<String> = (0..64u8)
            .map(|n| codes.code(Purpose::SignIn, &amina, &[n; 32]))
            .collect();
        assert!(all.iter().all(|code| code.len() == 6));
        let differ = |codes: &Codes, phone: &Phone| {
            (0..64u8).any(|n| codes.code(Purpose::SignIn, phone, &[n; 32]) != all[usize::from(n)])
        };
        assert!(!differ(&codes, &amina));
        assert!(differ(&codes, &yacine));
        assert!(differ(&other, &amina));
        assert!(all.iter().any(|code| *code != all[0]));
        let mine = Purpose::ChangePhone(UserId::new(Time::default()));
        let theirs = Purpose::ChangePhone(UserId::new(Time::default()));
        let of = |purpose| -> Vec<String> {
            (0..64u8)
                .map(|n| codes.code(purpose, &amina, &[n; 32]))
                .collect()
        };
        assert_ne!(of(mine), all);
        assert_ne!(of(mine), of(theirs));
        assert_eq!(of(mine), of(mine));
        assert!(codes.matches(Purpose::SignIn, &amina, &[3; 32], &all[3]));
        assert!(!codes.matches(Purpose::SignIn, &amina, &[3; 32], "12345"));
    }

    #[test]
    fn the_fixed_password_of_development_replaces_all() {
        let codes = Codes::new(Secret::new(b"secret".to_vec()), Some("000000".to_owned()));
        assert!(codes.matches(Purpose::SignIn, &phone("0551234567"), &[1; 32], "000000"));
    }

    #[test]
    fn the_sixth_send_within_a_minute_waits_for_the_first_to_age() {
        let amina = phone("0551234567");
        let five = sends(amina.as_str(), "ip", [0, 10, 20, 30, 40]);
        let refused = check_sends(&five, &amina, Some("ip"), at(45)).unwrap_err();
        assert_eq!(refused.reason(), Reason::OtpRateLimited);
        assert_eq!(refused.retry_delay(), Some(Duration::from_secs(15)));
        assert!(check_sends(&five, &amina, Some("ip"), at(60)).is_ok());
        // The minute slides: a burst at its end is not followed by another.
        let late = sends(amina.as_str(), "ip", [0, 57, 58, 59, 59]);
        assert!(check_sends(&late, &amina, Some("ip"), at(60)).is_ok());
        let more = sends(amina.as_str(), "ip", [0, 57, 58, 59, 59, 60]);
        assert!(check_sends(&more, &amina, Some("ip"), at(61)).is_err());
        // Another address has its own minute, and so has another phone.
        assert!(check_sends(&five, &amina, Some("other"), at(45)).is_ok());
        assert!(check_sends(&five, &phone("0661234567"), Some("ip"), at(45)).is_ok());
    }

    #[test]
    fn the_hourly_caps_hold_for_phone_and_address() {
        let amina = phone("0551234567");
        let spread: Vec<Send> = (0..10)
            .flat_map(|n| sends(amina.as_str(), &format!("ip{n}"), [n * 100]))
            .collect();
        assert!(check_sends(&spread, &amina, Some("new"), at(1_000)).is_err());
        assert!(check_sends(&spread, &amina, Some("new"), at(3_600)).is_ok());
        let harvest: Vec<Send> = (0..30)
            .flat_map(|n| sends(&format!("+2135500000{n:02}"), "ip", [n * 10]))
            .collect();
        assert!(check_sends(&harvest, &amina, Some("ip"), at(400)).is_err());
        assert!(check_sends(&harvest, &amina, Some("other"), at(400)).is_ok());
        assert!(check_sends(&harvest, &amina, None, at(400)).is_ok());
    }
}

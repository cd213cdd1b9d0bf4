//! The signatures of webhooks that Svix sends, for Clerk and others (the scheme is that of
//! Standard Webhooks). Pure.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Mac;
use subtle::{Choice, ConstantTimeEq};

use crate::kernel::seal::hmac;
use crate::kernel::{Error, Reason, Result, Secret, Time};

/// How far a message's time may be from ours, either way.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Ids of messages have some 30 letters.
const ID_MAX: usize = 256;
/// Signatures that are looked at; while a secret is being replaced there are two.
const SIGNATURES_MAX: usize = 16;

/// A message as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'m> {
    /// Names the message; a repeat has the same.
    pub id: &'m str,
    /// Seconds since 1970, in digits.
    pub timestamp: &'m str,
    /// `v1,<base64>`, several separated by spaces.
    pub signature: &'m str,
    /// The body, byte for byte.
    pub body: &'m [u8],
}

/// Whether one of `secrets` signed the message, and lately.
///
/// # Errors
/// SIGNATURE_INVALID, without saying in what way; SIGNATURE_EXPIRED, in the same words, for
/// a message that is genuine but not of now.
pub fn verify(secrets: &[Secret<Vec<u8>>], message: &Signed<'_>, now: Time) -> Result<()> {
    let is_id = !message.id.is_empty()
        && message.id.len() <= ID_MAX
        && message.id.bytes().all(|byte| byte.is_ascii_graphic());
    let sent = seconds(message.timestamp);
    let (true, Some(sent)) = (is_id, sent) else {
        return Err(refused(Reason::SignatureInvalid));
    };
    // Every signature is compared with every key, in constant time: how long it takes
    // tells nothing.
    let mut genuine = Choice::from(0);
    for secret in secrets {
        let expected = tag(secret, message);
        for shown in signatures(message.signature) {
            genuine |= expected.as_slice().ct_eq(&shown);
        }
    }
    if !bool::from(genuine) {
        return Err(refused(Reason::SignatureInvalid));
    }
    if now.seconds().abs_diff(sent) > TOLERANCE.as_secs() {
        return Err(refused(Reason::SignatureExpired));
    }
    Ok(())
}

fn tag(secret: &Secret<Vec<u8>>, message: &Signed<'_>) -> Vec<u8> {
    let mut mac = hmac(secret.expose());
    for part in [
        message.id.as_bytes(),
        b".",
        message.timestamp.as_bytes(),
        b".",
    ] {
        mac.update(part);
    }
    mac.update(message.body);
    mac.finalize().into_bytes().to_vec()
}

fn signatures(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.split(' ')
        .take(SIGNATURES_MAX)
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
}

/// A time in plain digits: neither a sign nor a fraction.
fn seconds(text: &str) -> Option<i64> {
    let plain = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn refused(reason: Reason) -> Error {
    Error::new(reason, "the signature is not valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of Svix's documentation.
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> Secret<Vec<u8>> {
        Secret::new(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap())
    }

    fn message() -> Signed<'static> {
        Signed {
            id: ID,
            timestamp: TIMESTAMP,
            signature: SIGNATURE,
            body: BODY,
        }
    }

    fn at(seconds: i64) -> Time {
        Time::from_micros(seconds * 1_000_000)
    }

    fn outcome(message: &Signed<'_>, now: i64) -> Option<Reason> {
        let verdict = verify(&[secret()], message, at(now));
        let refused = verdict.err()?;
        assert_eq!(refused.message(), "the signature is not valid");
        Some(refused.reason())
    }

    #[test]
    fn the_documented_message_is_genuine_for_five_minutes_either_way() {
        let sent = 1_614_265_330;
        for now in [sent - 300, sent, sent + 300] {
            assert_eq!(outcome(&message(), now), None);
        }
        for now in [sent - 301, sent + 301, 0, i64::MAX / 2_000_000] {
            assert_eq!(outcome(&message(), now), Some(Reason::SignatureExpired));
        }
    }

    #[test]
    fn any_of_several_signatures_and_secrets_suffices() {
        let wrong = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
        for signature in [
            format!("{wrong} {SIGNATURE}"),
            format!("{SIGNATURE} {wrong}"),
            format!("v1a,AAAA {SIGNATURE} v2,x"),
        ] {
            let message = Signed {
                signature: &signature,
                ..message()
            };
            assert_eq!(outcome(&message, 1_614_265_330), None);
        }
        let other = Secret::new(b"the secret that comes after".to_vec());
        let both = [other.clone(), secret()];
        assert!(verify(&both, &message(), at(1_614_265_330)).is_ok());
        let refused = verify(&[other], &message(), at(1_614_265_330));
        assert_eq!(refused.unwrap_err().reason(), Reason::SignatureInvalid);
        let none = verify(&[], &message(), at(1_614_265_330));
        assert_eq!(none.unwrap_err().reason(), Reason::SignatureInvalid);
    }

    #[test]
    fn whatever_is_changed_is_refused_alike() {
        let good = message();
        let many = format!("{} {SIGNATURE}", "v1,AAAA ".repeat(SIGNATURES_MAX).trim());
        let long = "m".repeat(ID_MAX + 1);
        let lower = SIGNATURE.to_lowercase();
        let cases = [
            Signed { id: "", ..good },
            Signed { id: &long, ..good },
            Signed {
                id: "msg_other",
                ..good
            },
            Signed {
                id: "msg_p5jXN8AQM9LWM0D4loKWxJek\n",
                ..good
            },
            Signed {
                timestamp: "",
                ..good
            },
            Signed {
                timestamp: "1614265331",
                ..good
            },
            Signed {
                timestamp: "+1614265330",
                ..good
            },
            Signed {
                timestamp: "1614265330.0",
                ..good
            },
            Signed {
                timestamp: " 1614265330",
                ..good
            },
            Signed {
                timestamp: "99999999999999999999",
                ..good
            },
            Signed {
                signature: "",
                ..good
            },
            Signed {
                signature: "v1,",
                ..good
            },
            Signed {
                signature: &SIGNATURE[3..],
                ..good
            },
            Signed {
                signature: &SIGNATURE[..SIGNATURE.len() - 4],
                ..good
            },
            Signed {
                signature: &lower,
                ..good
            },
            Signed {
                signature: &many,
                ..good
            },
            Signed {
                signature: "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                ..good
            },
            Signed { body: b"", ..good },
            Signed {
                body: br#"{"test":2432232314}"#,
                ..good
            },
            Signed {
                body: br#"{"test": 2432232315}"#,
                ..good
            },
            Signed {
                body: b"{\"test\": 2432232314}\n",
                ..good
            },
        ];
        for case in cases {
            assert_eq!(
                outcome(&case, 1_614_265_330),
                Some(Reason::SignatureInvalid),
                "{case:?}"
            );
        }
    }
}

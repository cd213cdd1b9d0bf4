//! Sign-in.

use std::time::Duration;

use super::read::{Name, Reader};
use crate::kernel::Secret;

const OTP_DEV_CODE: Name = ("OTP_DEV_CODE", "auth.otp_dev_code");
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How many sessions a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionPolicy {
    /// A new sign-in ends the others.
    Single,
    /// A new sign-in stands beside the others.
    Multi,
}

/// Sign-in.
#[derive(Debug, Clone)]
pub struct Auth {
    /// How many sessions a user has.
    pub sessions: SessionPolicy,
    /// How long an access token is good.
    pub access_ttl: Duration,
    /// How long a session lasts, however often its tokens are renewed.
    pub refresh_ttl: Duration,
    /// Development only: the one-time password that is always sent.
    pub otp_dev_code: Option<Secret<String>>,
}

pub(super) fn read(reader: &mut Reader) -> Auth {
    let code = reader.text(OTP_DEV_CODE);
    if let Some(code) = &code
        && (code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()))
    {
        reader.problem(OTP_DEV_CODE, "must be six digits");
    }
    Auth {
        sessions: reader.with(
            ("SESSION_POLICY", "auth.session_policy"),
            SessionPolicy::Single,
            "single or multi",
            |text| match text.to_ascii_lowercase().as_str() {
                "single" => Some(SessionPolicy::Single),
                "multi" => Some(SessionPolicy::Multi),
                _ => None,
            },
        ),
        access_ttl: reader.span(
            ("ACCESS_TOKEN_EXPIRES_IN", "auth.access_token_expires_in"),
            15 * MINUTE,
            15 * MINUTE,
        ),
        refresh_ttl: reader.span(
            ("REFRESH_TOKEN_EXPIRES_IN", "auth.refresh_token_expires_in"),
            30 * DAY,
            30 * DAY,
        ),
        otp_dev_code: code.map(Secret::new),
    }
}

/// Whether a one-time password is fixed, which only development may do.
pub(super) fn otp_is_fixed(auth: &Auth) -> bool {
    auth.otp_dev_code.is_some()
}

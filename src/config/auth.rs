//! Sign-in.

use std::time::Duration;

use super::read::{Name, Problem, Reader, refused};
use crate::kernel::Secret;

const OTP_DEV_CODE: Name = ("OTP_DEV_CODE", "auth.otp_dev_code");
const ADMIN_BOOTSTRAP_TOKEN: Name = ("ADMIN_BOOTSTRAP_TOKEN", "auth.admin_bootstrap_token");
/// A token that makes administrators must not be guessed.
const TOKEN_BYTES: usize = 32;
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
    /// Where the links of mails lead: the client, without a slash at the end.
    pub client_url: String,
    /// Makes the first administrator, while there is none.
    pub bootstrap_token: Option<Secret<String>>,
    /// Development only: anybody may register as an administrator.
    pub admin_signup: bool,
    /// How many passwords are hashed at once; unset, half as many as there are cores.
    pub password_hashers: Option<usize>,
}

pub(super) fn read(reader: &mut Reader) -> Auth {
    let code = reader.text(OTP_DEV_CODE);
    if let Some(code) = &code
        && (code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()))
    {
        reader.problem(OTP_DEV_CODE, "must be six digits");
    }
    let token = reader.text(ADMIN_BOOTSTRAP_TOKEN);
    if token
        .as_ref()
        .is_some_and(|token| token.len() < TOKEN_BYTES)
    {
        reader.problem(ADMIN_BOOTSTRAP_TOKEN, "must have at least 32 bytes");
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
        client_url: reader.with(
            ("CLIENT_URL", "auth.client_url"),
            "http://localhost:3000".to_owned(),
            "a URL that begins with https:// or http://",
            client_url,
        ),
        bootstrap_token: token.map(Secret::new),
        admin_signup: reader.flag(("ALLOW_ADMIN_SIGNUP", "auth.allow_admin_signup"), false),
        password_hashers: reader.with(
            ("PASSWORD_HASHERS", "auth.password_hashers"),
            None,
            "a number from 1 to 64",
            |text| {
                let number = text.parse().ok()?;
                (1..=64).contains(&number).then_some(Some(number))
            },
        ),
    }
}

/// The address of the client; links are appended to it.
fn client_url(text: &str) -> Option<String> {
    let uri: http::Uri = text.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    (is_web && uri.host().is_some() && uri.query().is_none())
        .then(|| text.trim_end_matches('/').to_owned())
}

/// What production must not start with.
pub(super) fn refusals(auth: &Auth) -> Vec<Problem> {
    refused([
        (
            auth.otp_dev_code.is_some(),
            OTP_DEV_CODE.0,
            "must not be set: with it anybody signs in as anyone",
        ),
        (
            auth.admin_signup,
            "ALLOW_ADMIN_SIGNUP",
            "must be off: with it anybody registers as an administrator",
        ),
    ])
}

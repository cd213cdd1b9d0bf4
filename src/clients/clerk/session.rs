//! The session tokens of Clerk: what they must say to be believed.

use serde::Deserialize;

use super::Settings;
use super::keys::KeySet;
use crate::kernel::Time;
use crate::kernel::signing::Compact;

/// How far Clerk's clock and ours may be apart.
const LEEWAY_SECONDS: i64 = 10;
/// Letters of a subject, a session or a key's name.
const NAME_MAX: usize = 128;

/// A session at Clerk, proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session (`sess_…`).
    pub id: String,
    /// Names the person (`user_…`).
    pub subject: String,
}

/// What is wrong with a token. Its bearer is told only that it is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// It is not what Clerk gives for this marketplace.
    Invalid,
    /// It is right in every way but time.
    Expired,
}

/// What matters of the header. What would bring a key of its own, or ask for what is not
/// done here, must not be there; Clerk has some more that says nothing.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
    jku: Option<serde_json::Value>,
    jwk: Option<serde_json::Value>,
    x5u: Option<serde_json::Value>,
    x5c: Option<serde_json::Value>,
    b64: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    sid: String,
    exp: i64,
    nbf: i64,
    azp: Option<String>,
    sts: Option<String>,
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

/// Who a token says that it is of.
pub(super) fn issuer(token: &str) -> Option<String> {
    let claims: Issuer = Compact::of(token)?.claims()?;
    Some(claims.iss)
}

/// The session that a token proves. What costs nothing is looked at first, so that few
/// tokens make souk ask for keys.
pub(super) async fn prove(
    settings: &Settings,
    keys: &KeySet,
    now: Time,
    token: &str,
) -> Result<Session, Unproven> {
    let token = Compact::of(token).ok_or(Unproven::Invalid)?;
    let header: Header = token.header().ok_or(Unproven::Invalid)?;
    let claims: Claims = token.claims().ok_or(Unproven::Invalid)?;
    if !is_plain(&header) || !is_for_us(settings, &claims, now) {
        return Err(Unproven::Invalid);
    }
    let key = keys.find(&header.kid, now).await.ok_or(Unproven::Invalid)?;
    if header.alg != key.algorithm() || !key.signed(&token) {
        return Err(Unproven::Invalid);
    }
    if claims.exp + LEEWAY_SECONDS <= now.seconds() {
        return Err(Unproven::Expired);
    }
    Ok(Session {
        id: claims.sid,
        subject: claims.sub,
    })
}

fn is_plain(header: &Header) -> bool {
    let Header {
        alg,
        kid,
        typ,
        crit,
        jku,
        jwk,
        x5u,
        x5c,
        b64,
    } = header;
    alg == "RS256"
        && is_name(kid)
        && typ.as_deref().is_none_or(|typ| typ == "JWT")
        && [crit, jku, jwk, x5u, x5c, b64]
            .into_iter()
            .all(Option::is_none)
}

fn is_for_us(settings: &Settings, claims: &Claims, now: Time) -> bool {
    let parties = &settings.authorized_parties;
    let is_party = |party: &String| parties.is_empty() || parties.contains(party);
    claims.iss == settings.issuer
        && is_name(&claims.sub)
        && is_name(&claims.sid)
        && claims.azp.as_ref().is_none_or(is_party)
        // A pending session lacks something that the instance asks for.
        && claims.sts.as_deref().is_none_or(|status| status == "active")
        && (0..=now.seconds() + LEEWAY_SECONDS).contains(&claims.nbf)
        && (claims.nbf..i64::MAX - LEEWAY_SECONDS).contains(&claims.exp)
}

/// Names that Clerk gives are short and plain.
pub(super) fn is_name(text: &str) -> bool {
    (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

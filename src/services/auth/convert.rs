//! Sign-in on the wire.

mod passwords;

use super::Session;
use super::session::Pair;
use super::verify::SignIn;
use crate::grpc::convert::time_to_pb;
use crate::kernel::Time;
use crate::kernel::id::SessionId;
use crate::kernel::signing::{CheckingKey, PublicKey};
use crate::pb::souk::auth::v1 as pb;
use crate::services::users::{self, User};

pub(super) use passwords::{
    logged_in_to_pb, login_from_pb, registered_to_pb, registration_from_pb,
};

pub(super) fn sign_in_from_pb(request: pb::VerifyOtpRequest) -> SignIn {
    let role = request.role();
    let pb::VerifyOtpRequest {
        phone,
        otp,
        role: _,
        device,
    } = request;
    SignIn {
        phone,
        otp,
        role: users::role_from_pb(role),
        device,
    }
}

pub(super) fn signed_in_to_pb(user: &User, pair: &Pair) -> pb::VerifyOtpResponse {
    pb::VerifyOtpResponse {
        access_token: pair.access.clone(),
        refresh_token: pair.refresh.expose().to_owned(),
        expires_in: pair.expires_in,
        user: Some(users::user_to_pb(user)),
    }
}

pub(super) fn pair_to_pb(pair: &Pair) -> pb::RefreshTokenResponse {
    pb::RefreshTokenResponse {
        access_token: pair.access.clone(),
        refresh_token: pair.refresh.expose().to_owned(),
        expires_in: pair.expires_in,
    }
}

pub(super) fn visitor_signed_in_to_pb(user: &User, pair: &Pair) -> pb::SignInWithClerkResponse {
    pb::SignInWithClerkResponse {
        access_token: pair.access.clone(),
        refresh_token: pair.refresh.expose().to_owned(),
        expires_in: pair.expires_in,
        user: Some(users::user_to_pb(user)),
    }
}

/// What pages may read of a user in Clerk's public metadata, in the contract's words.
pub(super) fn metadata_of(user: &User) -> serde_json::Value {
    let user = users::user_to_pb(user);
    let tier = user
        .seller_category
        .map(|_| user.seller_category().as_str_name());
    serde_json::json!({"role": user.role().as_str_name(), "sellerCategory": tier})
}

pub(super) fn key_to_pb(key: &CheckingKey) -> Option<pb::Jwk> {
    let mut jwk = pb::Jwk {
        r#use: "sig".to_owned(),
        alg: key.algorithm().to_owned(),
        kid: key.id().to_owned(),
        ..pb::Jwk::default()
    };
    match key.public()?.clone() {
        PublicKey::Rsa { n, e } => {
            jwk.kty = "RSA".to_owned();
            (jwk.n, jwk.e) = (Some(n), Some(e));
        }
        PublicKey::Ed25519 { x } => {
            jwk.kty = "OKP".to_owned();
            (jwk.crv, jwk.x) = (Some("Ed25519".to_owned()), Some(x));
        }
    }
    Some(jwk)
}

/// `current` is the session that asks.
pub(super) fn session_to_pb(session: Session, current: SessionId) -> pb::Session {
    let time = |micros| Some(time_to_pb(Time::from_micros(micros)));
    let Session {
        id,
        user_id: _,
        exclusive: _,
        device,
        ip_address,
        user_agent,
        created_at,
        last_used_at,
        expires_at,
        ended_at: _,
        end_reason: _,
        provider: _,
        external_id: _,
    } = session;
    pb::Session {
        id: SessionId::from(id).to_string(),
        device,
        ip_address,
        user_agent,
        current: id == current.uuid(),
        created_at: time(created_at),
        last_used_at: time(last_used_at),
        expires_at: time(expires_at),
    }
}

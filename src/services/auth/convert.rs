//! Sign-in on the wire.

mod passwords;

use super::Session;
use super::session::Pair;
use super::verify::SignIn;
use crate::grpc::convert::time_to_pb;
use crate::kernel::Time;
use crate::kernel::id::SessionId;
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

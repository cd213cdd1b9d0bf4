//! Sign-in by e-mail address on the wire.

use super::super::login::Login;
use super::super::register::Registration;
use super::super::session::Pair;
use crate::pb::souk::auth::v1 as pb;
use crate::services::users::{self, User};

pub(in super::super) fn registration_from_pb(request: pb::RegisterRequest) -> Registration {
    let role = users::role_from_pb(request.role());
    let pb::RegisterRequest {
        email,
        password,
        name,
        first_name,
        last_name,
        phone,
        role: _,
        device,
        bootstrap_token,
    } = request;
    Registration {
        email,
        password,
        name,
        first_name,
        last_name,
        phone,
        role,
        device,
        bootstrap_token,
    }
}

pub(in super::super) fn registered_to_pb(user: &User, pair: &Pair) -> pb::RegisterResponse {
    let account = users::user_to_pb(user);
    pb::RegisterResponse {
        id: account.id.clone(),
        email: account.email.clone().unwrap_or_default(),
        role: account.role,
        user: Some(account),
        tokens: Some(tokens_to_pb(pair)),
    }
}

pub(in super::super) fn login_from_pb(request: pb::LoginRequest) -> Login {
    let pb::LoginRequest {
        email,
        password,
        device,
    } = request;
    Login {
        email,
        password,
        device,
    }
}

pub(in super::super) fn logged_in_to_pb(user: &User, pair: &Pair) -> pb::LoginResponse {
    pb::LoginResponse {
        token: pair.access.clone(),
        user: Some(users::user_to_pb(user)),
        tokens: Some(tokens_to_pb(pair)),
    }
}

fn tokens_to_pb(pair: &Pair) -> pb::Tokens {
    pb::Tokens {
        access_token: pair.access.clone(),
        refresh_token: pair.refresh.expose().to_owned(),
        expires_in: pair.expires_in,
    }
}

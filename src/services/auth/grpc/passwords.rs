//! Passwords on the wire: accounts by e-mail address, sign-in, and change.

use tonic::{Request, Response, Status};

use super::signed_in;
use crate::grpc;
use crate::kernel::Error;
use crate::pb::souk::auth::v1::{
    ChangePasswordRequest, ChangePasswordResponse, LoginRequest, LoginResponse, RegisterRequest,
    RegisterResponse, RequestPasswordResetRequest, RequestPasswordResetResponse,
    ResetPasswordRequest, ResetPasswordResponse,
};
use crate::services::auth::Auth;
use crate::services::auth::convert::{
    logged_in_to_pb, login_from_pb, registered_to_pb, registration_from_pb,
};

pub(super) async fn register(
    auth: &Auth,
    request: Request<RegisterRequest>,
) -> Result<Response<RegisterResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let (user, pair) = auth.register(&call, &registration_from_pb(message)).await?;
    grpc::answer(registered_to_pb(&user, &pair))
}

pub(super) async fn login(
    auth: &Auth,
    request: Request<LoginRequest>,
) -> Result<Response<LoginResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let (user, pair) = auth.login(&call, &login_from_pb(message)).await?;
    grpc::answer(logged_in_to_pb(&user, &pair))
}

pub(super) async fn change_password(
    auth: &Auth,
    request: Request<ChangePasswordRequest>,
) -> Result<Response<ChangePasswordResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let (who, current) = (signed_in(&call)?, message.current_password.as_deref());
    let changed = auth.change_password(&call, who, current, &message.new_password);
    grpc::answer(ChangePasswordResponse {
        ended: i32::try_from(changed.await?).map_err(Error::internal)?,
    })
}

pub(super) async fn request_password_reset(
    auth: &Auth,
    request: Request<RequestPasswordResetRequest>,
) -> Result<Response<RequestPasswordResetResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    auth.request_password_reset(&call, &message.email).await?;
    grpc::answer(RequestPasswordResetResponse {
        message: "If the address has an account, a mail is on its way".to_owned(),
    })
}

pub(super) async fn reset_password(
    auth: &Auth,
    request: Request<ResetPasswordRequest>,
) -> Result<Response<ResetPasswordResponse>, Status> {
    let (_, message) = grpc::open(request)?;
    let ended = auth.reset_password(&message.token, &message.new_password);
    grpc::answer(ResetPasswordResponse {
        ended: i32::try_from(ended.await?).map_err(Error::internal)?,
    })
}

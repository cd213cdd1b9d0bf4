//! Passwords on the wire: accounts by e-mail address, sign-in, and change.

use tonic::{Request, Response, Status};

use crate::pb::souk::auth::v1::{
    ChangePasswordRequest, ChangePasswordResponse, LoginRequest, LoginResponse, RegisterRequest,
    RegisterResponse, RequestPasswordResetRequest, RequestPasswordResetResponse,
    ResetPasswordRequest, ResetPasswordResponse,
};
use crate::services::auth::Auth;

pub(super) async fn register(
    _auth: &Auth,
    _request: Request<RegisterRequest>,
) -> Result<Response<RegisterResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn login(
    _auth: &Auth,
    _request: Request<LoginRequest>,
) -> Result<Response<LoginResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn change_password(
    _auth: &Auth,
    _request: Request<ChangePasswordRequest>,
) -> Result<Response<ChangePasswordResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn request_password_reset(
    _auth: &Auth,
    _request: Request<RequestPasswordResetRequest>,
) -> Result<Response<RequestPasswordResetResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn reset_password(
    _auth: &Auth,
    _request: Request<ResetPasswordRequest>,
) -> Result<Response<ResetPasswordResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

//! Proofs of e-mail address and phone on the wire.

use tonic::{Request, Response, Status};

use crate::pb::souk::auth::v1::{
    ConfirmPhoneChangeRequest, ConfirmPhoneChangeResponse, RequestEmailVerificationRequest,
    RequestEmailVerificationResponse, RequestPhoneChangeRequest, RequestPhoneChangeResponse,
    VerifyEmailRequest, VerifyEmailResponse,
};
use crate::services::auth::Auth;

pub(super) async fn request_email_verification(
    _auth: &Auth,
    _request: Request<RequestEmailVerificationRequest>,
) -> Result<Response<RequestEmailVerificationResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn verify_email(
    _auth: &Auth,
    _request: Request<VerifyEmailRequest>,
) -> Result<Response<VerifyEmailResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn request_phone_change(
    _auth: &Auth,
    _request: Request<RequestPhoneChangeRequest>,
) -> Result<Response<RequestPhoneChangeResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn confirm_phone_change(
    _auth: &Auth,
    _request: Request<ConfirmPhoneChangeRequest>,
) -> Result<Response<ConfirmPhoneChangeResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

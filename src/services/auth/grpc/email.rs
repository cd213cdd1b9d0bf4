//! Proofs of e-mail addresses on the wire.

use tonic::{Request, Response, Status};

use crate::grpc;
use crate::pb::souk::auth::v1::{
    RequestEmailVerificationRequest, RequestEmailVerificationResponse, VerifyEmailRequest,
    VerifyEmailResponse,
};
use crate::services::auth::Auth;

pub(super) async fn request_email_verification(
    auth: &Auth,
    request: Request<RequestEmailVerificationRequest>,
) -> Result<Response<RequestEmailVerificationResponse>, Status> {
    let (call, _) = grpc::open(request)?;
    auth.request_email_verification(&call).await?;
    grpc::answer(RequestEmailVerificationResponse {
        message: "A mail is on its way".to_owned(),
    })
}

pub(super) async fn verify_email(
    auth: &Auth,
    request: Request<VerifyEmailRequest>,
) -> Result<Response<VerifyEmailResponse>, Status> {
    let (_, message) = grpc::open(request)?;
    let email = auth.verify_email(&message.token).await?;
    grpc::answer(VerifyEmailResponse { email })
}

//! Proofs of phones on the wire.

use tonic::{Request, Response, Status};

use super::signed_in;
use crate::grpc;
use crate::kernel::Error;
use crate::pb::souk::auth::v1::{
    ConfirmPhoneChangeRequest, ConfirmPhoneChangeResponse, RequestPhoneChangeRequest,
    RequestPhoneChangeResponse,
};
use crate::services::auth::{Auth, otp};
use crate::services::users;

pub(super) async fn request_phone_change(
    auth: &Auth,
    request: Request<RequestPhoneChangeRequest>,
) -> Result<Response<RequestPhoneChangeResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    auth.request_phone_change(&call, &message.phone).await?;
    grpc::answer(RequestPhoneChangeResponse {
        message: "OTP sent successfully".to_owned(),
        ttl: i32::try_from(otp::TTL.as_secs()).map_err(Error::internal)?,
    })
}

pub(super) async fn confirm_phone_change(
    auth: &Auth,
    request: Request<ConfirmPhoneChangeRequest>,
) -> Result<Response<ConfirmPhoneChangeResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let who = signed_in(&call)?;
    let ConfirmPhoneChangeRequest { phone, otp } = &message;
    let user = auth.confirm_phone_change(who, phone, otp).await?;
    grpc::answer(ConfirmPhoneChangeResponse {
        user: Some(users::user_to_pb(&user)),
    })
}

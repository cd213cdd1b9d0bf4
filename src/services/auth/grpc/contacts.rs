//! Proofs of phones on the wire.

use tonic::{Request, Response, Status};

use crate::pb::souk::auth::v1::{
    ConfirmPhoneChangeRequest, ConfirmPhoneChangeResponse, RequestPhoneChangeRequest,
    RequestPhoneChangeResponse,
};
use crate::services::auth::Auth;

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

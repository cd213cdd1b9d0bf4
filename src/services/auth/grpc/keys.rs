//! The public keys on the wire.

use tonic::{Request, Response, Status};

use crate::pb::souk::auth::v1::{GetJwksRequest, GetJwksResponse};
use crate::services::auth::Auth;

pub(super) async fn get_jwks(
    _auth: &Auth,
    _request: Request<GetJwksRequest>,
) -> Result<Response<GetJwksResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

//! The public keys on the wire.

use tonic::{Request, Response, Status};

use crate::grpc;
use crate::pb::souk::auth::v1::{GetJwksRequest, GetJwksResponse};
use crate::services::auth::Auth;
use crate::services::auth::convert::key_to_pb;

pub(super) async fn get_jwks(
    auth: &Auth,
    request: Request<GetJwksRequest>,
) -> Result<Response<GetJwksResponse>, Status> {
    grpc::open(request)?;
    let keys = auth.0.access.keys().checking().filter_map(key_to_pb);
    grpc::answer(GetJwksResponse {
        keys: keys.collect(),
    })
}

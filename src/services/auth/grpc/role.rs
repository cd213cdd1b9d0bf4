//! The role that a user wants, on the wire.

use tonic::{Request, Response, Status};

use crate::grpc;
use crate::kernel::Error;
use crate::pb::souk::auth::v1::{SyncRoleRequest, SyncRoleResponse};
use crate::services::auth::Auth;
use crate::services::users::{self, category_from_pb, role_from_pb, user_to_pb};

pub(super) async fn sync_role(
    auth: &Auth,
    request: Request<SyncRoleRequest>,
) -> Result<Response<SyncRoleResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let id = call.user()?;
    let role = role_from_pb(message.role()).ok_or_else(|| Error::field("role", "is required"))?;
    let category = category_from_pb(message.seller_category());
    let write = |tx| async move {
        let user = users::choose_role(&tx, &auth.0.open, id, role, category).await?;
        auth.push_role(&tx, id).await?;
        Ok(SyncRoleResponse {
            user: Some(user_to_pb(&user)),
        })
    };
    grpc::reply(auth.0.db.write(&call, write).await?)
}

//! Clerk on the wire.

use tonic::{Request, Response, Status};

use crate::pb::souk::auth::v1::{
    HandleClerkWebhookRequest, HandleClerkWebhookResponse, SignInWithClerkRequest,
    SignInWithClerkResponse,
};
use crate::services::auth::Auth;

pub(super) async fn sign_in_with_clerk(
    _auth: &Auth,
    _request: Request<SignInWithClerkRequest>,
) -> Result<Response<SignInWithClerkResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

pub(super) async fn handle_clerk_webhook(
    _auth: &Auth,
    _request: Request<HandleClerkWebhookRequest>,
) -> Result<Response<HandleClerkWebhookResponse>, Status> {
    Err(Status::unimplemented("not yet"))
}

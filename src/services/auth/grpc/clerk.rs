//! Clerk on the wire.

use tonic::{Request, Response, Status};

use super::signed_in;
use crate::grpc;
use crate::pb::souk::auth::v1::{
    HandleClerkWebhookRequest, HandleClerkWebhookResponse, SignInWithClerkRequest,
    SignInWithClerkResponse,
};
use crate::services::auth::Auth;
use crate::services::auth::clerk::Signed;
use crate::services::auth::convert::visitor_signed_in_to_pb;
use crate::services::auth::session::Device;

pub(super) async fn sign_in_with_clerk(
    auth: &Auth,
    request: Request<SignInWithClerkRequest>,
) -> Result<Response<SignInWithClerkResponse>, Status> {
    let (call, message) = grpc::open(request)?;
    let device = Device::of(&call, message.device);
    let (user, pair) = auth.sign_in_visitor(signed_in(&call)?, &device).await?;
    grpc::answer(visitor_signed_in_to_pb(&user, &pair))
}

pub(super) async fn handle_clerk_webhook(
    auth: &Auth,
    request: Request<HandleClerkWebhookRequest>,
) -> Result<Response<HandleClerkWebhookResponse>, Status> {
    let (_, message) = grpc::open(request)?;
    let signed = Signed {
        id: &message.message_id,
        timestamp: &message.timestamp,
        signature: &message.signature,
        body: &message.body,
    };
    auth.hear_clerk(&signed).await?;
    grpc::answer(HandleClerkWebhookResponse {
        message: "received".to_owned(),
    })
}

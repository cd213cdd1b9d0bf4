//! The gRPC face of sign-in, and what the server asks of it with every call.

mod clerk;
mod contacts;
mod email;
mod keys;
mod passwords;
mod role;

use tonic::{Request, Response, Status};

use super::convert::{pair_to_pb, session_to_pb, sign_in_from_pb, signed_in_to_pb};
use super::session::{EndReason, Which};
use super::{Auth, otp, session};
use crate::db::Tx;
use crate::grpc::{self, Authenticator, paging};
use crate::kernel::id::{SessionId, UserId};
use crate::kernel::page::PageRequest;
use crate::kernel::{Call, Caller, Error, Reason};
use crate::pb::souk::auth::v1::auth_service_server::AuthService;
use crate::pb::souk::auth::v1::{
    ChangePasswordRequest, ChangePasswordResponse, ConfirmPhoneChangeRequest,
    ConfirmPhoneChangeResponse, GetJwksRequest, GetJwksResponse, HandleClerkWebhookRequest,
    HandleClerkWebhookResponse, ListSessionsRequest, ListSessionsResponse, LoginRequest,
    LoginResponse, LogoutAllRequest, LogoutAllResponse, LogoutRequest, LogoutResponse,
    RefreshTokenRequest, RefreshTokenResponse, RegisterRequest, RegisterResponse,
    RequestEmailVerificationRequest, RequestEmailVerificationResponse, RequestOtpRequest,
    RequestOtpResponse, RequestPasswordResetRequest, RequestPasswordResetResponse,
    RequestPhoneChangeRequest, RequestPhoneChangeResponse, ResetPasswordRequest,
    ResetPasswordResponse, RevokeSessionRequest, RevokeSessionResponse, SignInWithClerkRequest,
    SignInWithClerkResponse, SyncRoleRequest, SyncRoleResponse, VerifyEmailRequest,
    VerifyEmailResponse, VerifyOtpRequest, VerifyOtpResponse,
};

#[tonic::async_trait]
impl Authenticator for Auth {
    async fn authenticate(&self, token: &str) -> crate::kernel::Result<Caller> {
        Auth::authenticate(self, token).await
    }
}

#[tonic::async_trait]
impl AuthService for Auth {
    async fn request_otp(
        &self,
        request: Request<RequestOtpRequest>,
    ) -> Result<Response<RequestOtpResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        Auth::request_otp(self, &call, &message.phone).await?;
        grpc::answer(RequestOtpResponse {
            message: "OTP sent successfully".to_owned(),
            ttl: i32::try_from(otp::TTL.as_secs()).map_err(Error::internal)?,
        })
    }

    async fn verify_otp(
        &self,
        request: Request<VerifyOtpRequest>,
    ) -> Result<Response<VerifyOtpResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (user, pair) = Auth::verify_otp(self, &call, &sign_in_from_pb(message)).await?;
        grpc::answer(signed_in_to_pb(&user, &pair))
    }

    async fn refresh_token(
        &self,
        request: Request<RefreshTokenRequest>,
    ) -> Result<Response<RefreshTokenResponse>, Status> {
        let (_, message) = grpc::open(request)?;
        let pair = self.refresh(message.refresh_token).await?;
        grpc::answer(pair_to_pb(&pair))
    }

    async fn logout(
        &self,
        request: Request<LogoutRequest>,
    ) -> Result<Response<LogoutResponse>, Status> {
        let (call, _) = grpc::open(request)?;
        let (user, session) = signed_in(&call)?;
        let end = |tx: Tx| async move {
            session::end(&tx, Which::One(user, session), EndReason::Logout).await
        };
        self.0.db.transact(end).await?;
        grpc::answer(LogoutResponse {})
    }

    async fn logout_all(
        &self,
        request: Request<LogoutAllRequest>,
    ) -> Result<Response<LogoutAllResponse>, Status> {
        let (call, _) = grpc::open(request)?;
        let user = call.user()?;
        let end =
            |tx: Tx| async move { session::end(&tx, Which::Of(user), EndReason::Logout).await };
        let ended = self.0.db.transact(end).await?;
        grpc::answer(LogoutAllResponse {
            ended: i32::try_from(ended).map_err(Error::internal)?,
        })
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (user, current) = signed_in(&call)?;
        let binding = paging::binding(&call, &ListSessionsRequest::default());
        let (limit, number) = (message.limit, message.page);
        let page = PageRequest::new(&self.0.sealer, &binding, limit, &message.page_token, number)?;
        let page = session::list(&self.0.db, user, &page).await?;
        let meta = paging::meta(&page, &self.0.sealer, &binding);
        let shown = |session| session_to_pb(session, current);
        grpc::answer(ListSessionsResponse {
            meta: Some(meta),
            sessions: page.items.into_iter().map(shown).collect(),
        })
    }

    async fn revoke_session(
        &self,
        request: Request<RevokeSessionRequest>,
    ) -> Result<Response<RevokeSessionResponse>, Status> {
        let (call, message) = grpc::open(request)?;
        let (user, id) = (call.user()?, grpc::id("id", &message.id)?);
        let end = |tx: Tx| async move {
            let ended = session::end(&tx, Which::One(user, id), EndReason::Revoked).await?;
            match ended {
                0 => Err(Error::not_found("session")),
                _ => Ok(RevokeSessionResponse {}),
            }
        };
        grpc::reply(self.0.db.write(&call, end).await?)
    }

    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        passwords::register(self, request).await
    }

    async fn login(
        &self,
        request: Request<LoginRequest>,
    ) -> Result<Response<LoginResponse>, Status> {
        passwords::login(self, request).await
    }

    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<Response<ChangePasswordResponse>, Status> {
        passwords::change_password(self, request).await
    }

    async fn request_password_reset(
        &self,
        request: Request<RequestPasswordResetRequest>,
    ) -> Result<Response<RequestPasswordResetResponse>, Status> {
        passwords::request_password_reset(self, request).await
    }

    async fn reset_password(
        &self,
        request: Request<ResetPasswordRequest>,
    ) -> Result<Response<ResetPasswordResponse>, Status> {
        passwords::reset_password(self, request).await
    }

    async fn request_email_verification(
        &self,
        request: Request<RequestEmailVerificationRequest>,
    ) -> Result<Response<RequestEmailVerificationResponse>, Status> {
        email::request_email_verification(self, request).await
    }

    async fn verify_email(
        &self,
        request: Request<VerifyEmailRequest>,
    ) -> Result<Response<VerifyEmailResponse>, Status> {
        email::verify_email(self, request).await
    }

    async fn request_phone_change(
        &self,
        request: Request<RequestPhoneChangeRequest>,
    ) -> Result<Response<RequestPhoneChangeResponse>, Status> {
        contacts::request_phone_change(self, request).await
    }

    async fn confirm_phone_change(
        &self,
        request: Request<ConfirmPhoneChangeRequest>,
    ) -> Result<Response<ConfirmPhoneChangeResponse>, Status> {
        contacts::confirm_phone_change(self, request).await
    }

    async fn sign_in_with_clerk(
        &self,
        request: Request<SignInWithClerkRequest>,
    ) -> Result<Response<SignInWithClerkResponse>, Status> {
        clerk::sign_in_with_clerk(self, request).await
    }

    async fn sync_role(
        &self,
        request: Request<SyncRoleRequest>,
    ) -> Result<Response<SyncRoleResponse>, Status> {
        role::sync_role(self, request).await
    }

    async fn handle_clerk_webhook(
        &self,
        request: Request<HandleClerkWebhookRequest>,
    ) -> Result<Response<HandleClerkWebhookResponse>, Status> {
        clerk::handle_clerk_webhook(self, request).await
    }

    async fn get_jwks(
        &self,
        request: Request<GetJwksRequest>,
    ) -> Result<Response<GetJwksResponse>, Status> {
        keys::get_jwks(self, request).await
    }
}

/// The user and the session that make the call.
fn signed_in(call: &Call) -> crate::kernel::Result<(UserId, SessionId)> {
    match call.caller {
        Caller::User { id, session, .. } => Ok((id, session)),
        Caller::Anonymous | Caller::System => Err(Error::new(
            Reason::TokenMissing,
            "sign in to call this method",
        )),
    }
}

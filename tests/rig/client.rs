//! A client as an application would be: it signs in, names its calls, and judges what
//! comes back.

use std::time::Duration;

use souk::pb::souk::auth::v1::auth_service_client::AuthServiceClient;
use souk::pb::souk::auth::v1::{RequestOtpRequest, VerifyOtpRequest};
use souk::pb::souk::b2b::v1::b2b_service_client::B2bServiceClient;
use souk::pb::souk::catalog::v1::catalog_service_client::CatalogServiceClient;
use souk::pb::souk::inventory::v1::inventory_service_client::InventoryServiceClient;
use souk::pb::souk::media::v1::media_service_client::MediaServiceClient;
use souk::pb::souk::ops::v1::ops_service_client::OpsServiceClient;
use souk::pb::souk::orders::v1::order_service_client::OrderServiceClient;
use souk::pb::souk::reels::v1::reel_service_client::ReelServiceClient;
use souk::pb::souk::stores::v1::store_service_client::StoreServiceClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt;

/// The one-time password of development.
pub const DEV_CODE: &str = "424242";

/// What signs in `phone`.
fn proof(phone: &str) -> VerifyOtpRequest {
    VerifyOtpRequest {
        phone: phone.to_owned(),
        otp: DEV_CODE.to_owned(),
        ..VerifyOtpRequest::default()
    }
}

/// Who calls, over one connection that opens again by itself.
#[derive(Clone)]
pub struct Caller {
    channel: Channel,
    token: Option<String>,
}

impl Caller {
    /// A guest. Nothing is connected before the first call.
    pub fn guest(url: &str) -> Self {
        let endpoint = Endpoint::from_shared(url.to_owned())
            .unwrap()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(20));
        Self {
            channel: endpoint.connect_lazy(),
            token: None,
        }
    }

    /// A guest whose calls, streams among them, may last.
    pub fn patient(url: &str) -> Self {
        let endpoint = Endpoint::from_shared(url.to_owned()).unwrap();
        Self {
            channel: endpoint.connect_lazy(),
            token: None,
        }
    }

    /// A guest who notices within two seconds that nobody answers, be it a call or an
    /// open stream, and who lets the server send 64 KiB ahead, as many clients do.
    pub fn alert(url: &str) -> Self {
        let second = Duration::from_secs(1);
        let endpoint = Endpoint::from_shared(url.to_owned())
            .unwrap()
            .connect_timeout(second)
            .initial_stream_window_size(64 * 1024)
            .http2_keep_alive_interval(second)
            .keep_alive_timeout(second)
            .keep_alive_while_idle(true);
        Self {
            channel: endpoint.connect_lazy(),
            token: None,
        }
    }

    /// The caller signed in with `phone`; an unknown phone gets an account.
    pub async fn sign_in(&self, phone: &str) -> Self {
        let ask = RequestOtpRequest {
            phone: phone.to_owned(),
        };
        self.auth().request_otp(ask).await.unwrap();
        let tokens = self.auth().verify_otp(proof(phone)).await.unwrap();
        self.with_token(tokens.into_inner().access_token)
    }

    /// The same from an address that a proxy tells.
    pub async fn sign_in_from(&self, phone: &str, address: &str) -> Self {
        let mut ask = Request::new(RequestOtpRequest {
            phone: phone.to_owned(),
        });
        let mut prove = Request::new(proof(phone));
        for metadata in [ask.metadata_mut(), prove.metadata_mut()] {
            metadata.insert("x-forwarded-for", address.parse().unwrap());
        }
        self.auth().request_otp(ask).await.unwrap();
        let tokens = self.auth().verify_otp(prove).await.unwrap();
        self.with_token(tokens.into_inner().access_token)
    }

    /// The same connection under another name.
    pub fn with_token(&self, token: String) -> Self {
        Self {
            channel: self.channel.clone(),
            token: Some(token),
        }
    }

    /// The same caller over a connection of its own.
    pub fn over(&self, other: Self) -> Self {
        Self {
            token: self.token.clone(),
            ..other
        }
    }

    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub fn is_guest(&self) -> bool {
        self.token.is_none()
    }

    /// A request by this caller.
    pub fn ask<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        request
    }

    /// A request by this caller that works once, however often it is sent.
    pub fn once<T>(&self, key: &str, message: T) -> Request<T> {
        let mut request = self.ask(message);
        let value = key.parse().unwrap();
        request.metadata_mut().insert("idempotency-key", value);
        request
    }

    pub fn auth(&self) -> AuthServiceClient<Channel> {
        AuthServiceClient::new(self.channel.clone())
    }

    pub fn b2b(&self) -> B2bServiceClient<Channel> {
        B2bServiceClient::new(self.channel.clone())
    }

    pub fn ops(&self) -> OpsServiceClient<Channel> {
        OpsServiceClient::new(self.channel.clone())
    }

    pub fn media(&self) -> MediaServiceClient<Channel> {
        MediaServiceClient::new(self.channel.clone())
    }

    pub fn reels(&self) -> ReelServiceClient<Channel> {
        ReelServiceClient::new(self.channel.clone())
    }

    pub fn orders(&self) -> OrderServiceClient<Channel> {
        OrderServiceClient::new(self.channel.clone())
    }

    pub fn stores(&self) -> StoreServiceClient<Channel> {
        StoreServiceClient::new(self.channel.clone())
    }

    pub fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone())
    }

    pub fn inventory(&self) -> InventoryServiceClient<Channel> {
        InventoryServiceClient::new(self.channel.clone())
    }
}

/// What a failed call means to its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// souk refused, for this reason: nothing happened.
    Refused(String),
    /// souk asks to try again: nothing happened.
    Later(String),
    /// No answer of souk's arrived: it may have happened.
    Unknown(String),
}

/// Judges a status. Only souk's own carry an ErrorInfo; all others come from what lies
/// between.
pub fn judge(status: &Status) -> Verdict {
    let details = status.get_error_details();
    let Some(info) = details.error_info() else {
        return Verdict::Unknown(format!("{:?} {}", status.code(), status.message()));
    };
    match info.reason.as_str() {
        "IDEMPOTENCY_IN_PROGRESS" | "CONFLICT" | "UNAVAILABLE" | "RATE_LIMIT_EXCEEDED" => {
            Verdict::Later(info.reason.clone())
        }
        "DEADLINE_EXCEEDED" => Verdict::Unknown(info.reason.clone()),
        _ => Verdict::Refused(info.reason.clone()),
    }
}

/// Whether the call never left the client, or came too late to be taken: GOAWAY says which
/// streams the server will answer, and no other stream fails with it (RFC 9113, section 6.8).
pub fn is_unsent(status: &Status) -> bool {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        let known = error.downcast_ref::<hyper::Error>();
        let told = error.downcast_ref::<h2::Error>();
        let told = told.filter(|error| error.is_go_away() && error.is_remote());
        if known.is_some_and(hyper::Error::is_canceled)
            || told.and_then(h2::Error::reason) == Some(h2::Reason::NO_ERROR)
        {
            return true;
        }
        source = error.source();
    }
    false
}

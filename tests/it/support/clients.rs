//! Generated clients that carry a token.

use souk::pb::souk::analytics::v1::analytics_service_client::AnalyticsServiceClient;
use souk::pb::souk::auth::v1::auth_service_client::AuthServiceClient;
use souk::pb::souk::b2b::v1::b2b_service_client::B2bServiceClient;
use souk::pb::souk::cart::v1::cart_service_client::CartServiceClient;
use souk::pb::souk::catalog::v1::catalog_service_client::CatalogServiceClient;
use souk::pb::souk::delivery::v1::delivery_service_client::DeliveryServiceClient;
use souk::pb::souk::inventory::v1::inventory_service_client::InventoryServiceClient;
use souk::pb::souk::media::v1::media_service_client::MediaServiceClient;
use souk::pb::souk::ops::v1::ops_service_client::OpsServiceClient;
use souk::pb::souk::orders::v1::order_service_client::OrderServiceClient;
use souk::pb::souk::reels::v1::reel_service_client::ReelServiceClient;
use souk::pb::souk::stores::v1::store_service_client::StoreServiceClient;
use souk::pb::souk::users::v1::user_service_client::UserServiceClient;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt;

/// Adds the access token to every call.
#[derive(Clone, Default)]
pub struct Bearer(Option<String>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

type Wire = InterceptedService<Channel, Bearer>;

/// A person at the other end of the wire.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    /// The access token; none for a guest.
    pub token: Option<String>,
    /// The refresh token of the sign-in.
    pub refresh_token: String,
    /// The user's id; empty for a guest.
    pub user_id: String,
    /// The phone that signed in; empty for a guest.
    pub phone: String,
}

impl Client {
    pub fn guest(channel: Channel) -> Self {
        Self {
            channel,
            token: None,
            refresh_token: String::new(),
            user_id: String::new(),
            phone: String::new(),
        }
    }

    /// The same person with another access token.
    pub fn with_token(&self, token: &str) -> Self {
        let mut other = self.clone();
        other.token = Some(token.into());
        other
    }

    /// The same person over another connection.
    pub fn over(&self, channel: Channel) -> Self {
        Self {
            channel,
            ..self.clone()
        }
    }

    /// The same connection without the token.
    pub fn anonymous(&self) -> Self {
        Self::guest(self.channel.clone())
    }

    fn wire(&self) -> Wire {
        InterceptedService::new(self.channel.clone(), Bearer(self.token.clone()))
    }

    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub fn auth(&self) -> AuthServiceClient<Wire> {
        AuthServiceClient::new(self.wire())
    }

    pub fn users(&self) -> UserServiceClient<Wire> {
        UserServiceClient::new(self.wire())
    }

    pub fn stores(&self) -> StoreServiceClient<Wire> {
        StoreServiceClient::new(self.wire())
    }

    pub fn catalog(&self) -> CatalogServiceClient<Wire> {
        CatalogServiceClient::new(self.wire())
    }

    pub fn inventory(&self) -> InventoryServiceClient<Wire> {
        InventoryServiceClient::new(self.wire())
    }

    pub fn media(&self) -> MediaServiceClient<Wire> {
        MediaServiceClient::new(self.wire())
    }

    pub fn cart(&self) -> CartServiceClient<Wire> {
        CartServiceClient::new(self.wire())
    }

    pub fn orders(&self) -> OrderServiceClient<Wire> {
        OrderServiceClient::new(self.wire())
    }

    pub fn delivery(&self) -> DeliveryServiceClient<Wire> {
        DeliveryServiceClient::new(self.wire())
    }

    pub fn analytics(&self) -> AnalyticsServiceClient<Wire> {
        AnalyticsServiceClient::new(self.wire())
    }

    pub fn reels(&self) -> ReelServiceClient<Wire> {
        ReelServiceClient::new(self.wire())
    }

    pub fn b2b(&self) -> B2bServiceClient<Wire> {
        B2bServiceClient::new(self.wire())
    }

    pub fn ops(&self) -> OpsServiceClient<Wire> {
        OpsServiceClient::new(self.wire())
    }
}

/// A request with an idempotency key.
pub fn keyed<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("idempotency-key", MetadataValue::try_from(key).unwrap());
    request
}

/// The machine-readable reason of a refusal.
pub fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// How many statements the server says an answer took.
pub fn statements<T>(response: &tonic::Response<T>) -> u32 {
    let value = response
        .metadata()
        .get("x-db-statements")
        .expect("development answers tell");
    value.to_str().unwrap().parse().unwrap()
}

/// Whether an answer was recorded by an earlier call with the same key.
pub fn is_replayed<T>(response: &tonic::Response<T>) -> bool {
    response
        .metadata()
        .get("idempotency-replayed")
        .is_some_and(|value| value == "true")
}

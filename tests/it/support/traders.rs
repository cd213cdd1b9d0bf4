//! Arranging the trade between businesses: sellers of every tier, offers, and answers to
//! them.

use std::time::Duration;

use serde_json::json;
use souk::grpc::convert::time_to_pb;
use souk::pb::souk::b2b::v1::{
    CreateOfferRequest, GetOfferRequest, Offer, OfferResponse, SubmitResponseRequest,
    SubmitResponseResponse, offer,
};
use tonic::Status;

use super::{Client, Seller, TestApp};

/// Somebody of every kind, signed in. Every seller has an open store and a tier.
pub struct Traders {
    pub admin: Client,
    pub importateur: Seller,
    pub grossiste: Seller,
    pub fournisseur: Seller,
    /// Another fournisseur, so that two can bid against each other.
    pub rival: Seller,
    pub customer: Client,
    pub freelancer: Client,
}

impl Traders {
    pub async fn new(app: &TestApp) -> Self {
        let freelancer = app.customer().await;
        let role = json!({"role": "FREELANCER"}).to_string();
        let synced = freelancer.call("AuthService/SyncRole", &role).await;
        synced.unwrap();
        let admin = app.admin().await;
        Self {
            importateur: app.tiered(&admin, "IMPORTATEUR").await,
            grossiste: app.tiered(&admin, "GROSSISTE").await,
            fournisseur: app.tiered(&admin, "FOURNISSEUR").await,
            rival: app.tiered(&admin, "FOURNISSEUR").await,
            customer: app.customer().await,
            freelancer,
            admin,
        }
    }
}

impl TestApp {
    /// A new seller of a tier.
    pub async fn tiered(&self, admin: &Client, tier: &str) -> Seller {
        let seller = self.seller().await;
        put_into_tier(admin, &seller.client, tier).await;
        seller
    }
}

/// Puts a seller into a tier.
pub async fn put_into_tier(admin: &Client, seller: &Client, tier: &str) {
    let request = json!({"id": seller.user_id, "sellerCategory": tier}).to_string();
    let set = admin.call("UserService/SetSellerCategory", &request).await;
    set.unwrap();
}

/// An offer of 100 pieces, 10 at least, for 1 000 centimes each, to the next tier.
pub fn negotiable() -> CreateOfferRequest {
    CreateOfferRequest {
        title: "Huile 5 L".into(),
        base_price: 1_000,
        min_quantity: Some(10),
        available_quantity: 100,
        ..Default::default()
    }
}

/// An auction of the same that begins now and takes so long; bids rise by 50.
pub fn auction(app: &TestApp, span: Duration) -> CreateOfferRequest {
    let start = app.clock.now();
    CreateOfferRequest {
        offer_type: offer::Type::Auction.into(),
        starts_at: Some(time_to_pb(start)),
        ends_at: Some(time_to_pb(start + span)),
        bid_increment: Some(50),
        ..negotiable()
    }
}

/// A response of so much for each of so many pieces.
pub fn response(offer: &str, amount: i64, quantity: i32) -> SubmitResponseRequest {
    SubmitResponseRequest {
        offer_id: offer.into(),
        amount,
        quantity: Some(quantity),
        ..Default::default()
    }
}

impl Client {
    /// Makes an offer.
    pub async fn offer(&self, request: CreateOfferRequest) -> Offer {
        let made = self.b2b().create_offer(request).await.unwrap();
        made.into_inner().offer.unwrap()
    }

    /// Reads an offer.
    pub async fn offer_of(&self, id: &str) -> Result<Offer, Status> {
        let request = GetOfferRequest { id: id.into() };
        let found = self.b2b().get_offer(request).await?;
        Ok(found.into_inner().offer.unwrap())
    }

    /// Answers an offer.
    pub async fn respond(
        &self,
        offer: &str,
        amount: i64,
        quantity: i32,
    ) -> Result<SubmitResponseResponse, Status> {
        let request = response(offer, amount, quantity);
        let answer = self.b2b().submit_response(request).await?;
        Ok(answer.into_inner())
    }

    /// Answers an offer, which takes it.
    pub async fn responded(&self, offer: &str, amount: i64, quantity: i32) -> OfferResponse {
        let answer = self.respond(offer, amount, quantity).await.unwrap();
        answer.response.unwrap()
    }
}

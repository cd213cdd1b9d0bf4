//! What the two sides of an offer say to each other.

use serde_json::Value;
use souk::pb::souk::b2b::v1::{
    AcceptResponseRequest, AcceptResponseResponse, CloseOfferRequest, CounterResponseRequest,
    GetResponseRequest, Offer, OfferResponse, RejectResponseRequest, UpdateOfferRequest,
    WithdrawResponseRequest,
};
use tonic::Status;
use tonic_types::StatusExt;

use crate::support::{Client, reason};

/// The terms that a party saw last, accepted.
pub fn acceptance(seen: &OfferResponse) -> AcceptResponseRequest {
    AcceptResponseRequest {
        id: seen.id.clone(),
        round: seen.round,
    }
}

/// Calls an RPC by its name.
pub async fn ask(by: &Client, rpc: &str, request: Value) -> Result<Value, Status> {
    by.call(rpc, &request.to_string()).await
}

/// Why a call was refused.
pub fn refusal<T>(answer: Result<T, Status>) -> String {
    reason(&answer.err().expect("the call is refused"))
}

/// The fields at fault.
pub fn faults<T>(answer: Result<T, Status>) -> Vec<String> {
    let refused = answer.err().expect("the call is refused");
    let details = refused.get_details_bad_request().expect("fields are named");
    let fields = details.field_violations.into_iter();
    fields.map(|violation| violation.field).collect()
}

impl Client {
    /// Answers the round that was seen with other terms.
    pub async fn counter(
        &self,
        seen: &OfferResponse,
        amount: i64,
        quantity: i32,
    ) -> Result<OfferResponse, Status> {
        let request = CounterResponseRequest {
            id: seen.id.clone(),
            round: seen.round,
            amount,
            quantity: Some(quantity),
            message: "Not quite".into(),
        };
        let answer = self.b2b().counter_response(request).await?;
        Ok(answer.into_inner().response.unwrap())
    }

    pub async fn accept(&self, seen: &OfferResponse) -> Result<AcceptResponseResponse, Status> {
        let answer = self.b2b().accept_response(acceptance(seen)).await?;
        Ok(answer.into_inner())
    }

    pub async fn reject(&self, id: &str) -> Result<OfferResponse, Status> {
        let request = RejectResponseRequest { id: id.into() };
        let answer = self.b2b().reject_response(request).await?;
        Ok(answer.into_inner().response.unwrap())
    }

    pub async fn withdraw(&self, id: &str) -> Result<OfferResponse, Status> {
        let request = WithdrawResponseRequest { id: id.into() };
        let answer = self.b2b().withdraw_response(request).await?;
        Ok(answer.into_inner().response.unwrap())
    }

    pub async fn response_of(&self, id: &str) -> Result<OfferResponse, Status> {
        let request = GetResponseRequest { id: id.into() };
        let answer = self.b2b().get_response(request).await?;
        Ok(answer.into_inner().response.unwrap())
    }

    pub async fn close_offer(&self, id: &str) -> Result<Offer, Status> {
        let request = CloseOfferRequest { id: id.into() };
        let answer = self.b2b().close_offer(request).await?;
        Ok(answer.into_inner().offer.unwrap())
    }

    pub async fn change_offer(&self, request: UpdateOfferRequest) -> Result<Offer, Status> {
        let answer = self.b2b().update_offer(request).await?;
        Ok(answer.into_inner().offer.unwrap())
    }
}

//! What a client wants, and what it was told.

use souk::pb::souk::inventory::v1::{AdjustStockRequest, AdjustStockResponse};
use souk::pb::souk::orders::v1::{
    CancelOrderRequest, CancelOrderResponse, PlaceOrderRequest, PlaceOrderResponse,
};
use tonic::{Response, Status};

use crate::rig::Caller;

/// A call that must have its effect once.
#[derive(Clone)]
pub enum Wish {
    Place(Box<PlaceOrderRequest>),
    Cancel(CancelOrderRequest),
    Restock(AdjustStockRequest),
}

/// Its answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Placed(PlaceOrderResponse),
    Cancelled(CancelOrderResponse),
    Restocked(AdjustStockResponse),
}

impl Wish {
    pub async fn send(&self, caller: &Caller, key: &str) -> Result<Response<Answer>, Status> {
        match self.clone() {
            Self::Place(it) => {
                let answer = caller.orders().place_order(caller.once(key, *it)).await?;
                Ok(answer.map(Answer::Placed))
            }
            Self::Cancel(it) => {
                let answer = caller.orders().cancel_order(caller.once(key, it)).await?;
                Ok(answer.map(Answer::Cancelled))
            }
            Self::Restock(it) => {
                let request = caller.once(key, it);
                let answer = caller.inventory().adjust_stock(request).await?;
                Ok(answer.map(Answer::Restocked))
            }
        }
    }

    /// The same wish with another body.
    pub fn altered(&self) -> Self {
        match self.clone() {
            Self::Place(it) => Self::Place(Box::new(PlaceOrderRequest {
                commune: Some("Kouba".to_owned()),
                ..*it
            })),
            Self::Cancel(it) => Self::Cancel(CancelOrderRequest {
                reason: Some("another reason".to_owned()),
                ..it
            }),
            Self::Restock(it) => Self::Restock(AdjustStockRequest {
                delta: it.delta + 1,
                ..it
            }),
        }
    }
}

/// One wish in a client's journal. It is written before the first try.
pub struct Entry {
    pub key: String,
    pub wish: Wish,
    /// What souk said in the end; a refusal by its reason.
    pub outcome: Option<Result<Answer, String>>,
    /// How many tries had no answer.
    pub lost: usize,
    /// Whether the answer was one that souk had given before.
    pub replayed: bool,
}

impl Entry {
    pub fn new(key: String, wish: Wish) -> Self {
        Self {
            key,
            wish,
            outcome: None,
            lost: 0,
            replayed: false,
        }
    }

    pub fn answer(&self) -> Option<&Answer> {
        self.outcome.as_ref()?.as_ref().ok()
    }
}

/// Whether souk says that it had given this answer before.
pub fn is_replay<T>(response: &Response<T>) -> bool {
    response.metadata().contains_key("idempotency-replayed")
}

//! Negotiations: their rounds, and how they end.

use super::access::{self, Trader};
use super::announce::Type;
use super::entity::round;
use super::offer::{Offer, OfferResponse};
use super::respond::{Addresses, Done, Wish};
use super::state::{Party, Refusal, ResponseStatus, ResponseType};
use super::{B2b, announce, deal, store};
use crate::db::Tx;
use crate::kernel::id::{OfferResponseId, UserId};
use crate::kernel::{Error, Reason, Result, Time};
use crate::services::orders::PaymentMethod;

/// How businesses pay when nothing is said.
const USUAL_PAYMENT: &str = PaymentMethod::BankTransfer.as_str();

/// Terms to be proposed in answer to a round.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// The round that they answer.
    pub round: i32,
    /// Price of one piece in minor units.
    pub amount: i64,
    /// As before when absent.
    pub quantity: Option<i32>,
    pub message: String,
}

impl B2b {
    /// Opens a negotiation on an offer that the caller holds.
    ///
    /// # Errors
    /// OFFER_NOT_ACTIVE, QUANTITY_OUT_OF_RANGE, RESPONSE_PENDING, VALIDATION_ERROR.
    pub(super) async fn negotiate(
        &self,
        tx: &Tx,
        trader: &Trader,
        mut offer: Offer,
        wish: &Wish,
    ) -> Result<Done> {
        let now = self.now(&offer);
        offer.require_active(now)?;
        if wish.max_amount.is_some() {
            return Err(Error::field("maxAmount", "is for an auction alone"));
        }
        let quantity = wish.quantity.unwrap_or(offer.min_quantity);
        offer.require_quantity(quantity)?;
        let address = Addresses::named(tx, [wish]).await?;
        address.check(trader.user, wish)?;
        offer.responses_count += 1;
        let response = OfferResponse {
            round: 1,
            proposed_by: Party::Buyer.as_str().to_owned(),
            ..blank(
                &offer,
                trader.user,
                ResponseType::Negotiation,
                quantity,
                wish,
                now,
            )
        };
        store::insert_response(tx, &response).await?;
        store::append_round(tx, &round_of(&response, Party::Buyer)).await?;
        // The number alone: it is told with the next version of the offer.
        store::save(tx, &offer).await?;
        announce::response(tx, &offer, &response, Type::NegotiationSubmitted);
        Ok(Done { offer, response })
    }

    /// Proposes other terms.
    ///
    /// # Errors
    /// See the contract.
    pub(super) async fn counter(
        &self,
        tx: &Tx,
        trader: &Trader,
        id: OfferResponseId,
        terms: &Terms,
    ) -> Result<()> {
        let (offer, mut response, party) = access::lock_response(tx, trader, id).await?;
        require_negotiation(&response)?;
        require_pending(&response, "countered")?;
        require_round(&response, terms.round)?;
        let now = self.now(&offer);
        offer.require_active(now)?;
        offer.require_store()?;
        let quantity = terms.quantity.unwrap_or(response.quantity);
        offer.require_quantity(quantity)?;
        response.amount = terms.amount;
        response.quantity = quantity;
        response.message.clone_from(&terms.message);
        response.round += 1;
        response.proposed_by = party.as_str().to_owned();
        response.settle(ResponseStatus::Pending, None);
        response.touch(now);
        store::save_response(tx, &response).await?;
        store::append_round(tx, &round_of(&response, party)).await?;
        announce::response(tx, &offer, &response, Type::NegotiationCountered);
        Ok(())
    }

    /// Accepts what the other side proposed last: a deal.
    ///
    /// # Errors
    /// See the contract.
    pub(super) async fn accept(
        &self,
        tx: &Tx,
        trader: &Trader,
        id: OfferResponseId,
        round: i32,
    ) -> Result<Done> {
        let (mut offer, mut response, party) = access::lock_response(tx, trader, id).await?;
        require_negotiation(&response)?;
        require_pending(&response, "accepted")?;
        require_round(&response, round)?;
        if response.proposed_by() == Some(party) {
            return Err(Error::forbidden("the other side accepts your terms"));
        }
        offer.require_active(self.now(&offer))?;
        offer.require_quantity(response.quantity)?;
        self.strike(tx, &mut offer, &mut response, deal::How::Agreed)
            .await?;
        Ok(Done { offer, response })
    }

    /// Refuses a negotiation.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, WRONG_RESPONSE_TYPE, INVALID_STATUS_TRANSITION.
    pub(super) async fn reject(&self, tx: &Tx, trader: &Trader, id: OfferResponseId) -> Result<()> {
        let (offer, mut response, party) = access::lock_response(tx, trader, id).await?;
        require_negotiation(&response)?;
        if party != Party::Seller {
            return Err(Error::forbidden("the seller rejects; a buyer withdraws"));
        }
        if response.refusal() == Some(Refusal::Declined) {
            return Ok(());
        }
        require_pending(&response, "rejected")?;
        response.settle(ResponseStatus::Rejected, Some(Refusal::Declined));
        response.touch(self.now(&offer));
        store::save_response(tx, &response).await?;
        announce::response(tx, &offer, &response, Type::NegotiationRejected);
        Ok(())
    }

    /// Takes a response back.
    ///
    /// # Errors
    /// NOT_FOUND, FORBIDDEN, INVALID_STATUS_TRANSITION.
    pub(super) async fn withdraw(
        &self,
        tx: &Tx,
        trader: &Trader,
        id: OfferResponseId,
    ) -> Result<()> {
        let (offer, mut response, party) = access::lock_response(tx, trader, id).await?;
        if party != Party::Buyer {
            return Err(Error::forbidden("the buyer withdraws; a seller rejects"));
        }
        match (response.status(), response.kind()) {
            (ResponseStatus::Withdrawn, _) => return Ok(()),
            (ResponseStatus::Pending, ResponseType::Negotiation)
            | (ResponseStatus::Outbid, ResponseType::Bid) => {}
            _ => return Err(illegal(&response, "withdrawn")),
        }
        response.settle(ResponseStatus::Withdrawn, None);
        response.touch(self.now(&offer));
        store::save_response(tx, &response).await?;
        announce::response(tx, &offer, &response, Type::ResponseWithdrawn);
        Ok(())
    }

    /// Tells both sides that the goods of an accepted response were gone, when that was the
    /// refusal; answers the refusal.
    pub(super) async fn tell_if_gone(&self, id: OfferResponseId, refused: Error) -> Error {
        if refused.reason() != Reason::OutOfStock {
            return refused;
        }
        let tell = |tx: Tx| async move { self.tell_gone(&tx, id).await };
        if let Err(error) = self.0.db.transact(tell).await {
            tracing::warn!(error = ?error, "nobody is told that goods are gone");
        }
        refused
    }

    async fn tell_gone(&self, tx: &Tx, id: OfferResponseId) -> Result<()> {
        let Some(seen) = store::find_response(tx.conn(), id).await? else {
            return Ok(());
        };
        let Some(offer) = store::lock(tx, seen.offer()).await? else {
            return Ok(());
        };
        let found = store::find_response(tx.conn(), id).await?;
        let is_open = |found: &OfferResponse| {
            found.status() == ResponseStatus::Pending && found.refusal().is_none()
        };
        let Some(mut response) = found.filter(is_open) else {
            return Ok(());
        };
        response.settle(ResponseStatus::Pending, Some(Refusal::OutOfStock));
        response.touch(self.now(&offer));
        store::save_response(tx, &response).await?;
        announce::response(tx, &offer, &response, Type::OutOfStock);
        Ok(())
    }

    /// What time it is for an offer that the caller holds: by the database's clock, read
    /// now that nobody else changes the offer, and never before its last change.
    pub(super) fn now(&self, offer: &Offer) -> Time {
        let last = Time::from_micros(offer.updated_at);
        Ord::max(self.0.db.clock().now(), last)
    }
}

/// A new response of a buyer, with the number that the offer counts already.
pub(super) fn blank(
    offer: &Offer,
    buyer: UserId,
    kind: ResponseType,
    quantity: i32,
    wish: &Wish,
    now: Time,
) -> OfferResponse {
    OfferResponse {
        id: OfferResponseId::new(now).uuid(),
        offer_id: offer.id,
        buyer_id: buyer.uuid(),
        seller_id: offer.seller_id,
        number: offer.responses_count,
        kind: kind.as_str().to_owned(),
        status: ResponseStatus::Pending.as_str().to_owned(),
        refusal: String::new(),
        amount: wish.amount,
        quantity,
        max_amount: wish.max_amount,
        message: wish.message.clone(),
        payment_method: wish.payment_method.unwrap_or(USUAL_PAYMENT).to_owned(),
        address_id: wish.address.map(|id| id.uuid()),
        round: 0,
        proposed_by: String::new(),
        order_id: None,
        version: 1,
        created_at: now.micros(),
        updated_at: now.micros(),
    }
}

fn round_of(response: &OfferResponse, party: Party) -> round::Model {
    round::Model {
        response_id: response.id,
        number: response.round,
        party: party.as_str().to_owned(),
        amount: response.amount,
        quantity: response.quantity,
        message: response.message.clone(),
        created_at: response.updated_at,
    }
}

fn require_negotiation(response: &OfferResponse) -> Result<()> {
    match response.kind() {
        ResponseType::Negotiation => Ok(()),
        ResponseType::Bid => {
            let message = "the end of an auction decides about bids";
            Err(Error::new(Reason::WrongResponseType, message))
        }
    }
}

fn require_pending(response: &OfferResponse, wanted: &'static str) -> Result<()> {
    match response.status() {
        ResponseStatus::Pending => Ok(()),
        _ => Err(illegal(response, wanted)),
    }
}

fn illegal(response: &OfferResponse, wanted: &'static str) -> Error {
    let status = response.status().as_str();
    let message = format!("a response that is {status} cannot be {wanted}");
    Error::new(Reason::InvalidStatusTransition, message).with("status", status)
}

fn require_round(response: &OfferResponse, seen: i32) -> Result<()> {
    if seen == response.round {
        return Ok(());
    }
    let message = "the terms have changed; look at them and answer again";
    Err(Error::new(Reason::Conflict, message).with("round", response.round))
}

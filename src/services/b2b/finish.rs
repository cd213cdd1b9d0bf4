//! What happens to offers by the clock: they begin, end, and tell that they end soon.

use std::time::Duration;

use super::announce::Type;
use super::jobs::{QUEUE, TURN, payload};
use super::offer::{Offer, OfferResponse};
use super::state::{OfferStatus, Outcome, Refusal, ResponseStatus};
use super::{B2b, announce, deal, store};
use crate::db::{NewJob, Tx};
use crate::kernel::id::{OfferId, OfferResponseId};
use crate::kernel::{Error, Reason, Result, Time};

/// How long before its end bidders are told that an auction ends soon.
const NOTICE: i64 = 60 * 60 * 1_000_000;

/// Whether an offer lasts longer than the notice of its end.
pub(super) fn is_long(starts_at: i64, ends_at: Option<i64>) -> bool {
    ends_at.is_some_and(|end| end - starts_at > NOTICE)
}

/// When something happens to an offer next by itself.
fn due(offer: &Offer) -> Option<i64> {
    match offer.status() {
        OfferStatus::Scheduled => Some(offer.starts_at),
        OfferStatus::Active if offer.is_auction() && !offer.ending_told => {
            offer.ends_at.map(|end| end - NOTICE)
        }
        OfferStatus::Active => offer.ends_at,
        OfferStatus::Sold | OfferStatus::Expired | OfferStatus::Closed => None,
    }
}

/// Enqueues the job that turns an offer when something is due. A job that finds nothing due
/// any more does nothing, so one is added with every change of that moment.
pub(super) fn schedule(tx: &Tx, offer: &Offer) {
    let Some(due) = due(offer) else { return };
    let wait = u64::try_from(due - tx.now().micros()).unwrap_or(0);
    tx.enqueue(NewJob {
        delay: Duration::from_micros(wait),
        max_attempts: 20,
        ..NewJob::new(QUEUE, TURN, payload(offer.offer_id()))
    });
}

/// Rejects every open response to an offer that the caller holds, and tells each buyer.
///
/// # Errors
/// Those of the database.
pub(super) async fn reject_open(tx: &Tx, offer: &Offer, why: Refusal, told: Type) -> Result<()> {
    let now = Ord::max(tx.now(), Time::from_micros(offer.updated_at));
    for response in store::reject_open(tx, offer.offer_id(), why, now).await? {
        announce::response(tx, offer, &response, told);
    }
    Ok(())
}

impl B2b {
    /// Does what is due for an offer: begins it, ends it, or tells that it ends soon.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn turn(&self, tx: &Tx, id: OfferId) -> Result<()> {
        let Some(mut offer) = store::lock(tx, id).await? else {
            return Ok(());
        };
        let now = self.now(&offer);
        let is_due = |offer: &Offer| due(offer).is_some_and(|due| due <= now.micros());
        if !is_due(&offer) {
            return Ok(());
        }
        if offer.status() == OfferStatus::Scheduled {
            offer.status = OfferStatus::Active.as_str().to_owned();
            offer.touch(now);
            announce::offer(tx, &offer, Type::OfferOpened, None);
        }
        if offer.ends_at.is_some_and(|end| end <= now.micros()) {
            return self.end(tx, offer, now).await;
        }
        if is_due(&offer) {
            tell_ending(tx, &mut offer, now).await?;
        }
        store::save(tx, &offer).await?;
        schedule(tx, &offer);
        Ok(())
    }

    /// Ends an offer whose time is over, and that the caller holds.
    async fn end(&self, tx: &Tx, mut offer: Offer, now: Time) -> Result<()> {
        let leader = offer.leader_id.filter(|_| offer.is_auction());
        let Some(leader) = leader else {
            let is_partly_sold = offer.available_quantity < offer.initial_quantity;
            let outcome = match is_partly_sold {
                true => Outcome::Agreed,
                false => Outcome::NoDeal,
            };
            let (why, told) = (Refusal::OfferExpired, Type::NegotiationRejected);
            return expire(tx, offer, outcome, why, told, now).await;
        };
        if !offer.reserve_met() {
            let (outcome, why) = (Outcome::ReserveNotMet, Refusal::ReserveNotMet);
            return expire(tx, offer, outcome, why, Type::AuctionLost, now).await;
        }
        let leader = OfferResponseId::from(leader);
        let winner = store::find_response(tx.conn(), leader).await?;
        let mut winner = winner.ok_or_else(|| Error::internal("an auction is led by nobody"))?;
        let won = self.strike(tx, &mut offer, &mut winner, deal::How::Won);
        match won.await {
            Ok(()) => Ok(()),
            Err(refused) => match refused.reason() {
                Reason::OutOfStock => {
                    let gone = (Outcome::OutOfStock, Refusal::OutOfStock);
                    fail(tx, offer, winner, gone, now).await
                }
                Reason::StoreNotActive => {
                    let away = (Outcome::StoreNotActive, Refusal::StoreNotActive);
                    fail(tx, offer, winner, away, now).await
                }
                _ => Err(refused),
            },
        }
    }
}

/// Tells everyone who sees an auction, and those who bid, that it ends soon.
async fn tell_ending(tx: &Tx, offer: &mut Offer, now: Time) -> Result<()> {
    offer.ending_told = true;
    offer.touch(now);
    announce::offer(tx, offer, Type::AuctionEndingSoon, None);
    for response in store::touch_open(tx, offer.offer_id(), now).await? {
        announce::response(tx, offer, &response, Type::AuctionEndingSoon);
    }
    Ok(())
}

/// Ends an offer of which nothing is sold any more.
async fn expire(
    tx: &Tx,
    mut offer: Offer,
    outcome: Outcome,
    why: Refusal,
    told: Type,
    now: Time,
) -> Result<()> {
    reject_open(tx, &offer, why, told).await?;
    offer.end(OfferStatus::Expired, outcome, now);
    offer.touch(now);
    store::save(tx, &offer).await?;
    announce::offer(tx, &offer, Type::OfferExpired, None);
    Ok(())
}

/// Ends an auction that was won, but whose goods cannot be had: winner and seller are told,
/// the others have lost.
async fn fail(
    tx: &Tx,
    offer: Offer,
    mut winner: OfferResponse,
    (outcome, why): (Outcome, Refusal),
    now: Time,
) -> Result<()> {
    winner.order_id = None;
    winner.settle(ResponseStatus::Rejected, Some(why));
    winner.touch(now);
    store::save_response(tx, &winner).await?;
    let told = match why {
        Refusal::OutOfStock => Type::OutOfStock,
        _ => Type::AuctionLost,
    };
    announce::response(tx, &offer, &winner, told);
    expire(tx, offer, outcome, Refusal::Lost, Type::AuctionLost, now).await
}

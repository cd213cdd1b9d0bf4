//! Bids: taken one after the other, on the row of the auction.

use super::access::Trader;
use super::announce::Type;
use super::auction::{self, Bidder, Standing, Step};
use super::entity::bid;
use super::negotiate::blank;
use super::offer::{Offer, OfferResponse};
use super::respond::{Done, Wish};
use super::state::{ResponseStatus, ResponseType};
use super::{B2b, announce, finish, store};
use crate::db::Tx;
use crate::kernel::id::OfferResponseId;
use crate::kernel::{Error, Reason, Result, Time};

/// How often late bids move the end of an auction at the most; the database knows it too.
const MAX_EXTENSIONS: i32 = 10;

impl B2b {
    /// Bids on an auction that the caller holds; `own` are the bidder's bids so far.
    ///
    /// # Errors
    /// AUCTION_NOT_STARTED, AUCTION_ENDED, QUANTITY_OUT_OF_RANGE, BID_TOO_LOW.
    pub(super) async fn bid(
        &self,
        tx: &Tx,
        trader: &Trader,
        mut offer: Offer,
        own: Option<OfferResponse>,
        wish: &Wish,
    ) -> Result<Done> {
        let now = self.now(&offer);
        offer.require_active(now)?;
        let before = own.as_ref().map(|own| own.quantity);
        let quantity = wish.quantity.or(before).unwrap_or(offer.min_quantity);
        offer.require_quantity(quantity)?;
        self.check_address(tx, trader.user, wish).await?;
        let is_new = own.is_none();
        let mut own = match own {
            Some(own) => with_wish(own, quantity, wish, now),
            None => {
                offer.responses_count += 1;
                blank(&offer, trader.user, ResponseType::Bid, quantity, wish, now)
            }
        };
        let rival = rival(tx, &offer, &own).await?;
        let steps = auction::take(&standing(&offer, rival.as_ref()), &bidder(&own));
        let steps = steps.ok_or_else(|| too_low(&offer))?;
        let leads = match steps.last() {
            Some(last) => last.number == own.number,
            None => true,
        };
        if let Some(last) = steps.iter().rfind(|step| step.number == own.number) {
            own.amount = last.amount;
        }
        let status = match leads {
            true => ResponseStatus::Pending,
            false => ResponseStatus::Outbid,
        };
        own.settle(status, None);
        let rival = rival.map(|rival| after_bids(rival, &steps, leads, now));
        save(tx, &own, is_new, rival.as_ref(), leads).await?;
        append(tx, &mut offer, &own, rival.as_ref(), &steps, now).await?;
        if !steps.is_empty() {
            self.extend(tx, &mut offer, now);
        }
        store::save(tx, &offer).await?;
        tell(tx, &offer, &own, rival.as_ref(), leads);
        Ok(Done {
            offer,
            response: own,
        })
    }

    /// Moves the end of an auction when the bid came late, so that others can answer it.
    fn extend(&self, tx: &Tx, offer: &mut Offer, now: Time) {
        let by = self.0.settings.auction_extension;
        let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        let Some(end) = offer.ends_at else { return };
        let is_late = end - now.micros() <= micros;
        if !offer.anti_sniping || !is_late || offer.extensions >= MAX_EXTENSIONS {
            return;
        }
        offer.ends_at = Some(end + micros);
        offer.extensions += 1;
        offer.touch(now);
        announce::offer(tx, offer, Type::AuctionExtended, None);
        finish::schedule(tx, offer);
    }
}

/// The bidder's bids so far, with the wish.
fn with_wish(own: OfferResponse, quantity: i32, wish: &Wish, now: Time) -> OfferResponse {
    let mut own = OfferResponse {
        amount: wish.amount,
        quantity,
        max_amount: wish.max_amount,
        payment_method: wish.payment_method.to_owned(),
        address_id: wish.address.map(|id| id.uuid()).or(own.address_id),
        ..own
    };
    if !wish.message.is_empty() {
        own.message.clone_from(&wish.message);
    }
    own.touch(now);
    own
}

/// The highest bidder, unless it is the one who bids.
async fn rival(tx: &Tx, offer: &Offer, own: &OfferResponse) -> Result<Option<OfferResponse>> {
    let Some(leader) = offer.leader_id.filter(|leader| *leader != own.id) else {
        return Ok(None);
    };
    let found = store::find_response(tx.conn(), OfferResponseId::from(leader)).await?;
    match found {
        Some(found) => Ok(Some(found)),
        None => Err(Error::internal("an auction is led by nobody")),
    }
}

fn standing(offer: &Offer, rival: Option<&OfferResponse>) -> Standing {
    let leads_already = || {
        let (number, amount) = offer.leader_number.zip(offer.current_bid)?;
        // The bidder's own lead: what the bidder wanted before no longer counts.
        Some(Bidder {
            number,
            amount,
            most: amount,
        })
    };
    Standing {
        base: offer.base_price,
        increment: offer.bid_increment,
        reserve: offer.reserve_price,
        leader: rival.map(bidder).or_else(leads_already),
    }
}

fn bidder(response: &OfferResponse) -> Bidder {
    Bidder {
        number: response.number,
        amount: response.amount,
        most: response.max_amount.unwrap_or(response.amount),
    }
}

fn too_low(offer: &Offer) -> Error {
    let next = offer.next_bid();
    let message = format!("the next bid is at least {next}");
    let error = Error::new(Reason::BidTooLow, message)
        .at("amount")
        .with("nextBid", next);
    match offer.current_bid {
        Some(current) => error.with("currentBid", current),
        None => error,
    }
}

/// Who led before, after the bids.
fn after_bids(
    mut rival: OfferResponse,
    steps: &[Step],
    is_outbid: bool,
    now: Time,
) -> OfferResponse {
    if let Some(last) = steps.iter().rfind(|step| step.number == rival.number) {
        rival.amount = last.amount;
    }
    if is_outbid {
        rival.settle(ResponseStatus::Outbid, None);
    }
    rival.touch(now);
    rival
}

/// Writes both; who is outbid first, because one response leads at a time.
async fn save(
    tx: &Tx,
    own: &OfferResponse,
    is_new: bool,
    rival: Option<&OfferResponse>,
    leads: bool,
) -> Result<()> {
    if let Some(rival) = rival.filter(|_| leads) {
        store::save_response(tx, rival).await?;
    }
    match is_new {
        true => store::insert_response(tx, own).await?,
        false => store::save_response(tx, own).await?,
    }
    if let Some(rival) = rival.filter(|_| !leads) {
        store::save_response(tx, rival).await?;
    }
    Ok(())
}

/// Adds the bids to the log of the auction, notes in the auction who leads, and tells each
/// to everyone who sees it.
async fn append(
    tx: &Tx,
    offer: &mut Offer,
    own: &OfferResponse,
    rival: Option<&OfferResponse>,
    steps: &[Step],
    now: Time,
) -> Result<()> {
    let mut bids = Vec::with_capacity(steps.len());
    for step in steps {
        let by = match rival {
            Some(rival) if rival.number == step.number => rival,
            _ => own,
        };
        offer.bids_count += 1;
        offer.current_bid = Some(step.amount);
        offer.leader_id = Some(by.id);
        offer.leader_number = Some(by.number);
        offer.touch(now);
        let bid = bid::Model {
            offer_id: offer.id,
            number: offer.bids_count,
            response_id: by.id,
            amount: step.amount,
            quantity: by.quantity,
            automatic: step.automatic,
            ends_at: offer.ends_at.unwrap_or(i64::MAX),
            created_at: now.micros(),
        };
        announce::offer(tx, offer, Type::NewBid, Some((&bid, by.number)));
        bids.push(bid);
    }
    match bids.is_empty() {
        true => Ok(()),
        false => store::append_bids(tx, &bids).await,
    }
}

/// Tells both bidders how they stand.
fn tell(tx: &Tx, offer: &Offer, own: &OfferResponse, rival: Option<&OfferResponse>, leads: bool) {
    let how = |is_ahead| match is_ahead {
        true => Type::NewBid,
        false => Type::Outbid,
    };
    announce::response(tx, offer, own, how(leads));
    if let Some(rival) = rival {
        announce::response(tx, offer, rival, how(!leads));
    }
}

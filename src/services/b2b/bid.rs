//! Bids: taken one after the other, on the row of the auction. Those that wait for it
//! together are taken together: what they read is read once, and so is what they change
//! written.

use std::collections::{BTreeMap, BTreeSet};

use super::access::Trader;
use super::announce::Type;
use super::auction::{self, Bidder, Standing, Step};
use super::entity::bid;
use super::negotiate::blank;
use super::offer::{Offer, OfferResponse};
use super::respond::{self, Addresses, Done, Wish};
use super::state::{ResponseStatus, ResponseType};
use super::{B2b, announce, finish, store};
use crate::db::Tx;
use crate::kernel::id::UserId;
use crate::kernel::{Error, Reason, Result, Time};

/// How often late bids move the end of an auction at the most; the database knows it too.
const MAX_EXTENSIONS: i32 = 10;

impl B2b {
    /// Bids on an auction that the caller holds, in this order. Who is refused leaves
    /// nothing behind.
    ///
    /// # Errors
    /// Those of the database. Of each bid: NOT_FOUND, TIER_CANNOT_RESPOND,
    /// WRONG_RESPONSE_TYPE, AUCTION_NOT_STARTED, AUCTION_ENDED, QUANTITY_OUT_OF_RANGE,
    /// BID_TOO_LOW, VALIDATION_ERROR.
    pub(super) async fn bid(
        &self,
        tx: &Tx,
        offer: Offer,
        bids: &[(&Trader, &Wish)],
    ) -> Result<Vec<Result<Done>>> {
        let now = self.now(&offer);
        let buyers: Vec<UserId> = bids.iter().map(|(trader, _)| trader.user).collect();
        let known = store::bidders(tx, &offer, &buyers).await?;
        let addresses = Addresses::named(tx, bids.iter().map(|(_, wish)| *wish)).await?;
        let mut book = Book::new(offer, known, now);
        let take = |(trader, wish): &(&Trader, &Wish)| {
            addresses.check(trader.user, wish)?;
            book.take(tx, self, trader, wish)
        };
        let done = bids.iter().map(take).collect();
        book.save(tx).await?;
        Ok(done)
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

/// An auction and its bidders while bids are taken.
struct Book {
    offer: Offer,
    /// The leader and those who bid now, by their numbers.
    bidders: BTreeMap<i32, OfferResponse>,
    now: Time,
    /// The bidders who have changed.
    changed: BTreeSet<i32>,
    /// The bids that were taken.
    bids: Vec<bid::Model>,
}

impl Book {
    fn new(offer: Offer, known: Vec<OfferResponse>, now: Time) -> Self {
        Self {
            offer,
            bidders: known.into_iter().map(|one| (one.number, one)).collect(),
            now,
            changed: BTreeSet::new(),
            bids: Vec::new(),
        }
    }

    /// Takes a bid, tells of it, and answers how things stand then.
    fn take(&mut self, tx: &Tx, b2b: &B2b, trader: &Trader, wish: &Wish) -> Result<Done> {
        let now = self.now;
        let before = self.bidders.values().find(|one| one.buyer() == trader.user);
        respond::check(trader, &self.offer, before.is_some(), wish)?;
        self.offer.require_active(now)?;
        let quantity = wish.quantity.or(before.map(|before| before.quantity));
        let quantity = quantity.unwrap_or(self.offer.min_quantity);
        self.offer.require_quantity(quantity)?;
        let mut own = match before {
            Some(before) => with_wish(before.clone(), quantity, wish, now),
            None => OfferResponse {
                number: self.offer.responses_count + 1,
                ..blank(
                    &self.offer,
                    trader.user,
                    ResponseType::Bid,
                    quantity,
                    wish,
                    now,
                )
            },
        };
        let rival = self.rival(&own)?;
        let steps = auction::take(&standing(&self.offer, rival.as_ref()), &bidder(&own));
        let steps = steps.ok_or_else(|| too_low(&self.offer))?;
        // Only a bid says what it is for: whoever leads raises the maximum alone.
        if steps.is_empty() && before.is_some_and(|before| before.quantity != quantity) {
            return Err(too_low(&self.offer).because("quantity", "changes with a higher bid alone"));
        }
        let leads = steps.last().is_none_or(|last| last.number == own.number);
        if let Some(last) = steps.iter().rfind(|step| step.number == own.number) {
            own.amount = last.amount;
        }
        let status = match leads {
            true => ResponseStatus::Pending,
            false => ResponseStatus::Outbid,
        };
        own.settle(status, None);
        let rival = rival.map(|rival| after_bids(rival, &steps, leads, now));
        self.offer.responses_count = Ord::max(self.offer.responses_count, own.number);
        self.append(tx, &own, rival.as_ref(), &steps);
        if !steps.is_empty() {
            b2b.extend(tx, &mut self.offer, now);
        }
        tell(tx, &self.offer, &own, rival.as_ref(), leads);
        for changed in rival.into_iter().chain([own.clone()]) {
            self.changed.insert(changed.number);
            self.bidders.insert(changed.number, changed);
        }
        Ok(Done {
            offer: self.offer.clone(),
            response: own,
        })
    }

    /// The highest bidder, unless it is the one who bids.
    fn rival(&self, own: &OfferResponse) -> Result<Option<OfferResponse>> {
        let leader = self.offer.leader_number;
        let Some(leader) = leader.filter(|leader| *leader != own.number) else {
            return Ok(None);
        };
        match self.bidders.get(&leader) {
            Some(found) => Ok(Some(found.clone())),
            None => Err(Error::internal("an auction is led by nobody")),
        }
    }

    /// Adds bids to the log of the auction, notes who leads, and tells each to everyone who
    /// sees it.
    fn append(
        &mut self,
        tx: &Tx,
        own: &OfferResponse,
        rival: Option<&OfferResponse>,
        steps: &[Step],
    ) {
        let offer = &mut self.offer;
        for step in steps {
            let by = match rival {
                Some(rival) if rival.number == step.number => rival,
                _ => own,
            };
            offer.bids_count += 1;
            offer.current_bid = Some(step.amount);
            offer.leader_id = Some(by.id);
            offer.leader_number = Some(by.number);
            offer.touch(self.now);
            let bid = bid::Model {
                offer_id: offer.id,
                number: offer.bids_count,
                response_id: by.id,
                amount: step.amount,
                quantity: by.quantity,
                automatic: step.automatic,
                ends_at: offer.ends_at.unwrap_or(i64::MAX),
                created_at: self.now.micros(),
            };
            announce::offer(tx, offer, Type::NewBid, Some((&bid, by.number)));
            self.bids.push(bid);
        }
    }

    /// Writes what has changed.
    async fn save(self, tx: &Tx) -> Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let leader = self.offer.leader_number;
        let changed = self.bidders.into_values();
        let changed = changed.filter(|one| self.changed.contains(&one.number));
        // The leader last, because one response leads at a time.
        let (leading, outbid): (Vec<_>, Vec<_>) =
            changed.partition(|one| Some(one.number) == leader);
        store::put_responses(tx, outbid.into_iter().chain(leading)).await?;
        store::append_bids(tx, &self.bids).await?;
        store::save(tx, &self.offer).await
    }
}

/// The bidder's bids so far, with the wish.
fn with_wish(own: OfferResponse, quantity: i32, wish: &Wish, now: Time) -> OfferResponse {
    let mut own = OfferResponse {
        amount: wish.amount,
        quantity,
        max_amount: wish.max_amount,
        payment_method: wish
            .payment_method
            .map_or(own.payment_method, str::to_owned),
        address_id: wish.address.map(|id| id.uuid()).or(own.address_id),
        ..own
    };
    if !wish.message.is_empty() {
        own.message.clone_from(&wish.message);
    }
    own.touch(now);
    own
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

//! Offers, responses and bids as a trader is shown them.

use std::collections::HashMap;

use super::super::B2b;
use super::super::access::{self, Trader};
use super::super::convert::{bid_to_pb, response_to_pb, round_to_pb, shown};
use super::super::offer::{Offer, OfferResponse};
use super::super::store::{self, lists};
use crate::db::Conn;
use crate::kernel::id::{OfferId, OfferResponseId, UserId};
use crate::kernel::{Error, Reason, Result};
use crate::pb::souk::b2b::v1 as pb;
use crate::services::users;

impl B2b {
    /// Offers as a trader is shown them: one statement for the trader's responses to all.
    pub(in super::super) async fn offers_to_pb(
        &self,
        trader: &Trader,
        offers: &[Offer],
    ) -> Result<Vec<pb::Offer>> {
        let ids: Vec<OfferId> = offers.iter().map(Offer::offer_id).collect();
        let own = match trader.is_admin {
            true => Vec::new(),
            false => lists::of_buyer(self.0.db.read(), trader.user, &ids).await?,
        };
        // In their order, so that the newest stays.
        let own: HashMap<OfferId, &OfferResponse> =
            own.iter().map(|own| (own.offer(), own)).collect();
        let shown = offers
            .iter()
            .map(|offer| shown(trader, offer, own.get(&offer.offer_id()).copied()));
        Ok(shown.collect())
    }

    /// Responses as a trader is shown them: two statements for the offers and buyers of all.
    pub(in super::super) async fn responses_to_pb(
        &self,
        trader: &Trader,
        responses: &[OfferResponse],
    ) -> Result<Vec<pb::OfferResponse>> {
        self.shown_responses(self.0.db.read(), trader, responses)
            .await
    }

    async fn shown_responses(
        &self,
        conn: &impl Conn,
        trader: &Trader,
        responses: &[OfferResponse],
    ) -> Result<Vec<pb::OfferResponse>> {
        let offers: Vec<OfferId> = responses.iter().map(OfferResponse::offer).collect();
        let offers = lists::find_all(conn, &offers).await?;
        let offers: HashMap<OfferId, &Offer> = offers
            .iter()
            .map(|offer| (offer.offer_id(), offer))
            .collect();
        let buyers: Vec<UserId> = responses.iter().map(OfferResponse::buyer).collect();
        let names: HashMap<UserId, String> = users::find_all(conn, &buyers)
            .await?
            .into_iter()
            .map(|user| (user.user_id(), user.name.unwrap_or_default()))
            .collect();
        let shown = responses.iter().filter_map(|response| {
            let offer = offers.get(&response.offer())?;
            let name = names.get(&response.buyer()).map_or("", String::as_str);
            let to_buyer = response.buyer() == trader.user;
            Some(response_to_pb(response, offer, name, to_buyer))
        });
        Ok(shown.collect())
    }

    /// A response with its rounds, as a trader is shown it.
    ///
    /// # Errors
    /// NOT_FOUND.
    pub(in super::super) async fn response(
        &self,
        conn: &impl Conn,
        trader: &Trader,
        id: OfferResponseId,
    ) -> Result<pb::OfferResponse> {
        let found = access::visible_response(conn, trader, id).await?;
        let rounds = store::rounds(conn, id).await?;
        let shown = self.shown_responses(conn, trader, &[found]).await?;
        let shown = shown.into_iter().next().ok_or_else(access::no_offer)?;
        Ok(pb::OfferResponse {
            rounds: rounds.iter().map(round_to_pb).collect(),
            ..shown
        })
    }

    /// The highest bids of an auction that a trader sees.
    ///
    /// # Errors
    /// NOT_FOUND, WRONG_RESPONSE_TYPE for an offer that is no auction.
    pub(in super::super) async fn bid_history(
        &self,
        trader: &Trader,
        id: OfferId,
    ) -> Result<Vec<pb::Bid>> {
        let conn = self.0.db.read();
        let (offer, own) = access::visible(conn, trader, id).await?;
        if !offer.is_auction() {
            let message = "the offer is no auction";
            return Err(Error::new(Reason::WrongResponseType, message));
        }
        let own = own.map(|own| own.number);
        self.top_bids(conn, &offer, own).await
    }

    /// The highest bids of an auction as it was read, the highest first; `own` is the
    /// reader's number.
    pub(in super::super) async fn top_bids(
        &self,
        conn: &impl Conn,
        offer: &Offer,
        own: Option<i32>,
    ) -> Result<Vec<pb::Bid>> {
        let bids = lists::top_bids(conn, offer).await?;
        let bids = bids.iter();
        Ok(bids
            .map(|(bid, bidder)| bid_to_pb(bid, *bidder, own == Some(*bidder)))
            .collect())
    }
}

//! Responding to an offer: who may, and with what.

use std::collections::HashMap;

use super::B2b;
use super::access::{self, Trader};
use super::offer::{Offer, OfferResponse};
use super::state::ResponseType;
use crate::db::Tx;
use crate::kernel::id::{AddressId, OfferId, UserId};
use crate::kernel::{Error, Reason, Result};
use crate::services::users;

/// A wish to respond.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub offer: OfferId,
    /// What the offer takes when absent.
    pub kind: Option<ResponseType>,
    /// Price of one piece in minor units.
    pub amount: i64,
    pub quantity: Option<i32>,
    /// Up to what the marketplace bids for the buyer.
    pub max_amount: Option<i64>,
    pub address: Option<AddressId>,
    /// The word of the contract; as before when absent, or BANK_TRANSFER.
    pub payment_method: Option<&'static str>,
    pub message: String,
}

/// A response, and its offer, after a change.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub offer: Offer,
    pub response: OfferResponse,
}

/// The addresses that wishes name, each with its owner.
pub(super) struct Addresses(HashMap<AddressId, UserId>);

impl Addresses {
    /// Those that some wishes name. One statement, where any does.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn named(tx: &Tx, wishes: impl IntoIterator<Item = &Wish>) -> Result<Self> {
        let ids: Vec<AddressId> = wishes.into_iter().filter_map(|wish| wish.address).collect();
        Ok(Self(users::owners_of_addresses(tx.conn(), &ids).await?))
    }

    /// The address that a wish names is the buyer's own.
    ///
    /// # Errors
    /// VALIDATION_ERROR.
    pub(super) fn check(&self, buyer: UserId, wish: &Wish) -> Result<()> {
        match wish.address.map(|id| self.0.get(&id)) {
            None => Ok(()),
            Some(Some(owner)) if *owner == buyer => Ok(()),
            Some(_) => Err(Error::field("addressId", "is not in your address book")),
        }
    }
}

impl B2b {
    /// Responds to an offer: negotiates, or bids.
    ///
    /// # Errors
    /// See the contract.
    pub(super) async fn respond(&self, tx: &Tx, trader: &Trader, wish: &Wish) -> Result<Done> {
        let trader = &match access::hold(tx, trader).await? {
            Some((_, tier)) => Trader {
                tier: Some(tier),
                ..*trader
            },
            None => *trader,
        };
        let (offer, own) = access::lock_visible(tx, trader, wish.offer).await?;
        if offer.is_auction() {
            let taken = self.bid(tx, offer, &[(trader, wish)]).await?;
            return taken.into_iter().next().ok_or_else(access::no_offer)?;
        }
        check(trader, &offer, own.is_some(), wish)?;
        self.negotiate(tx, trader, offer, wish).await
    }
}

/// Whether a trader may respond to an offer so; `has_responded` to it before or not.
///
/// # Errors
/// NOT_FOUND, TIER_CANNOT_RESPOND, WRONG_RESPONSE_TYPE, STORE_NOT_ACTIVE.
pub(super) fn check(
    trader: &Trader,
    offer: &Offer,
    has_responded: bool,
    wish: &Wish,
) -> Result<()> {
    if !trader.sees(offer, has_responded) {
        return Err(access::no_offer());
    }
    if !trader.is_target(offer) {
        let message = "the offer is not made to you";
        return Err(Error::new(Reason::TierCannotRespond, message));
    }
    let takes = match offer.is_auction() {
        true => ResponseType::Bid,
        false => ResponseType::Negotiation,
    };
    if wish.kind.is_some_and(|kind| kind != takes) {
        let message = format!("the offer takes a {}", takes.as_str());
        return Err(Error::new(Reason::WrongResponseType, message).at("responseType"));
    }
    offer.require_store()
}

//! Who trades, and who sees which offer. For everyone else in the chain it does not exist.

use super::offer::{Offer, OfferResponse};
use super::state::{OfferStatus, Party, may_target};
use super::{B2b, store};
use crate::db::{Conn, Tx};
use crate::kernel::id::{OfferId, OfferResponseId, UserId};
use crate::kernel::{Call, Error, Reason, Result};
use crate::services::users::{self, SellerCategory, User};

/// Whose an offer is, and to whom it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    /// Whose.
    pub seller: UserId,
    /// The seller's tier.
    pub by: Option<SellerCategory>,
    /// The tier that it targets.
    pub to: Option<SellerCategory>,
}

impl Made {
    /// What there is to know of an offer.
    pub(super) fn of(offer: &Offer) -> Self {
        Self {
            seller: offer.seller(),
            by: offer.seller_category(),
            to: offer.target(),
        }
    }
}

/// Somebody who may look at the trade between businesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trader {
    /// Who.
    pub user: UserId,
    /// The tier that the trader sells in; none for administrators, and for who has left the
    /// chain meanwhile.
    pub tier: Option<SellerCategory>,
    /// Whether the trader is an administrator, who ends offers and does not trade.
    pub is_admin: bool,
    /// Whether tiers are strict.
    pub is_strict: bool,
}

impl Trader {
    /// Whether an offer was made to the trader's tier.
    pub(super) fn is_target(&self, offer: &Offer) -> bool {
        self.is_among(&Made::of(offer))
    }

    /// The same, of what is known of an offer.
    pub(super) fn is_among(&self, made: &Made) -> bool {
        let Some((seller, own)) = made.by.zip(self.tier) else {
            return false;
        };
        let is_named = made.to == Some(own) && made.seller != self.user;
        is_named && may_target(seller, own, self.is_strict)
    }

    /// The trader in the tier that the account, which the caller holds, is in now; one who
    /// has left the chain, or is blocked, is in none.
    pub(super) fn now(&self, account: Option<&User>) -> Self {
        Self {
            tier: account
                .filter(|account| account.is_active)
                .and_then(User::seller_category),
            ..*self
        }
    }

    /// Whether the trader sees an offer; `has_responded` to it or not.
    pub(super) fn sees(&self, offer: &Offer, has_responded: bool) -> bool {
        let is_shown = offer.status() == OfferStatus::Active && offer.store_visible;
        self.is_admin
            || offer.seller() == self.user
            || has_responded
            || (is_shown && self.is_target(offer))
    }
}

impl B2b {
    /// The caller as a trader.
    ///
    /// # Errors
    /// NOT_A_TIER_SELLER for everyone who neither sells in a tier nor is an administrator.
    pub(super) async fn trader(&self, call: &Call) -> Result<Trader> {
        let user = call.user()?;
        let conn = self.0.db.read();
        let is_admin = call.caller.is_admin();
        let tier = match is_admin {
            true => None,
            false => match self.0.catalog.tier_of(conn, &call.caller).await? {
                Some(tier) => Some(tier),
                None => return Err(not_a_trader()),
            },
        };
        Ok(Trader {
            user,
            tier,
            is_admin,
            is_strict: self.0.settings.strict_tiers,
        })
    }
}

/// The refusal of who is in no tier.
pub(super) fn not_a_trader() -> Error {
    let message = "only sellers of the supply chain trade here";
    Error::new(Reason::NotATierSeller, message)
}

/// The trader's account with the tier that it is in, which stays until commit: who leaves
/// it waits, and then finds what the trader has begun. None for administrators.
///
/// # Errors
/// NOT_A_TIER_SELLER when the trader has left the chain meanwhile, or was blocked.
pub(super) async fn hold(tx: &Tx, trader: &Trader) -> Result<Option<(User, SellerCategory)>> {
    if trader.is_admin {
        return Ok(None);
    }
    let account = users::hold(tx, trader.user).await?;
    let account = account.filter(|account| account.is_active);
    let account = account.ok_or_else(not_a_trader)?;
    let tier = account.seller_category().ok_or_else(not_a_trader)?;
    Ok(Some((account, tier)))
}

/// There is no such offer, or the caller may not know of it.
pub(super) fn no_offer() -> Error {
    Error::not_found("offer")
}

fn no_response() -> Error {
    Error::not_found("response")
}

/// An offer that the trader sees, with the trader's own response where there is one.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn visible(
    conn: &impl Conn,
    trader: &Trader,
    id: OfferId,
) -> Result<(Offer, Option<OfferResponse>)> {
    let offer = store::find(conn, id).await?.ok_or_else(no_offer)?;
    judged(conn, trader, offer).await
}

/// Like [`visible`], held until commit: every change of an offer and its responses takes
/// its turn here.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn lock_visible(
    tx: &Tx,
    trader: &Trader,
    id: OfferId,
) -> Result<(Offer, Option<OfferResponse>)> {
    let offer = store::lock(tx, id).await?.ok_or_else(no_offer)?;
    judged(tx.conn(), trader, offer).await
}

async fn judged(
    conn: &impl Conn,
    trader: &Trader,
    offer: Offer,
) -> Result<(Offer, Option<OfferResponse>)> {
    let is_buyer = trader.tier.is_some() && offer.seller() != trader.user;
    let own = match is_buyer {
        true => store::newest_of_buyer(conn, offer.offer_id(), trader.user).await?,
        false => None,
    };
    match trader.sees(&offer, own.is_some()) {
        true => Ok((offer, own)),
        false => Err(no_offer()),
    }
}

/// An offer of the trader's own, held until commit.
///
/// # Errors
/// NOT_FOUND when the trader may not know of it, FORBIDDEN when it is somebody else's.
pub(super) async fn lock_own(tx: &Tx, trader: &Trader, id: OfferId) -> Result<Offer> {
    let (offer, _) = lock_visible(tx, trader, id).await?;
    match offer.seller() == trader.user {
        true => Ok(offer),
        false => Err(Error::forbidden("only its seller changes an offer")),
    }
}

/// An offer that the trader may end, held until commit: the own one, and for an
/// administrator any.
///
/// # Errors
/// NOT_FOUND when the trader may not know of it, FORBIDDEN when it is somebody else's.
pub(super) async fn lock_to_close(tx: &Tx, trader: &Trader, id: OfferId) -> Result<Offer> {
    match trader.is_admin {
        true => store::lock(tx, id).await?.ok_or_else(no_offer),
        false => lock_own(tx, trader, id).await,
    }
}

/// Whether a trader who saw an offer still does. Costs a statement only where the tiers
/// do not say so: for who has responded to it.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn still_visible(
    conn: &impl Conn,
    trader: &Trader,
    id: OfferId,
    made: &Made,
) -> Result<()> {
    let is_plain = trader.is_admin || made.seller == trader.user || trader.is_among(made);
    match is_plain {
        true => Ok(()),
        false => visible(conn, trader, id).await.map(drop),
    }
}

/// Whose an offer is that was made to a trader, over or not: who watched it to its end may
/// still be told of that.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn made_to(conn: &impl Conn, trader: &Trader, id: OfferId) -> Result<Made> {
    let found = store::find(conn, id).await?;
    let found = found.filter(|offer| trader.is_target(offer));
    found.map(|offer| Made::of(&offer)).ok_or_else(no_offer)
}

/// A response that the trader sees.
///
/// # Errors
/// NOT_FOUND.
pub(super) async fn visible_response(
    conn: &impl Conn,
    trader: &Trader,
    id: OfferResponseId,
) -> Result<OfferResponse> {
    let found = store::find_response(conn, id).await?;
    let sees = |found: &OfferResponse| trader.is_admin || found.party(trader.user).is_some();
    found.filter(sees).ok_or_else(no_response)
}

/// A response that the trader takes part in, with its offer, which is held until commit.
///
/// # Errors
/// NOT_FOUND; FORBIDDEN to administrators.
pub(super) async fn lock_response(
    tx: &Tx,
    trader: &Trader,
    id: OfferResponseId,
) -> Result<(Offer, OfferResponse, Party)> {
    let seen = visible_response(tx.conn(), trader, id).await?;
    let party = seen.party(trader.user);
    let party = party.ok_or_else(|| Error::forbidden("administrators do not trade"))?;
    let offer = store::lock(tx, seen.offer()).await?.ok_or_else(no_offer)?;
    // Read again: only now nothing changes it any more.
    let response = visible_response(tx.conn(), trader, id).await?;
    Ok((offer, response, party))
}

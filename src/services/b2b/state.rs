//! The words of offers and responses, and who may trade with whom. Pure.

use crate::kernel::{Error, Reason, Result, words};
use crate::services::users::SellerCategory::{self, Fournisseur, Grossiste, Importateur};

words! {
    /// How buyers come to terms.
    OfferType {
        /// Each buyer negotiates with the seller.
        Negotiable "NEGOTIABLE",
        /// The highest bid at the end wins.
        Auction "AUCTION",
    }
}

words! {
    /// Where an offer is in its life.
    OfferStatus {
        /// Has not begun; only its seller sees it.
        Scheduled "SCHEDULED",
        /// Takes responses.
        Active "ACTIVE",
        /// All that was to be had is sold.
        Sold "SOLD",
        /// Its time is over.
        Expired "EXPIRED",
        /// Ended by its seller, or by an administrator.
        Closed "CLOSED",
    }
}

impl OfferStatus {
    /// Whether the offer still has something before it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Active)
    }
}

words! {
    /// How an offer ended.
    Outcome {
        /// Sold to buyers who agreed with the seller.
        Agreed "AGREED",
        /// Sold to the highest bidder.
        Won "WON",
        /// Nobody came to terms.
        NoDeal "NO_DEAL",
        /// The highest bid was below the reserve price.
        ReserveNotMet "RESERVE_NOT_MET",
        /// The goods were gone when the auction ended.
        OutOfStock "OUT_OF_STOCK",
        /// The store was suspended when the auction ended.
        StoreNotActive "STORE_NOT_ACTIVE",
        /// Its seller ended it.
        ClosedBySeller "CLOSED_BY_SELLER",
        /// An administrator ended it.
        ClosedByAdministrator "CLOSED_BY_ADMINISTRATOR",
    }
}

words! {
    /// How a buyer responds.
    ResponseType {
        /// A bid in an auction.
        Bid "BID",
        /// Terms to negotiate.
        Negotiation "NEGOTIATION",
    }
}

words! {
    /// Where a response is in its life.
    ResponseStatus {
        /// Open: the highest bid, or terms that nobody has agreed to yet.
        Pending "PENDING",
        /// It became an order.
        Accepted "ACCEPTED",
        /// It came to nothing.
        Rejected "REJECTED",
        /// Somebody bid more.
        Outbid "OUTBID",
        /// Taken back by the buyer.
        Withdrawn "WITHDRAWN",
    }
}

words! {
    /// Why a response came to nothing, or could not be accepted.
    Refusal {
        /// The seller refused.
        Declined "DECLINED",
        /// Others took what was to be had.
        SoldOut "SOLD_OUT",
        /// Somebody else won the auction.
        Lost "LOST",
        /// The reserve price was not reached.
        ReserveNotMet "RESERVE_NOT_MET",
        /// The offer's time was over.
        OfferExpired "OFFER_EXPIRED",
        /// The seller or an administrator ended the offer.
        OfferClosed "OFFER_CLOSED",
        /// The goods were gone.
        OutOfStock "OUT_OF_STOCK",
        /// The store was not open for business.
        StoreNotActive "STORE_NOT_ACTIVE",
    }
}

words! {
    /// Who proposed terms.
    Party {
        /// Who responded to the offer.
        Buyer "BUYER",
        /// Whose offer it is.
        Seller "SELLER",
    }
}

impl Party {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Buyer => Self::Seller,
            Self::Seller => Self::Buyer,
        }
    }
}

/// The tier below.
pub const fn next_tier(category: SellerCategory) -> Option<SellerCategory> {
    match category {
        Importateur => Some(Grossiste),
        Grossiste => Some(Fournisseur),
        Fournisseur => None,
    }
}

/// Whether a seller of one tier may offer to those of another: down the chain, and where
/// tiers are strict to the next tier alone.
pub fn may_target(seller: SellerCategory, target: SellerCategory, is_strict: bool) -> bool {
    match (seller, target) {
        (Importateur, Fournisseur) => !is_strict,
        _ => next_tier(seller) == Some(target),
    }
}

/// Whose tier an offer of this seller targets.
///
/// # Errors
/// TIER_CANNOT_TARGET.
pub fn target(
    seller: SellerCategory,
    named: Option<SellerCategory>,
    is_strict: bool,
) -> Result<SellerCategory> {
    let wanted = named.or_else(|| next_tier(seller));
    let allowed = wanted.filter(|target| may_target(seller, *target, is_strict));
    allowed.ok_or_else(|| {
        let seller = seller.as_str();
        let message = match wanted {
            Some(target) => format!("a {seller} cannot offer to a {}", target.as_str()),
            None => format!("a {seller} sells to consumers and offers to nobody"),
        };
        Error::new(Reason::TierCannotTarget, message).at("targetCategory")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_go_down_the_chain() {
        for (seller, target, loose, strict) in [
            (Importateur, Importateur, false, false),
            (Importateur, Grossiste, true, true),
            (Importateur, Fournisseur, true, false),
            (Grossiste, Importateur, false, false),
            (Grossiste, Grossiste, false, false),
            (Grossiste, Fournisseur, true, true),
            (Fournisseur, Importateur, false, false),
            (Fournisseur, Grossiste, false, false),
            (Fournisseur, Fournisseur, false, false),
        ] {
            assert_eq!(may_target(seller, target, false), loose);
            assert_eq!(may_target(seller, target, true), strict);
        }
    }

    #[test]
    fn an_offer_goes_to_the_next_tier_unless_it_names_another() {
        assert_eq!(target(Importateur, None, true).unwrap(), Grossiste);
        assert_eq!(target(Grossiste, None, false).unwrap(), Fournisseur);
        let skipped = target(Importateur, Some(Fournisseur), false);
        assert_eq!(skipped.unwrap(), Fournisseur);
        for (seller, named, is_strict) in [
            (Fournisseur, None, false),
            (Grossiste, Some(Importateur), false),
            (Importateur, Some(Fournisseur), true),
        ] {
            let refused = target(seller, named, is_strict).unwrap_err();
            assert_eq!(refused.reason(), Reason::TierCannotTarget);
        }
    }
}

//! Pages of offers and responses.

use super::B2b;
use super::access::{self, Trader};
use super::offer::{Offer, OfferResponse};
use super::state::{OfferStatus, OfferType, ResponseStatus};
use super::store::lists;
use crate::kernel::id::{OfferId, UserId};
use crate::kernel::page::{Page, PageRequest, cursor};
use crate::kernel::{Error, Result};
use crate::services::users;

/// Among which offers to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Among {
    /// Those that a trader sees.
    SeenBy(Trader),
    /// Those of one seller.
    Of(UserId),
}

/// Which offers to list. Every given part must hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfferFilter {
    pub among: Among,
    pub kind: Option<OfferType>,
    pub status: Option<OfferStatus>,
    pub target: Option<users::SellerCategory>,
    pub seller: Option<UserId>,
}

/// Which responses to list. Every given part must hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseFilter {
    pub offer: Option<OfferId>,
    pub buyer: Option<UserId>,
    pub status: Option<ResponseStatus>,
}

impl B2b {
    /// A page of offers, the newest first.
    pub(super) async fn offers(
        &self,
        filter: &OfferFilter,
        page: &PageRequest,
    ) -> Result<Page<Offer>> {
        let (rows, total) = lists::offers(self.0.db.read(), filter, page).await?;
        Ok(page.finish(rows, total, |offer| cursor(offer.id, &[])))
    }

    /// A page of responses, the newest first.
    pub(super) async fn responses(
        &self,
        filter: &ResponseFilter,
        page: &PageRequest,
    ) -> Result<Page<OfferResponse>> {
        let (rows, total) = lists::responses(self.0.db.read(), filter, page).await?;
        Ok(page.finish(rows, total, |response| cursor(response.id, &[])))
    }

    /// A page of the responses to an offer of the trader's own, or any for administrators.
    ///
    /// # Errors
    /// NOT_FOUND when the trader may not know of the offer, FORBIDDEN when it is somebody
    /// else's.
    pub(super) async fn responses_to(
        &self,
        trader: &Trader,
        filter: &ResponseFilter,
        page: &PageRequest,
    ) -> Result<Page<OfferResponse>> {
        let id = filter.offer.ok_or_else(access::no_offer)?;
        let (offer, _) = access::visible(self.0.db.read(), trader, id).await?;
        if !trader.is_admin && offer.seller() != trader.user {
            let message = "only its seller sees what others respond to an offer";
            return Err(Error::forbidden(message));
        }
        self.responses(filter, page).await
    }
}

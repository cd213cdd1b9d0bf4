//! Trade along the supply chain: offers of sellers of one tier to those of another, which
//! are negotiated or auctioned.
//!
//! Holds:
//! - whoever may not see an offer is told that there is none;
//! - everything that happens to an offer and its responses takes turns on the offer's row,
//!   and is timed by the database's clock;
//! - accepted bids of an auction rise by at least its increment, none is accepted at or
//!   after its end, and it ends once, with one winner or none;
//! - only the terms that the other side proposed last can be accepted;
//! - a deal and its order, with the goods taken out of the stock, are one transaction;
//! - versions of offers and responses count what is told of them without a gap.
//!
//! What may be told to everyone who sees an offer goes to the topic of the offer; what one
//! buyer and the seller have to do with each other only to theirs.

mod access;
mod announce;
mod auction;
mod bid;
mod convert;
mod deal;
mod entity;
mod finish;
mod grpc;
mod jobs;
mod leave;
mod list;
mod manage;
mod negotiate;
mod offer;
mod respond;
mod state;
mod store;
mod terms;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use crate::db::Db;
use crate::events::Events;
use crate::kernel::Currency;
use crate::kernel::seal::Sealer;
use crate::services::catalog::Catalog;
use crate::services::media::Media;
use crate::services::stores::Stores;

pub use jobs::register;
pub use leave::{ForgetTraders, OffersUnderWay};
pub use offer::{Offer, OfferResponse};

/// How the trade between businesses goes where an offer does not say.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The marketplace's currency.
    pub currency: Currency,
    /// Whether sellers trade with the next tier alone.
    pub strict_tiers: bool,
    /// The shortest auction.
    pub auction_min: Duration,
    /// In the last so long of an auction a bid moves its end by as long.
    pub auction_extension: Duration,
}

/// The service of the trade between businesses. Clones share it.
#[derive(Clone)]
pub struct B2b(Arc<Parts>);

struct Parts {
    db: Db,
    sealer: Sealer,
    events: Events,
    stores: Stores,
    catalog: Catalog,
    media: Media,
    settings: Settings,
    queue: grpc::Queue,
}

impl B2b {
    /// The service; `sealer` makes its page tokens.
    pub fn new(
        db: Db,
        sealer: Sealer,
        events: Events,
        stores: Stores,
        catalog: Catalog,
        media: Media,
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Parts {
            db,
            sealer,
            events,
            stores,
            catalog,
            media,
            settings,
            queue: grpc::Queue::default(),
        }))
    }
}

//! The trade between businesses: offers, negotiations and auctions.

mod bids;
mod ends;
mod lists;
mod sight;
mod streams;

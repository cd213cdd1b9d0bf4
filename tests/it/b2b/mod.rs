//! The trade between businesses: offers, negotiations and auctions.

mod bids;
mod deals;
mod ends;
mod guards;
mod leaving;
mod lists;
mod negotiations;
mod offers;
mod sight;
mod streams;
mod talk;

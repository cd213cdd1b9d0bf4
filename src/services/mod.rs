//! One room per area of the contract. A service calls another only through its `mod.rs`,
//! and only to its left in this order: users, auth, stores, catalog, media, inventory,
//! reels, shipping, cart, orders, b2b, delivery, analytics, ops. The other direction goes
//! through events, or through a small trait that the left one defines and the assembly fills.

pub mod analytics;
pub mod auth;
pub mod b2b;
pub mod cart;
pub mod catalog;
pub mod delivery;
pub mod inventory;
pub mod media;
pub mod ops;
pub mod orders;
pub mod reels;
pub mod shipping;
pub mod stores;
pub mod users;

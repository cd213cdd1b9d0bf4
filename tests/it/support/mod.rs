//! What every test stands on: a server of its own, clients per role, builders, and the
//! database behind it.

pub mod app;
pub mod builders;
pub mod clients;
pub mod database;
pub mod frozen;
pub mod http;
pub mod raw;
pub mod rows;

pub use app::TestApp;
pub use builders::{Seller, ShippingTo};
pub use clients::{Client, keyed, reason};
pub use frozen::Frozen;

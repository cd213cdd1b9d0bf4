//! What every test stands on: a server of its own, clients per role, builders, and the
//! database behind it.

pub mod accounts;
pub mod app;
pub mod bucket;
pub mod builders;
pub mod clerk;
pub mod clients;
pub mod database;
pub mod frozen;
pub mod http;
pub mod keys;
pub mod raw;
pub mod redis;
pub mod reels;
pub mod rows;
pub mod s3;
#[allow(dead_code, reason = "the tests beside the code use the rest of it")]
#[path = "../../../src/services/media/check/samples.rs"]
pub mod samples;
pub mod smtp;
pub mod traders;
pub mod twilio;
pub mod wait;

pub use app::TestApp;
pub use builders::{Seller, ShippingTo};
pub use clients::{Client, keyed, reason};
pub use frozen::Frozen;
pub use redis::RedisServer;
pub use wait::until;

//! The words that every room shares: ids, money, time, pages, callers, errors,
//! secrets. Pure: nothing here knows a transport, a database or a cache.

pub mod address;
pub mod caller;
mod code_word;
pub mod error;
pub mod geo;
pub mod id;
pub mod money;
pub mod network;
pub mod page;
pub mod phone;
pub mod random;
pub mod seal;
pub mod seats;
pub mod secret;
pub mod signing;
pub mod task;
pub mod text;
pub mod time;
pub mod trace;
pub mod wilaya;
mod words;

pub use caller::{Call, Caller, Idempotency, Role};
pub use code_word::{CODE_WORDS, code_word};
pub use error::{Code, Error, Reason, Result, Violation};
pub use id::Id;
pub use money::{Currency, Money};
pub use secret::Secret;
pub use time::{Clock, Time};
pub use wilaya::{Wilaya, WilayaCode};
pub(crate) use words::words;

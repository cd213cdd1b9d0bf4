//! The outside world, each part behind a small trait with a fake: what a service needs
//! of a provider, in the service's words. Nothing here knows a service or a database.

pub mod blob;
pub mod breaker;
pub mod clerk;
pub mod http;
pub mod mail;
mod outbound;
pub mod sms;
pub mod svix;

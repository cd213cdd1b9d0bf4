//! The outside world behind traits, or a client that tests point at a server of their own:
//! what a service needs of a provider, in the service's words. Nothing here knows a service
//! or a database.

pub mod blob;
pub mod breaker;
pub mod clerk;
pub mod http;
pub mod mail;
mod outbound;
pub mod sms;
pub mod svix;

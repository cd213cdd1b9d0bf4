//! The compiled contract: messages, services, JSON, policy, routes, validation.

pub use souk_contract::*;

//! The tokens of sign-in: short-lived access tokens that are signed, and opaque refresh
//! tokens. Pure.

mod access;
mod refresh;
#[cfg(test)]
mod tests;

pub(super) use access::{AccessTokens, Bearer, Keys, expired, invalid};
pub(super) use refresh::{RefreshToken, RefreshTokens, Salt};

//! The suite that plays souk through real clients against a real server, on the database
//! that `SOUK_TEST_DATABASE` names (`sqlite`, the default, or `postgres` with
//! `TEST_POSTGRES_URL`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on must stop, in its helpers too"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "tests read the environment and spawn freely"
)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a helper cannot arrange fails its test"
)]

mod support;

mod access;
mod analytics;
mod auth;
mod b2b;
mod bucket;
mod cart;
mod catalog;
mod edge;
mod files;
mod graphql;
mod inventory;
mod media;
mod ops;
mod orders;
mod redis;
mod reels;
mod replica;
mod shipping;
mod stores;
mod users;
mod wire;

//! The suite that plays souk through real clients against a real server, on the database
//! that `SOUK_TEST_DATABASE` names (`sqlite`, the default, or `postgres` with
//! `TEST_POSTGRES_URL`).
#![expect(
    clippy::disallowed_methods,
    reason = "tests read the environment and spawn freely"
)]

mod support;

mod access;
mod auth;
mod cart;
mod edge;
mod ops;
mod orders;
mod shipping;
mod stores;
mod users;

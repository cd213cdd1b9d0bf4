//! What is seen of the real program from outside: a log without secrets, slow statements,
//! traces that reach a collector.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "stand-ins for the outside spawn freely"
)]

mod canary;
mod collector;
mod log;
mod provider;
#[path = "../rig/mod.rs"]
mod rig;
#[cfg(feature = "sentry")]
mod sentry;
mod traces;

/// A setting whose value is known only now.
fn setting(name: &'static str, value: impl Into<String>) -> (&'static str, &'static str) {
    (name, value.into().leak())
}

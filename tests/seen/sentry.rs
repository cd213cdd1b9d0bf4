//! Faults reach Sentry, with their request id and nothing of their caller. Run it with
//! `cargo test --features sentry --test seen sentry`.

use super::provider::Provider;
use super::rig::{Souk, until};
use super::setting;

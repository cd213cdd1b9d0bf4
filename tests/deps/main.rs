//! Things break around souk, one after the other, while it is in use: the database answers
//! nothing, cuts its connections, is slow, or lets nobody have a lock, the way to it forgets
//! its connections; Redis dies, is slow, forgets; the provider of text messages never
//! answers; the bucket fails, or never answers. For each it is written down what goes on
//! working (docs/RELIABILITY.md), and that is held against what callers see. No call may
//! outlast its deadline.
//!
//! On PostgreSQL two processes share the database and a Redis; SQLite has one process and
//! nothing but provider and bucket to lose. SOUK_TIER=long lets each fault last 30 seconds,
//! SOUK_FAULT chooses one of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod faults;
mod load;
#[path = "../rig/mod.rs"]
mod rig;
#[path = "../it/support/s3.rs"]
#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "the stand-in of the integration tests, of which this program uses a part"
)]
mod s3;
mod town;
mod trial;
#[path = "../it/support/twilio.rs"]
#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "the stand-in of the integration tests, of which this program uses a part"
)]
mod twilio;

use faults::Fault;
use rig::{Kind, setting};
use std::time::Duration;
use town::Town;

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_around_souk_breaks_no_promise() {
    let lasts = match setting("SOUK_TIER", "fast".to_owned()).as_str() {
        "fast" => Duration::from_secs(5),
        "long" => Duration::from_secs(30),
        other => panic!("SOUK_TIER is fast or long, not {other:?}"),
    };
    let mut town = Town::build().await;
    let faults: &[Fault] = match Kind::chosen() {
        Kind::Sqlite => &Fault::OUTSIDE,
        Kind::Postgres => &Fault::ALL,
    };
    let only = setting("SOUK_FAULT", String::new());
    let chosen = |fault: &&Fault| only.is_empty() || only == format!("{fault:?}");
    let mut broken = Vec::new();
    for fault in faults.iter().filter(chosen) {
        let trial = trial::hold(&mut town, *fault, lasts).await;
        println!("{trial}");
        broken.extend(trial.breaches());
    }
    assert!(broken.is_empty(), "{broken:#?}");
    town.end().await;
}

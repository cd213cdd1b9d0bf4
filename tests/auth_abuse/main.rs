//! Sign-in under abuse, against the real program: guesses that arrive together, tokens
//! that are used twice, sessions that end in another process, and answers that must not
//! tell by their words, their size or their time what the server knows.
//!
//! SOUK_TEST_REDIS=on runs it over the Redis that TEST_REDIS_URL names. SOUK_TIMINGS sets
//! how many answers of each kind are timed, SOUK_TEST_DATABASE (sqlite, postgres) chooses
//! the database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod redis;
#[path = "../rig/mod.rs"]
mod rig;
mod secrecy;
mod sessions;
mod web;

use futures_util::future::join_all;
use rig::{DEV_CODE, Souk};
use serde_json::json;
use web::Web;

/// Every call may come from an address of its own, and ask for a text message.
const SETTINGS: &[(&str, &str)] = &[
    ("TRUST_PROXY", "127.0.0.1"),
    ("SESSION_POLICY", "multi"),
    ("SMS_DAILY_LIMIT", "1000000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_guesses_at_once_five_count() {
    let mut souk = Souk::install("guesses").await.with(SETTINGS);
    souk.start().await;
    assert_five_count(&Web::of(&souk), "0550000001").await;
    souk.check();
    souk.remove().await;
}

/// Of a hundred wrong passwords at once five count, and the right one comes too late.
async fn assert_five_count(web: &Web, phone: &str) {
    assert_eq!(
        web.send("/otp/send", json!({"phone": phone})).await.status,
        200
    );
    let guess = |otp: String| async move {
        let body = json!({"phone": phone, "otp": otp});
        web.send("/otp/verify", body).await
    };
    let guesses = join_all((0..100).map(|number| guess(format!("{number:06}")))).await;
    for refused in &guesses {
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert_eq!(refused.code(), "OTP_INVALID_OR_EXPIRED");
        assert_eq!(refused.without_ids(), guesses[0].without_ids());
    }
    // The right one comes too late, and its refusal is the same.
    let right = guess(DEV_CODE.to_owned()).await;
    assert_eq!(right.without_ids(), guesses[0].without_ids());
    // A new one works once.
    assert_eq!(
        web.send("/otp/send", json!({"phone": phone})).await.status,
        200
    );
    let entered = join_all((0..20).map(|_| guess(DEV_CODE.to_owned()))).await;
    let entered = entered.iter().filter(|answer| answer.status == 200);
    assert_eq!(entered.count(), 1);
}

//! What bounds the sending of one-time passwords and the tries at sign-in.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use souk::cache::{Limit, Quota, RateLimit};
use souk::kernel::Error;
use souk::pb::souk::ops::v1::HelloRequest;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{PHONE, WRONG, request, sign_in, verify};
use crate::support::http::Answer;
use crate::support::{TestApp, reason};

/// How many seconds are left of the UTC day in which tests begin.
const LEFT_OF_DAY: u64 = 15 * 60 * 60;

fn wait(refused: &Status) -> Option<Duration> {
    refused.get_details_retry_info()?.retry_delay
}

fn phone(number: usize) -> String {
    format!("05552{number:05}")
}

#[tokio::test]
async fn of_many_wishes_at_once_exactly_the_day_s_messages_are_sent() {
    let app = TestApp::with(&[("SMS_DAILY_LIMIT", "7")]).await;
    let other = app.beside_with(&[("SMS_DAILY_LIMIT", "7")], |_| {}).await;
    let guests = [app.guest().await, other.guest().await];
    let phones: Vec<String> = (0..20).map(phone).collect();
    let wishes = phones.iter().enumerate();
    let wishes = wishes.map(|(number, phone)| request(&guests[number % 2], phone));
    let outcomes = join_all(wishes).await;
    let refused: Vec<&Status> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .collect();
    assert_eq!(refused.len(), 13);
    for refused in refused {
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(reason(refused), "OTP_RATE_LIMITED");
        assert_eq!(wait(refused), Some(Duration::from_secs(LEFT_OF_DAY)));
    }
    assert_eq!(app.number("SELECT sent FROM sms_days").await, 7);
    for table in ["otp_sends", "otp_challenges", "jobs"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(app.number(&count).await, 7, "{table}");
    }
}

#[tokio::test]
async fn a_spent_day_looks_the_same_to_known_and_unknown_phones_and_ends_at_midnight() {
    let app = TestApp::with(&[("SMS_DAILY_LIMIT", "1")]).await;
    let guest = app.guest().await;
    sign_in(&guest, PHONE).await;
    let before = app.rows().await;
    let mut answers = Vec::new();
    for phone in [PHONE, "0661234567"] {
        let mut refused = app.post("/otp/send", None, json!({"phone": phone})).await;
        assert_eq!(refused.status, 429);
        assert_eq!(refused.headers["retry-after"], LEFT_OF_DAY.to_string());
        refused.body["requestId"] = json!("…");
        answers.push(refused.body);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0]["code"], "OTP_RATE_LIMITED");
    assert_eq!(app.rows().await, before);
    app.advance(Duration::from_secs(LEFT_OF_DAY - 1));
    let refused = request(&guest, PHONE).await.unwrap_err();
    assert_eq!(reason(&refused), "OTP_RATE_LIMITED");
    app.advance(Duration::from_secs(1));
    request(&guest, PHONE).await.unwrap();
    let refused = request(&guest, "0661234567").await.unwrap_err();
    assert_eq!(reason(&refused), "OTP_RATE_LIMITED");
}

#[tokio::test]
async fn a_day_without_messages_sends_none() {
    let app = TestApp::with(&[("SMS_DAILY_LIMIT", "0")]).await;
    let refused = request(&app.guest().await, PHONE).await.unwrap_err();
    assert_eq!(reason(&refused), "OTP_RATE_LIMITED");
    app.run_jobs().await;
    assert!(app.sms.sent().is_empty());
}

/// Asks for a password over HTTP with a header that claims an address.
async fn send_from(app: &TestApp, phone: &str, forwarded: &str) -> Answer {
    let headers = [("x-forwarded-for", forwarded)];
    let body = json!({"phone": phone});
    app.http(Method::POST, "/otp/send", None, &headers, Some(body))
        .await
}

#[tokio::test]
async fn an_address_that_a_client_claims_gets_it_no_more_messages() {
    let app = TestApp::start().await;
    let mut taken = 0;
    for number in 0..40 {
        let claim = format!("203.0.113.{number}");
        let answer = send_from(&app, &phone(number), &claim).await;
        taken += usize::from(answer.status == 200);
    }
    assert_eq!(taken, 30);
    // For one phone the five of a minute hold as well.
    app.advance(Duration::from_secs(60 * 60));
    let mut taken = 0;
    for number in 0..8 {
        let answer = send_from(&app, PHONE, &format!("203.0.113.{number}")).await;
        taken += usize::from(answer.status == 200);
    }
    assert_eq!(taken, 5);
    let sources = "SELECT count(DISTINCT ip) FROM otp_sends";
    assert_eq!(app.number(sources).await, 1);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_in_what_it_adds_alone() {
    let app = TestApp::with(&[("TRUST_PROXY", "127.0.0.1")]).await;
    let mut taken = 0;
    for number in 0..40 {
        let claim = format!("198.51.100.{number}, 203.0.113.5");
        let answer = send_from(&app, &phone(number), &claim).await;
        taken += usize::from(answer.status == 200);
    }
    assert_eq!(taken, 30);
    let elsewhere = send_from(&app, &phone(99), "203.0.113.6").await;
    assert_eq!(elsewhere.status, 200);
    // One phone has its own hour, from wherever it is asked for.
    let mut taken = 0;
    for number in 0..14 {
        let answer = send_from(&app, PHONE, &format!("192.0.2.{number}")).await;
        taken += usize::from(answer.status == 200);
    }
    assert_eq!(taken, 10);
}

/// A limiter whose cache is gone.
struct Away;

#[tonic::async_trait]
impl RateLimit for Away {
    async fn take(&self, _: &Limit, _: &str) -> Result<Quota, Error> {
        Err(Error::unavailable(
            "the cache is away",
            "connection refused",
        ))
    }
}

#[tokio::test]
async fn without_the_shared_limiter_sign_in_is_limited_in_all_processes_together() {
    let settings = [
        ("RATE_OTP", "3/60s"),
        ("RATE_LOGIN", "4/60s"),
        ("RATE_READ", "1/60s"),
        ("RATE_WRITE", "1/60s"),
    ];
    let away = |overrides: &mut souk::app::Overrides| overrides.limits = Some(Arc::new(Away));
    let app = TestApp::adjusted(&settings, away).await;
    let other = app.beside_with(&settings, away).await;
    let guests = [app.guest().await, other.guest().await];
    let phones: Vec<String> = (0..12).map(phone).collect();
    let wishes = phones.iter().enumerate();
    let wishes = wishes.map(|(number, phone)| request(&guests[number % 2], phone));
    let outcomes = join_all(wishes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
        assert_eq!(wait(&refused), Some(Duration::from_secs(60)));
    }
    assert_eq!(app.number("SELECT count(*) FROM otp_sends").await, 3);
    let guesses = (0..12).map(|number| verify(&guests[number % 2], PHONE, WRONG));
    let reasons: Vec<String> = join_all(guesses)
        .await
        .iter()
        .map(|outcome| reason(outcome.as_ref().unwrap_err()))
        .collect();
    let count = |word: &str| reasons.iter().filter(|reason| *reason == word).count();
    assert_eq!(count("OTP_INVALID_OR_EXPIRED"), 4);
    assert_eq!(count("RATE_LIMIT_EXCEEDED"), 8);
    // What guesses at nothing is counted by each process for itself.
    for guest in &guests {
        guest.ops().hello(HelloRequest {}).await.unwrap();
        let refused = guest.ops().hello(HelloRequest {}).await.unwrap_err();
        assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    }
    app.advance(Duration::from_secs(60));
    request(&guests[1], &phone(50)).await.unwrap();
    // What is over is swept up.
    app.advance(Duration::from_secs(60 * 60));
    app.run_jobs().await;
    assert_eq!(app.number("SELECT count(*) FROM rate_windows").await, 0);
}

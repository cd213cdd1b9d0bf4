//! The public keys of Clerk: rotated, away, slow, hostile.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use souk::pb::souk::users::v1::GetMeRequest;

use crate::support::clerk::{FakeClerk, Keys, header, person};
use crate::support::keys::{jwk, rsa, signed};
use crate::support::{Client, TestApp, reason};

const AMINA: &str = "user_amina";
const MINUTE: Duration = Duration::from_secs(60);

/// A token of now by the key of this number and name.
fn token(clerk: &FakeClerk, app: &TestApp, number: usize, kid: &str) -> String {
    let claims = clerk.claims(AMINA, "sess_1", app.clock.now());
    signed(&header(kid), &claims, rsa(number))
}

async fn outcome(guest: &Client, token: &str) -> Option<String> {
    let guest = guest.with_token(token);
    let refused = guest.users().get_me(GetMeRequest {}).await.err()?;
    assert_eq!(refused.message(), "the access token is not valid");
    Some(reason(&refused))
}

fn invalid() -> Option<String> {
    Some("TOKEN_INVALID".to_owned())
}

async fn start() -> (FakeClerk, TestApp, Client) {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, "amina@example.dz", true, 1));
    let app = clerk.app().await;
    let guest = app.guest().await;
    (clerk, app, guest)
}

#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_is_gone_within_the_hour() {
    let (clerk, app, guest) = start().await;
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    clerk.publish_keys(&[(rsa(1), "ins_2"), (rsa(0), "ins_1")]);
    app.advance(5 * MINUTE);
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 1, "ins_2")).await,
        None
    );
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    assert_eq!(clerk.key_fetches(), 2);
    clerk.publish_keys(&[(rsa(1), "ins_2")]);
    app.advance(61 * MINUTE);
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 1, "ins_2")).await,
        None
    );
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        invalid()
    );
    assert_eq!(clerk.key_fetches(), 3);
}

#[tokio::test]
async fn keys_that_do_not_exist_cost_one_fetch_in_five_minutes() {
    let (clerk, app, guest) = start().await;
    let flood = async || {
        let tokens: Vec<String> = (0..50)
            .map(|number| token(&clerk, &app, 2, &format!("ins_none_{number}")))
            .collect();
        let outcomes = join_all(tokens.iter().map(|token| outcome(&guest, token))).await;
        assert!(outcomes.iter().all(|outcome| *outcome == invalid()));
    };
    flood().await;
    assert_eq!(clerk.key_fetches(), 1);
    for round in 2..5 {
        app.advance(5 * MINUTE - Duration::from_secs(1));
        flood().await;
        assert_eq!(clerk.key_fetches(), round - 1);
        app.advance(Duration::from_secs(1));
        flood().await;
        assert_eq!(clerk.key_fetches(), round);
    }
    // The known key was not asked for again, and works.
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    assert_eq!(clerk.key_fetches(), 4);
}

#[tokio::test]
async fn callers_who_come_together_wait_for_one_fetch() {
    let (clerk, app, guest) = start().await;
    let good = token(&clerk, &app, 0, "ins_1");
    let outcomes = join_all((0..30).map(|_| outcome(&guest, &good))).await;
    assert!(outcomes.iter().all(Option::is_none), "{outcomes:?}");
    assert_eq!(clerk.key_fetches(), 1);
}

#[tokio::test]
async fn while_clerk_is_away_known_keys_work_for_a_day() {
    let (clerk, app, guest) = start().await;
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    clerk.answer_keys(Keys::Down);
    for _ in 0..23 {
        app.advance(60 * MINUTE);
        assert_eq!(
            outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
            None
        );
        assert_eq!(
            outcome(&guest, &token(&clerk, &app, 1, "ins_2")).await,
            invalid()
        );
    }
    app.advance(61 * MINUTE);
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        invalid()
    );
    clerk.answer_keys(Keys::Well);
    app.advance(5 * MINUTE);
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    // Souk's own sign-in never noticed.
    let client = app.customer().await;
    assert!(client.users().get_me(GetMeRequest {}).await.is_ok());
}

#[tokio::test]
async fn a_cold_start_without_clerk_tries_again_soon_but_not_at_once() {
    let (clerk, app, guest) = start().await;
    clerk.answer_keys(Keys::Down);
    for _ in 0..5 {
        assert_eq!(
            outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
            invalid()
        );
    }
    assert_eq!(clerk.key_fetches(), 1);
    clerk.answer_keys(Keys::Well);
    app.advance(Duration::from_secs(5));
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    assert_eq!(clerk.key_fetches(), 2);
}

#[tokio::test]
async fn nobody_waits_long_for_a_silent_clerk() {
    let (clerk, app, guest) = start().await;
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    clerk.answer_keys(Keys::Silent);
    app.advance(5 * MINUTE);
    let unknown: Vec<String> = (0..20)
        .map(|number| token(&clerk, &app, 1, &format!("ins_{}", number + 10)))
        .collect();
    let known = token(&clerk, &app, 0, "ins_1");
    let started = Instant::now();
    let waiting = join_all(unknown.iter().map(|token| outcome(&guest, token)));
    let (waited, at_once) = tokio::join!(waiting, async {
        let outcome = outcome(&guest, &known).await;
        (outcome, started.elapsed())
    });
    assert!(waited.iter().all(|outcome| *outcome == invalid()));
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    // The known key was not held up.
    assert_eq!(at_once.0, None);
    assert!(at_once.1 < Duration::from_secs(2), "{:?}", at_once.1);
    assert_eq!(clerk.key_fetches(), 2);
}

#[tokio::test]
async fn a_hostile_list_of_keys_changes_nothing() {
    let (clerk, app, guest) = start().await;
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
    let elsewhere = FakeClerk::start().await;
    elsewhere.publish_keys(&[(rsa(1), "ins_2")]);
    let many: Vec<_> = (0..51)
        .map(|number| jwk(rsa(1), &format!("ins_{number}")))
        .collect();
    let wrong_kind = json!({"kid": "ins_2", "kty": "oct", "alg": "HS256", "k": "c2VjcmV0"});
    let hostile = [
        Keys::Body("x".repeat(10 * 1024 * 1024)),
        Keys::Body("[".repeat(100_000)),
        Keys::Body("<html>".to_owned()),
        Keys::Body(json!({"keys": many}).to_string()),
        Keys::Body(json!({"keys": [jwk(rsa(1), "ins_2"), jwk(rsa(2), "ins_2")]}).to_string()),
        Keys::Elsewhere(format!("{}/.well-known/jwks.json", elsewhere.url)),
    ];
    let count = hostile.len();
    for answer in hostile {
        clerk.answer_keys(answer);
        app.advance(5 * MINUTE);
        assert_eq!(
            outcome(&guest, &token(&clerk, &app, 1, "ins_2")).await,
            invalid()
        );
        assert_eq!(
            outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
            None
        );
    }
    assert_eq!(clerk.key_fetches(), 1 + count);
    assert_eq!(elsewhere.key_fetches(), 0);
    // A list that can be read, with a key that cannot be used.
    clerk.answer_keys(Keys::Body(
        json!({"keys": [wrong_kind, jwk(rsa(0), "ins_1")]}).to_string(),
    ));
    app.advance(5 * MINUTE);
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 1, "ins_2")).await,
        invalid()
    );
    assert_eq!(
        outcome(&guest, &token(&clerk, &app, 0, "ins_1")).await,
        None
    );
}

//! People whom Clerk vouches for, against a Clerk over real HTTP.

use std::time::Duration;

use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::StatusCode;
use serde_json::json;
use souk::kernel::Role;
use souk::pb::souk::auth::v1::SignInWithClerkRequest;
use souk::pb::souk::orders::v1::WatchMyOrdersRequest;
use souk::pb::souk::users::v1::{GetMeRequest, UpdateMeRequest, User};
use tonic::{Code, Status};

use crate::support::clerk::{FakeClerk, PARTY, header, person};
use crate::support::clients::statements;
use crate::support::keys::{changed, rsa, sealed, signed};
use crate::support::{Client, TestApp, reason};

pub(super) const AMINA: &str = "user_2aminaAMINAaminaAMINAamina1";
pub(super) const MAIL: &str = "amina@example.dz";
pub(super) const USERS: &str = "SELECT count(*) FROM users";
pub(super) const LIVE: &str = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";

pub(super) async fn me(client: &Client) -> Result<User, Status> {
    let answer = client.users().get_me(GetMeRequest {}).await?;
    Ok(answer.into_inner().user.unwrap())
}

pub(super) async fn refusal(client: &Client) -> (Code, String) {
    let refused = me(client).await.unwrap_err();
    (refused.code(), reason(&refused))
}

pub(super) fn unauthenticated(reason: &str) -> (Code, String) {
    (Code::Unauthenticated, reason.to_owned())
}

/// Somebody who comes with a token of Clerk's.
pub(super) async fn visitor(
    app: &TestApp,
    clerk: &FakeClerk,
    subject: &str,
    session: &str,
) -> Client {
    let guest = app.guest().await;
    guest.with_token(&clerk.token(subject, session))
}

#[tokio::test]
async fn a_token_of_clerk_is_taken_on_every_path() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1_768_000_000_000));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let user = me(&amina).await.unwrap();
    assert_eq!(user.email.as_deref(), Some(MAIL));
    assert_eq!(user.email_verified, Some(true));
    assert_eq!(user.name.as_deref(), Some("Amina Benali"));
    assert_eq!(
        user.avatar_url.as_deref(),
        Some("https://img.clerk.com/amina")
    );
    assert_eq!(user.role().as_str_name(), Role::Customer.as_str());

    let over_json = app.get("/user/me", amina.token.as_deref()).await;
    assert_eq!(over_json.status, StatusCode::OK);
    assert_eq!(over_json.body["user"]["id"], user.id.as_str());
    let address =
        json!({"title": "Home", "address": {"street": "12 Rue Didouche Mourad", "city": "Alger"}});
    let written = app
        .post("/api/addresses", amina.token.as_deref(), address)
        .await;
    assert_eq!(written.status, StatusCode::CREATED, "{}", written.text);
    assert!(
        amina
            .orders()
            .watch_my_orders(WatchMyOrdersRequest::default())
            .await
            .is_ok()
    );
    // Asked once, then known.
    assert_eq!(clerk.person_fetches(), [AMINA]);
    assert_eq!(clerk.key_fetches(), 1);
    assert!(app.sms.sent().is_empty() && app.mail.sent().is_empty());
    app.assert_sound().await;
}

#[tokio::test]
async fn who_calls_costs_no_statement_once_it_is_known() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    me(&amina).await.unwrap();
    // The next token of the same session, as Clerk gives one every minute.
    let next = clerk.token_with(AMINA, "sess_1", json!({"jti": "another"}));
    let warm = amina.with_token(&next);
    let warm = warm.users().get_me(GetMeRequest {}).await.unwrap();
    assert_eq!(statements(&warm), 1);
}

#[tokio::test]
async fn coming_for_the_first_time_and_signing_in_stay_within_their_statements() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let first = amina.users().get_me(GetMeRequest {}).await.unwrap();
    assert!(statements(&first) <= 13, "{}", statements(&first));
    let request = SignInWithClerkRequest::default();
    let given = amina.auth().sign_in_with_clerk(request).await.unwrap();
    assert!(statements(&given) <= 7, "{}", statements(&given));
}

#[tokio::test]
async fn a_person_is_one_account_however_often_and_from_wherever_they_come() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let phone = visitor(&app, &clerk, AMINA, "sess_1").await;
    let first = join_all((0..20).map(|_| me(&phone))).await;
    let laptop = visitor(&app, &clerk, AMINA, "sess_2").await;
    let id = me(&laptop).await.unwrap().id;
    for user in first {
        assert_eq!(user.unwrap().id, id);
    }
    assert_eq!(app.number(USERS).await, 1);
    assert_eq!(app.number(LIVE).await, 2);
    assert_eq!(clerk.person_fetches().len(), 1);
    let other = visitor(&app, &clerk, "user_other", "sess_3").await;
    clerk.add(&person("user_other", "other@example.dz", true, 1));
    assert_ne!(me(&other).await.unwrap().id, id);
    app.assert_sound().await;
}

#[tokio::test]
async fn two_sessions_that_come_at_once_for_the_first_time_make_one_account() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let names: Vec<String> = (0..10).map(|number| format!("sess_{number}")).collect();
    let mut visitors = Vec::new();
    for name in &names {
        visitors.push(visitor(&app, &clerk, AMINA, name).await);
    }
    let users = join_all(visitors.iter().map(me)).await;
    for user in &users {
        assert_eq!(user.as_ref().unwrap().id, users[0].as_ref().unwrap().id);
    }
    assert_eq!(app.number(USERS).await, 1);
    assert_eq!(app.number(LIVE).await, 10);
    app.assert_sound().await;
}

/// A user with a phone and this e-mail address.
async fn owner_of(app: &TestApp, email: &str, proven: bool) -> Client {
    let user = app.customer().await;
    let update = UpdateMeRequest {
        email: Some(email.to_owned()),
        ..Default::default()
    };
    user.users().update_me(update).await.unwrap();
    if proven {
        let prove = "UPDATE users SET email_verified = TRUE WHERE email = $1";
        app.execute(prove, [email.into()]).await;
    }
    user
}

#[tokio::test]
async fn an_address_that_both_have_seen_links_the_account_that_was_there() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, "Amina@Example.dz", true, 1));
    let app = clerk.app().await;
    let owner = owner_of(&app, MAIL, true).await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let user = me(&amina).await.unwrap();
    assert_eq!(user.id, owner.user_id);
    assert_eq!(user.phone.as_deref().map(str::is_empty), Some(false));
    assert!(me(&owner).await.is_ok());
    assert_eq!(app.number(USERS).await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_address_that_clerk_has_not_verified_links_nothing() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, false, 1));
    let app = clerk.app().await;
    let owner = owner_of(&app, MAIL, true).await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let user = me(&amina).await.unwrap();
    assert_ne!(user.id, owner.user_id);
    assert_eq!(user.email, None);
    assert_eq!(me(&owner).await.unwrap().email.as_deref(), Some(MAIL));
    app.assert_sound().await;
}

#[tokio::test]
async fn who_only_claims_an_address_does_not_get_its_owner() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    // Somebody with a phone of their own wrote Amina's address into their profile.
    let claimant = owner_of(&app, MAIL, false).await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    assert_ne!(me(&amina).await.unwrap().id, claimant.user_id);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_account_of_an_unproven_address_alone_passes_to_who_proves_it() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let before = owner_of(&app, MAIL, false).await;
    app.execute(
        "UPDATE users SET phone = NULL, phone_verified = FALSE WHERE email = $1",
        [MAIL.into()],
    )
    .await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let user = me(&amina).await.unwrap();
    assert_eq!(
        (user.id, user.email_verified),
        (before.user_id.clone(), Some(true))
    );
    // Whoever was signed in with it had not shown that it is theirs.
    assert_eq!(refusal(&before).await, unauthenticated("SESSION_REVOKED"));
    app.assert_sound().await;
}

#[tokio::test]
async fn what_does_not_prove_a_session_is_refused_alike() {
    let clerk = FakeClerk::start().await;
    let other = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let guest = app.guest().await;
    let claims = clerk.claims(AMINA, "sess_1", crate::support::app::START);
    let at = claims["iat"].as_i64().unwrap();
    let with = |changes| clerk.token_with(AMINA, "sess_1", changes);
    let with_header = |changes| signed(&changed(header("ins_1"), changes), &claims, rsa(0));
    let good = clerk.token(AMINA, "sess_1");
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let hs256 = changed(header("ins_1"), json!({"alg": "HS256"}));
    let public = EncodingKey::from_secret(rsa(0).public.as_bytes());
    let own = EncodingKey::from_rsa_pem(rsa(0).private.as_bytes()).unwrap();
    let rs512 = changed(header("ins_1"), json!({"alg": "RS512"}));
    let hostile = [
        (
            "for another page",
            with(json!({"azp": "https://evil.example"})),
        ),
        (
            "for a look-alike page",
            with(json!({"azp": format!("{PARTY}.evil.example")})),
        ),
        ("pending", with(json!({"sts": "pending"}))),
        ("of an odd status", with(json!({"sts": "ended"}))),
        ("ahead of its time", with(json!({"nbf": at + 11}))),
        ("expiring before it began", with(json!({"exp": at - 100}))),
        ("without exp", with(json!({"exp": null}))),
        ("exp as a text", with(json!({"exp": "9999999999"}))),
        ("exp beyond all bounds", with(json!({"exp": i64::MAX}))),
        ("without nbf", with(json!({"nbf": null}))),
        ("without a session", with(json!({"sid": null}))),
        ("with an empty session", with(json!({"sid": ""}))),
        (
            "with an endless session",
            with(json!({"sid": "s".repeat(129)})),
        ),
        ("without a subject", with(json!({"sub": null}))),
        ("with spaces in the subject", with(json!({"sub": "user 1"}))),
        (
            "of an issuer with more",
            with(json!({"iss": format!("{}/", clerk.url)})),
        ),
        ("of another instance", other.token(AMINA, "sess_1")),
        ("of another key", signed(&header("ins_1"), &claims, rsa(2))),
        (
            "of a key that nobody knows",
            signed(&header("ins_9"), &claims, rsa(2)),
        ),
        ("without a key", with_header(json!({"kid": null}))),
        (
            "with a key of its own",
            with_header(json!({"jwk": {"kty": "RSA"}})),
        ),
        (
            "with the address of a key",
            with_header(json!({"jku": other.url})),
        ),
        (
            "with something critical",
            with_header(json!({"crit": ["b64"], "b64": false})),
        ),
        ("of another type", with_header(json!({"typ": "at+jwt"}))),
        ("unsigned", format!("{unsigned}.")),
        (
            "HS256 with the public key",
            sealed(&hs256, &claims, &public, Algorithm::HS256),
        ),
        ("RS512", sealed(&rs512, &claims, &own, Algorithm::RS512)),
    ];
    let before = app.rows().await;
    for (what, token) in hostile {
        let refused = me(&guest.with_token(&token)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{what}");
        assert_eq!(reason(&refused), "TOKEN_INVALID", "{what}");
        assert_eq!(refused.message(), "the access token is not valid", "{what}");
        let over_json = app.get("/user/me", Some(&token)).await;
        assert_eq!(over_json.status, StatusCode::UNAUTHORIZED, "{what}");
    }
    assert_eq!(app.rows().await, before);
    assert_eq!(clerk.person_fetches(), Vec::<String>::new());
    // A page is not needed: apps have none.
    assert!(
        me(&guest.with_token(&with(json!({"azp": null}))))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_token_expires_with_ten_seconds_of_grace() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    app.advance(Duration::from_secs(69));
    assert!(me(&amina).await.is_ok());
    app.advance(Duration::from_secs(1));
    let expired = me(&amina).await.unwrap_err();
    assert_eq!(reason(&expired), "TOKEN_EXPIRED");
    assert_eq!(expired.message(), "the access token is not valid");
    let next = clerk.token_at(AMINA, "sess_1", app.clock.now());
    assert!(me(&amina.with_token(&next)).await.is_ok());
}

#[tokio::test]
async fn where_clerk_is_off_its_tokens_are_nobodys() {
    let clerk = FakeClerk::start().await;
    let app = TestApp::start().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    assert_eq!(refusal(&amina).await, unauthenticated("TOKEN_INVALID"));
    assert_eq!(clerk.key_fetches(), 0);
    assert_eq!(app.number(USERS).await, 0);
}

#[tokio::test]
async fn who_cannot_be_asked_about_comes_again() {
    let clerk = FakeClerk::start().await;
    clerk.people_down(true);
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    assert_eq!(
        refusal(&amina).await,
        (Code::Unavailable, "UNAVAILABLE".to_owned())
    );
    assert_eq!(app.number(USERS).await, 0);
    clerk.people_down(false);
    // Clerk does not know such a person any more.
    assert_eq!(refusal(&amina).await, unauthenticated("TOKEN_INVALID"));
    assert_eq!(app.number(USERS).await, 0);
    clerk.add(&person(AMINA, MAIL, true, 1));
    assert!(me(&amina).await.is_ok());
    // Once known, Clerk's own troubles do not matter.
    clerk.people_down(true);
    let next = visitor(&app, &clerk, AMINA, "sess_2").await;
    assert!(me(&next).await.is_ok());
}

#[tokio::test]
async fn without_the_backend_api_an_account_is_known_by_its_subject_alone() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app_with(&[("CLERK_SECRET_KEY", "")]).await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let user = me(&amina).await.unwrap();
    assert_eq!((user.email, user.phone, user.name), (None, None, None));
    assert_eq!(clerk.person_fetches(), Vec::<String>::new());
    let laptop = visitor(&app, &clerk, AMINA, "sess_2").await;
    assert_eq!(me(&laptop).await.unwrap().id, user.id);
    app.assert_sound().await;
}

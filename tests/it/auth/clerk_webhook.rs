//! Webhooks of Clerk: what they change.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use souk::pb::souk::auth::v1::SignInWithClerkRequest;
use souk::pb::souk::users::v1::{GetMeRequest, User};

use crate::support::clerk::{FakeClerk, deliver, event, person};
use crate::support::{Client, TestApp, reason};

pub(super) const AMINA: &str = "user_amina";
pub(super) const MAIL: &str = "amina@example.dz";
pub(super) const USERS: &str = "SELECT count(*) FROM users";
pub(super) const NOTED: &str = "SELECT count(*) FROM webhook_events";

async fn me(client: &Client) -> Result<User, tonic::Status> {
    let answer = client.users().get_me(GetMeRequest {}).await?;
    Ok(answer.into_inner().user.unwrap())
}

async fn visitor(app: &TestApp, clerk: &FakeClerk, session: &str) -> Client {
    let guest = app.guest().await;
    guest.with_token(&clerk.token_at(AMINA, session, app.clock.now()))
}

/// Delivers an event, which must be taken.
async fn taken(app: &TestApp, id: &str, kind: &str, data: Value) {
    let answer = deliver(app, id, &event(kind, data)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.text, r#"{"success":true,"message":"received"}"#);
}

fn named(mut person: Value, first_name: &str) -> Value {
    person["first_name"] = json!(first_name);
    person
}

#[tokio::test]
async fn a_person_of_clerk_gets_an_account_that_follows_their_profile() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    taken(
        &app,
        "msg_1",
        "user.created",
        person(AMINA, MAIL, true, 1_000),
    )
    .await;
    assert_eq!(app.number(USERS).await, 1);
    // Known already: Clerk is not asked.
    let amina = visitor(&app, &clerk, "sess_1").await;
    let user = me(&amina).await.unwrap();
    assert_eq!(
        (user.email.as_deref(), user.first_name.as_deref()),
        (Some(MAIL), Some("Amina"))
    );
    assert_eq!(clerk.person_fetches(), Vec::<String>::new());

    app.execute("UPDATE users SET role = 'FREELANCER'", [])
        .await;
    let mut updated = named(person(AMINA, "new@example.dz", true, 2_000), "Amina Lilia");
    updated["public_metadata"] = json!({"role": "ADMIN"});
    taken(&app, "msg_2", "user.updated", updated).await;
    let user = me(&amina).await.unwrap();
    assert_eq!(user.email.as_deref(), Some("new@example.dz"));
    assert_eq!(user.name.as_deref(), Some("Amina Lilia Benali"));
    assert_eq!(user.role().as_str_name(), "FREELANCER");
    app.assert_sound().await;
}

#[tokio::test]
async fn older_news_and_repeats_change_nothing() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    let at = |time, name| named(person(AMINA, MAIL, true, time), name);
    taken(&app, "msg_2", "user.updated", at(2_000, "Second")).await;
    taken(&app, "msg_1", "user.created", at(1_000, "First")).await;
    let amina = visitor(&app, &clerk, "sess_1").await;
    assert_eq!(
        me(&amina).await.unwrap().first_name.as_deref(),
        Some("Second")
    );
    taken(&app, "msg_3", "user.updated", at(3_000, "Third")).await;
    let before = app.rows().await;
    // The provider sends it again, five times at once.
    let body = event("user.updated", at(3_000, "Third"));
    let repeats = join_all((0..5).map(|_| deliver(&app, "msg_3", &body))).await;
    assert!(repeats.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(app.rows().await, before);
    assert_eq!(app.number(NOTED).await, 3);
}

#[tokio::test]
async fn five_of_one_message_at_once_have_one_effect() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    let body = event("user.created", person(AMINA, MAIL, true, 1_000));
    let answers = join_all((0..5).map(|_| deliver(&app, "msg_1", &body))).await;
    for answer in answers {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    assert_eq!(app.number(USERS).await, 1);
    assert_eq!(app.number(NOTED).await, 1);
    let created = "SELECT count(*) FROM events WHERE kind = 'user.created'";
    assert_eq!(app.number(created).await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_webhook_and_a_first_call_at_once_make_one_account() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1_000));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, "sess_1").await;
    let body = event("user.created", person(AMINA, MAIL, true, 1_000));
    let (answer, user) = tokio::join!(deliver(&app, "msg_1", &body), me(&amina));
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(user.unwrap().email.as_deref(), Some(MAIL));
    assert_eq!(app.number(USERS).await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_deleted_person_is_switched_off_and_does_not_come_back() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1_000));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, "sess_1").await;
    let own = amina
        .auth()
        .sign_in_with_clerk(SignInWithClerkRequest::default())
        .await
        .unwrap();
    let own = amina.with_token(&own.into_inner().access_token);
    me(&own).await.unwrap();
    let gone = json!({"id": AMINA, "object": "user", "deleted": true});
    taken(&app, "msg_2", "user.deleted", gone).await;
    for client in [&amina, &own] {
        let refused = me(client).await.unwrap_err();
        assert_eq!(reason(&refused), "SESSION_REVOKED");
    }
    let again = visitor(&app, &clerk, "sess_2").await;
    assert_eq!(reason(&me(&again).await.unwrap_err()), "TOKEN_INVALID");
    // News from before the end arrive late.
    taken(
        &app,
        "msg_1",
        "user.updated",
        person(AMINA, MAIL, true, 5_000),
    )
    .await;
    let active = "SELECT count(*) FROM users WHERE is_active";
    assert_eq!(app.number(active).await, 0);
    assert_eq!(
        app.number("SELECT count(*) FROM sessions WHERE ended_at IS NULL")
            .await,
        0
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn a_person_deleted_before_they_were_known_stays_unknown() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    taken(
        &app,
        "msg_2",
        "user.deleted",
        json!({"id": AMINA, "deleted": true}),
    )
    .await;
    taken(
        &app,
        "msg_1",
        "user.created",
        person(AMINA, MAIL, true, 1_000),
    )
    .await;
    assert_eq!(app.number(USERS).await, 0);
    clerk.add(&person(AMINA, MAIL, true, 1_000));
    let amina = visitor(&app, &clerk, "sess_1").await;
    assert_eq!(reason(&me(&amina).await.unwrap_err()), "TOKEN_INVALID");
    assert_eq!(app.number(USERS).await, 0);
}

#[tokio::test]
async fn the_last_administrator_stays_when_clerk_deletes_them() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1_000));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, "sess_1").await;
    let own = amina
        .auth()
        .sign_in_with_clerk(SignInWithClerkRequest::default())
        .await
        .unwrap();
    let own = amina.with_token(&own.into_inner().access_token);
    app.execute("UPDATE users SET role = 'ADMIN'", []).await;
    let gone = json!({"id": AMINA, "object": "user", "deleted": true});
    taken(&app, "msg_1", "user.deleted", gone).await;
    // The way in by Clerk is closed, souk's own stays.
    assert_eq!(reason(&me(&amina).await.unwrap_err()), "SESSION_REVOKED");
    me(&own).await.unwrap();
    assert_eq!(
        app.number("SELECT count(*) FROM users WHERE is_active")
            .await,
        1
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn news_of_who_closed_the_account_here_change_nothing() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1_000));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, "sess_1").await;
    me(&amina).await.unwrap();
    let delete = souk::pb::souk::users::v1::DeleteMeRequest {};
    amina.users().delete_me(delete).await.unwrap();
    taken(
        &app,
        "msg_1",
        "user.updated",
        person(AMINA, MAIL, true, 9_000),
    )
    .await;
    let open = "SELECT count(*) FROM users WHERE deleted_at IS NULL";
    assert_eq!(app.number(open).await, 0);
    for (table, rows) in app.rows().await {
        assert!(!rows.iter().any(|row| row.contains(MAIL)), "{table}");
    }
}

#[tokio::test]
async fn an_address_of_another_account_stays_there() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    taken(
        &app,
        "msg_1",
        "user.created",
        person(AMINA, MAIL, true, 1_000),
    )
    .await;
    taken(
        &app,
        "msg_2",
        "user.created",
        person("user_other", "other@example.dz", true, 1_000),
    )
    .await;
    taken(
        &app,
        "msg_3",
        "user.updated",
        person("user_other", MAIL, true, 2_000),
    )
    .await;
    let with = "SELECT count(*) FROM users WHERE email = 'amina@example.dz'";
    assert_eq!(app.number(with).await, 1);
    let kept = "SELECT count(*) FROM users WHERE email = 'other@example.dz'";
    assert_eq!(app.number(kept).await, 1);
    // Three persons, two accounts: who proves an address that is proven there is linked.
    taken(
        &app,
        "msg_4",
        "user.created",
        person("user_third", MAIL, true, 1_000),
    )
    .await;
    assert_eq!(app.number(USERS).await, 2);
    app.assert_sound().await;
}

#[tokio::test]
async fn unknown_types_are_taken_and_what_cannot_be_read_is_not() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    taken(&app, "msg_1", "session.created", json!({"id": "sess_1"})).await;
    taken(
        &app,
        "msg_2",
        "organization.deleted",
        json!({"id": "org_1"}),
    )
    .await;
    assert_eq!(app.number(NOTED).await, 2);
    for body in [
        &b"{"[..],
        b"",
        b"null",
        br#"{"type":"user.created","data":{}}"#,
    ] {
        let answer = deliver(&app, "msg_3", body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.body["code"], "VALIDATION_ERROR", "{}", answer.text);
    }
    assert_eq!(app.number(NOTED).await, 2);
    assert_eq!(app.number(USERS).await, 0);
}

#[tokio::test]
async fn messages_are_forgotten_when_nobody_repeats_them_any_more() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    taken(&app, "msg_1", "session.created", json!({})).await;
    app.advance(Duration::from_secs(30 * 24 * 60 * 60 - 60));
    app.run_jobs().await;
    assert_eq!(app.number(NOTED).await, 1);
    app.advance(Duration::from_secs(60 * 60));
    app.run_jobs().await;
    assert_eq!(app.number(NOTED).await, 0);
}

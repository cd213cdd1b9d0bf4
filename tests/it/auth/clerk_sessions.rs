//! Sessions that Clerk keeps, beside those of souk's own; what Clerk is told, and when it is
//! left alone.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use souk::pb::souk::auth::v1::{
    ListSessionsRequest, LogoutAllRequest, LogoutRequest, RevokeSessionRequest,
    SignInWithClerkRequest, SignInWithClerkResponse,
};
use souk::pb::souk::orders::v1::WatchMyOrdersRequest;
use souk::pb::souk::users::v1::DeleteMeRequest;
use tonic::{Code, Status};

use super::clerk::{AMINA, LIVE, MAIL, USERS, me, refusal, unauthenticated, visitor};
use crate::support::clerk::{FakeClerk, person};
use crate::support::{Client, reason};

async fn sign_in(client: &Client) -> Result<SignInWithClerkResponse, Status> {
    let request = SignInWithClerkRequest::default();
    Ok(client
        .auth()
        .sign_in_with_clerk(request)
        .await?
        .into_inner())
}

#[tokio::test]
async fn sessions_of_clerk_are_listed_and_ended_like_others() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let phone = visitor(&app, &clerk, AMINA, "sess_1").await;
    let laptop = visitor(&app, &clerk, AMINA, "sess_2").await;
    me(&phone).await.unwrap();
    app.advance(Duration::from_secs(1));
    me(&laptop).await.unwrap();
    let watch = WatchMyOrdersRequest::default();
    let mut stream = phone
        .orders()
        .watch_my_orders(watch)
        .await
        .unwrap()
        .into_inner();
    stream.message().await.unwrap().unwrap();
    let list = laptop
        .auth()
        .list_sessions(ListSessionsRequest::default())
        .await;
    let sessions = list.unwrap().into_inner().sessions;
    assert_eq!(sessions.len(), 2);
    assert!(sessions[0].current);
    assert_eq!(sessions[1].device.as_deref(), Some("Clerk"));

    let end = RevokeSessionRequest {
        id: sessions[1].id.clone(),
    };
    laptop.auth().revoke_session(end).await.unwrap();
    assert_eq!(refusal(&phone).await, unauthenticated("SESSION_REVOKED"));
    // A fresh token of the ended session does not bring it back.
    let fresh = clerk.token_with(AMINA, "sess_1", json!({"jti": "fresh"}));
    assert_eq!(
        refusal(&phone.with_token(&fresh)).await,
        unauthenticated("SESSION_REVOKED")
    );
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        while let Ok(Some(_)) = stream.message().await {}
    });
    ended.await.expect("the stream of an ended session ends");
    me(&laptop).await.unwrap();
    laptop.auth().logout(LogoutRequest {}).await.unwrap();
    assert_eq!(refusal(&laptop).await, unauthenticated("SESSION_REVOKED"));
    assert_eq!(app.number(LIVE).await, 0);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_session_in_use_does_not_end_and_an_idle_one_does() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let day = Duration::from_secs(24 * 60 * 60);
    let now = |session: &str| clerk.token_at(AMINA, session, app.clock.now());
    let guest = app.guest().await;
    let used = |session| guest.with_token(&now(session));
    me(&used("sess_idle")).await.unwrap();
    me(&used("sess_used")).await.unwrap();
    for _ in 0..3 {
        app.advance(15 * day);
        app.run_jobs().await;
        me(&used("sess_used")).await.unwrap();
    }
    assert_eq!(
        refusal(&used("sess_idle")).await,
        unauthenticated("SESSION_REVOKED")
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn souks_own_tokens_are_given_for_one_of_clerk() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let visiting = visitor(&app, &clerk, AMINA, "sess_1").await;
    let first = sign_in(&visiting).await.unwrap();
    assert_eq!(first.expires_in, 900);
    assert_eq!(first.user.as_ref().unwrap().email.as_deref(), Some(MAIL));
    let souks = visiting.with_token(&first.access_token);
    assert_eq!(me(&souks).await.unwrap().id, first.user.unwrap().id);
    // One session of souk's own; Clerk's lives beside it.
    let second = sign_in(&visiting).await.unwrap();
    assert_eq!(refusal(&souks).await, unauthenticated("SESSION_REVOKED"));
    me(&visiting).await.unwrap();
    me(&souks.with_token(&second.access_token)).await.unwrap();
    assert_eq!(app.number(LIVE).await, 2);
    // Over JSON too, with a device.
    let body = json!({"device": "Pixel"});
    let third = app
        .post("/api/auth/signin", visiting.token.as_deref(), body)
        .await;
    assert_eq!(third.status, StatusCode::OK, "{}", third.text);
    let own = souks.with_token(third.body["accessToken"].as_str().unwrap());
    // A token of souk's is no proof for another one.
    let refused = sign_in(&own).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused)),
        unauthenticated("TOKEN_INVALID")
    );
    let nobody = sign_in(&app.guest().await).await.unwrap_err();
    assert_eq!(
        (nobody.code(), reason(&nobody)),
        unauthenticated("TOKEN_MISSING")
    );
    let all = own.auth().logout_all(LogoutAllRequest {}).await.unwrap();
    assert_eq!(all.into_inner().ended, 2);
    assert_eq!(refusal(&visiting).await, unauthenticated("SESSION_REVOKED"));
    app.assert_sound().await;
}

#[tokio::test]
async fn an_account_that_is_switched_off_lets_nobody_in() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    me(&amina).await.unwrap();
    app.execute("UPDATE users SET is_active = FALSE", []).await;
    let again = visitor(&app, &clerk, AMINA, "sess_2").await;
    let inactive = (Code::PermissionDenied, "ACCOUNT_INACTIVE".to_owned());
    assert_eq!(refusal(&again).await, inactive);
    assert_eq!(refusal(&again).await, inactive);
    assert_eq!(app.number(LIVE).await, 1);
    // Nor by the way of an address.
    clerk.add(&person("user_second", MAIL, true, 2));
    let second = visitor(&app, &clerk, "user_second", "sess_3").await;
    assert_eq!(refusal(&second).await, inactive);
    assert_eq!(app.number(USERS).await, 1);
}

#[tokio::test]
async fn who_closes_the_account_and_comes_again_begins_anew() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let first = me(&amina).await.unwrap().id;
    amina.users().delete_me(DeleteMeRequest {}).await.unwrap();
    assert_eq!(refusal(&amina).await, unauthenticated("SESSION_REVOKED"));
    let again = visitor(&app, &clerk, AMINA, "sess_2").await;
    let second = me(&again).await.unwrap();
    assert_ne!(second.id, first);
    assert_eq!(second.email.as_deref(), Some(MAIL));
    // The session from before stays ended, for whoever has a token of it.
    let stale = clerk.token_with(AMINA, "sess_1", json!({"jti": "stale"}));
    let stale = amina.with_token(&stale);
    assert_eq!(refusal(&stale).await, unauthenticated("SESSION_REVOKED"));
    app.assert_sound().await;
}

#[tokio::test]
async fn a_session_from_before_the_account_was_closed_opens_no_new_one() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    me(&amina).await.unwrap();
    amina.users().delete_me(DeleteMeRequest {}).await.unwrap();
    // As if another process had never seen the session.
    let rename = "UPDATE sessions SET external_id = 'sess_2'";
    app.execute(rename, []).await;
    let stale = visitor(&app, &clerk, AMINA, "sess_2").await;
    assert_eq!(refusal(&stale).await, unauthenticated("TOKEN_INVALID"));
    assert_eq!(app.number(USERS).await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn clerk_learns_what_somebody_became() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let id = me(&amina).await.unwrap().id;
    app.execute("UPDATE users SET role = 'STORE_OWNER'", [])
        .await;
    let stranger = app.customer().await;
    for user in [&id, &stranger.user_id] {
        let (auth, user) = (&app.running.app.auth, user.parse().unwrap());
        let push = |tx| async move { auth.push_role(&tx, user).await };
        app.running.app.db.transact(push).await.unwrap();
    }
    app.run_jobs().await;
    let metadata =
        json!({"public_metadata": {"role": "STORE_OWNER", "sellerCategory": Value::Null}});
    assert_eq!(clerk.published(), [(AMINA.to_owned(), metadata)]);
}

#[tokio::test]
async fn telling_clerk_is_tried_again_and_in_order_while_it_is_away() {
    let clerk = FakeClerk::start().await;
    clerk.add(&person(AMINA, MAIL, true, 1));
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let user = me(&amina).await.unwrap().id.parse().unwrap();
    let auth = &app.running.app.auth;
    for _ in 0..2 {
        let push = |tx| async move { auth.push_role(&tx, user).await };
        app.running.app.db.transact(push).await.unwrap();
    }
    clerk.people_down(true);
    // The second one waits for the first.
    let tries = "SELECT CAST(sum(attempts) AS BIGINT) FROM jobs WHERE kind = 'auth.push-role'";
    for failures in 1..=4 {
        app.run_jobs().await;
        assert_eq!(app.number(tries).await, failures);
        app.advance(Duration::from_secs(60));
    }
    assert_eq!(clerk.published().len(), 0);
    clerk.people_down(false);
    app.run_jobs().await;
    assert_eq!(clerk.published().len(), 2);
    assert_eq!(app.number(tries).await, 6);
}

#[tokio::test]
async fn a_clerk_that_keeps_failing_is_asked_no_more_about_people() {
    let clerk = FakeClerk::start().await;
    clerk.people_down(true);
    let app = clerk.app().await;
    let amina = visitor(&app, &clerk, AMINA, "sess_1").await;
    let away = (Code::Unavailable, "UNAVAILABLE".to_owned());
    for _ in 0..5 {
        assert_eq!(refusal(&amina).await, away);
    }
    // It would answer now, but is left alone for a while.
    clerk.people_down(false);
    clerk.add(&person(AMINA, MAIL, true, 1));
    assert_eq!(refusal(&amina).await, away);
    assert_eq!(clerk.person_fetches(), Vec::<String>::new());
    app.assert_sound().await;
}

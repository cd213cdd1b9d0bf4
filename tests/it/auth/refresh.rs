use std::time::Duration;

use futures_util::future::join_all;
use souk::pb::souk::auth::v1::{LogoutRequest, RefreshTokenRequest, RefreshTokenResponse};
use souk::pb::souk::users::v1::GetMeRequest;
use tonic::{Code, Status};

use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason};

async fn refresh(client: &Client, token: &str) -> Result<RefreshTokenResponse, Status> {
    let message = RefreshTokenRequest {
        refresh_token: token.into(),
    };
    // The token is the proof: no access token goes along.
    let guest = Client::guest(client.channel());
    Ok(guest.auth().refresh_token(message).await?.into_inner())
}

async fn works(client: &Client, access: &str) -> bool {
    let client = client.with_token(access);
    client.users().get_me(GetMeRequest {}).await.is_ok()
}

const WORKING: &str =
    "SELECT count(*) FROM refresh_tokens WHERE consumed_at IS NULL AND revoked_at IS NULL";

#[tokio::test]
async fn each_refresh_gives_the_next_pair() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let mut token = client.refresh_token.clone();
    for _ in 0..5 {
        app.advance(Duration::from_secs(14 * 60));
        let next = refresh(&client, &token).await.unwrap();
        assert_ne!(next.refresh_token, token);
        assert_eq!(next.expires_in, 900);
        assert!(works(&client, &next.access_token).await);
        token = next.refresh_token;
    }
    assert_eq!(app.number(WORKING).await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn using_a_token_again_ends_the_session() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let next = refresh(&client, &client.refresh_token).await.unwrap();
    app.advance(Duration::from_secs(31));
    let reused = refresh(&client, &client.refresh_token).await.unwrap_err();
    assert_eq!(reused.code(), Code::Unauthenticated);
    assert_eq!(reason(&reused), "REFRESH_REUSED");
    assert!(!works(&client, &next.access_token).await);
    let innocent = refresh(&client, &next.refresh_token).await.unwrap_err();
    assert_eq!(reason(&innocent), "SESSION_REVOKED");
    assert_eq!(app.number(WORKING).await, 0);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let lost = refresh(&client, &client.refresh_token).await.unwrap();
    app.advance(Duration::from_secs(29));
    let again = refresh(&client, &client.refresh_token).await.unwrap();
    assert_eq!(again.refresh_token, lost.refresh_token);
    // Once the new token is used, the old one is a stolen one.
    refresh(&client, &again.refresh_token).await.unwrap();
    let late = refresh(&client, &client.refresh_token).await.unwrap_err();
    assert_eq!(reason(&late), "REFRESH_REUSED");
    app.assert_sound().await;
}

#[tokio::test]
async fn fifty_refreshes_at_once_leave_one_chain() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let answers = join_all((0..50).map(|_| refresh(&client, &client.refresh_token))).await;
    let tokens: Vec<String> = answers
        .into_iter()
        .map(|answer| answer.unwrap().refresh_token)
        .collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(app.number(WORKING).await, 1);
    refresh(&client, &tokens[0]).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_session_lasts_thirty_days_at_the_most() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let day = Duration::from_secs(24 * 60 * 60);
    app.advance(29 * day);
    let next = refresh(&client, &client.refresh_token).await.unwrap();
    app.advance(day);
    let late = refresh(&client, &next.refresh_token).await.unwrap_err();
    assert_eq!(late.code(), Code::Unauthenticated);
    assert_eq!(reason(&late), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn a_foreign_token_and_one_of_an_ended_session_are_refused() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let foreign = refresh(&client, "not-a-token").await.unwrap_err();
    assert_eq!(reason(&foreign), "TOKEN_INVALID");
    client.auth().logout(LogoutRequest {}).await.unwrap();
    let ended = refresh(&client, &client.refresh_token).await.unwrap_err();
    assert_eq!(reason(&ended), "SESSION_REVOKED");
}

#[tokio::test]
async fn the_database_holds_no_token() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let next = refresh(&client, &client.refresh_token).await.unwrap();
    for (table, rows) in app.rows().await {
        for row in rows {
            for token in [
                &client.refresh_token,
                &next.refresh_token,
                &next.access_token,
            ] {
                assert!(!row.contains(token.as_str()), "{table}: {row}");
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_stays_within_its_statements() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let message = RefreshTokenRequest {
        refresh_token: client.refresh_token.clone(),
    };
    let guest = Client::guest(client.channel());
    let answer = guest.auth().refresh_token(message).await.unwrap();
    assert!(statements(&answer) <= 5, "{}", statements(&answer));
}

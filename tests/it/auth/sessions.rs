use std::time::Duration;

use souk::pb::souk::auth::v1::{
    ListSessionsRequest, ListSessionsResponse, LogoutAllRequest, LogoutRequest,
    RevokeSessionRequest,
};
use souk::pb::souk::users::v1::GetMeRequest;
use tonic::{Code, Status};

use crate::support::clients::{is_replayed, statements};
use crate::support::{Client, TestApp, keyed, reason};

async fn me(client: &Client) -> Result<(), Status> {
    client.users().get_me(GetMeRequest {}).await.map(drop)
}

async fn refusal(client: &Client) -> String {
    let refused = me(client).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    reason(&refused)
}

async fn list(client: &Client, request: ListSessionsRequest) -> ListSessionsResponse {
    let listed = client.auth().list_sessions(request).await;
    listed.unwrap().into_inner()
}

async fn current(client: &Client) -> String {
    let sessions = list(client, ListSessionsRequest::default()).await.sessions;
    let current = sessions.into_iter().find(|session| session.current);
    current.unwrap().id
}

#[tokio::test]
async fn a_second_sign_in_ends_the_first_at_once() {
    let app = TestApp::start().await;
    let first = app.customer().await;
    me(&first).await.unwrap();
    let second = app.sign_in(&first.phone).await;
    assert_eq!(refusal(&first).await, "SESSION_REVOKED");
    me(&second).await.unwrap();
    let active = "SELECT count(*) FROM sessions WHERE ended_at IS NULL";
    assert_eq!(app.number(active).await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn logging_out_ends_the_session_at_once() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    me(&client).await.unwrap();
    client.auth().logout(LogoutRequest {}).await.unwrap();
    assert_eq!(refusal(&client).await, "SESSION_REVOKED");
    app.assert_sound().await;
}

#[tokio::test]
async fn with_several_sessions_each_is_listed_and_can_be_ended_alone() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    let phone = app.customer().await;
    app.advance(Duration::from_secs(1));
    let laptop = app.sign_in(&phone.phone).await;
    let listed = list(&laptop, ListSessionsRequest::default()).await.sessions;
    assert_eq!(listed.len(), 2);
    assert!(listed[0].current && !listed[1].current);
    assert_eq!(listed[1].id, current(&phone).await);

    let end = RevokeSessionRequest {
        id: listed[1].id.clone(),
    };
    let ended = laptop.auth().revoke_session(keyed("k", end.clone())).await;
    ended.unwrap();
    assert_eq!(refusal(&phone).await, "SESSION_REVOKED");
    me(&laptop).await.unwrap();
    // The same key gives the same answer, a new one finds nothing left to end.
    let replayed = laptop.auth().revoke_session(keyed("k", end.clone())).await;
    let replayed = replayed.unwrap();
    assert!(is_replayed(&replayed));
    let gone = laptop.auth().revoke_session(end).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    app.assert_sound().await;
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    let phone = app.customer().await;
    let laptop = app.sign_in(&phone.phone).await;
    let stranger = app.customer().await;
    let ended = laptop.auth().logout_all(LogoutAllRequest {}).await;
    assert_eq!(ended.unwrap().into_inner().ended, 2);
    for client in [&phone, &laptop] {
        assert_eq!(refusal(client).await, "SESSION_REVOKED");
    }
    me(&stranger).await.unwrap();
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_found() {
    let app = TestApp::start().await;
    let (amina, yacine) = (app.customer().await, app.customer().await);
    let foreign = RevokeSessionRequest {
        id: current(&amina).await,
    };
    let refused = yacine.auth().revoke_session(foreign).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(reason(&refused), "NOT_FOUND");
    me(&amina).await.unwrap();
    for id in ["ses_1", "usr_01h2xcejqtf2nbrexx3vqjhp41"] {
        let malformed = RevokeSessionRequest { id: id.into() };
        let refused = yacine.auth().revoke_session(malformed).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn sessions_are_paged_newest_first() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    let mut client = app.customer().await;
    for _ in 0..4 {
        app.advance(Duration::from_secs(60));
        client = app.sign_in(&client.phone).await;
    }
    let mut request = ListSessionsRequest {
        limit: 2,
        ..Default::default()
    };
    let mut seen = Vec::new();
    loop {
        let part = list(&client, request.clone()).await;
        seen.extend(part.sessions.into_iter().map(|session| session.id));
        request.page_token = part.meta.unwrap().next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let newest_first = {
        let mut sorted = seen.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        sorted
    };
    assert_eq!(seen.len(), 5);
    assert_eq!(seen, newest_first);
    let numbered = ListSessionsRequest {
        limit: 2,
        page: 3,
        ..Default::default()
    };
    let last = list(&client, numbered).await;
    assert_eq!(last.sessions.len(), 1);
    let meta = last.meta.unwrap();
    assert_eq!((meta.total, meta.total_pages), (Some(5), Some(3)));
}

#[tokio::test]
async fn a_token_is_missing_forged_or_expired() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    assert_eq!(refusal(&app.guest().await).await, "TOKEN_MISSING");
    let token = client.token.clone().unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let unsigned = format!("{signed}.");
    for forged in ["nonsense", "a.b.c", &unsigned, &token[..token.len() - 3]] {
        assert_eq!(refusal(&client.with_token(forged)).await, "TOKEN_INVALID");
    }
    app.advance(Duration::from_secs(899));
    me(&client).await.unwrap();
    app.advance(Duration::from_secs(1));
    assert_eq!(refusal(&client).await, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn who_calls_costs_no_statement_once_it_is_known() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    me(&client).await.unwrap();
    let warm = client.users().get_me(GetMeRequest {}).await.unwrap();
    assert_eq!(statements(&warm), 1);
}

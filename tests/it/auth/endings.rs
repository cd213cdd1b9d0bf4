//! What ends a session ends its streams and its tokens on every server.

use std::time::Duration;

use souk::pb::souk::auth::v1::{
    ConfirmPhoneChangeRequest, ListSessionsRequest, LogoutAllRequest, LogoutRequest,
    RequestPhoneChangeRequest, RevokeSessionRequest,
};
use souk::pb::souk::orders::v1::{WatchMyOrdersRequest, WatchMyOrdersResponse};
use souk::pb::souk::users::v1::user::Role;
use souk::pb::souk::users::v1::{
    DeactivateUserRequest, DeleteMeRequest, GetMeRequest, SetUserRoleRequest,
};
use tonic::Streaming;

use crate::support::app::CODE;
use crate::support::{Client, TestApp, reason};

/// How late the end may come.
const AT_LAST: Duration = Duration::from_secs(5);
const MULTI: [(&str, &str); 1] = [("SESSION_POLICY", "multi")];

/// The client's stream of orders by another server, after its first message.
async fn watch(over: &TestApp, client: &Client) -> (Client, Streaming<WatchMyOrdersResponse>) {
    let there = over.guest().await;
    let there = there.with_token(client.token.as_deref().unwrap());
    let request = WatchMyOrdersRequest::default();
    let stream = there.orders().watch_my_orders(request).await;
    let mut stream = stream.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    (there, stream)
}

/// Fails unless stream and token end in time.
async fn assert_ends((there, mut stream): (Client, Streaming<WatchMyOrdersResponse>), cause: &str) {
    let end = tokio::time::timeout(AT_LAST, async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                ended => return ended,
            }
        }
    });
    let end = end
        .await
        .unwrap_or_else(|_| panic!("{cause}: the stream goes on"));
    assert_eq!(reason(&end.unwrap_err()), "SESSION_REVOKED", "{cause}");
    let refused = there.users().get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!(reason(&refused), "SESSION_REVOKED", "{cause}");
}

async fn servers(settings: &[(&str, &str)]) -> (TestApp, TestApp) {
    let here = TestApp::with(settings).await;
    let there = here.beside_with(settings, |_| {}).await;
    (here, there)
}

#[tokio::test]
async fn logging_out_ends_the_session_elsewhere() {
    let (here, there) = servers(&[]).await;
    let client = here.customer().await;
    let watched = watch(&there, &client).await;
    client.auth().logout(LogoutRequest {}).await.unwrap();
    assert_ends(watched, "logout").await;
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session_elsewhere() {
    let (here, there) = servers(&MULTI).await;
    let phone = here.customer().await;
    let laptop = here.sign_in(&phone.phone).await;
    let watched = [watch(&there, &phone).await, watch(&there, &laptop).await];
    phone.auth().logout_all(LogoutAllRequest {}).await.unwrap();
    for watched in watched {
        assert_ends(watched, "logout everywhere").await;
    }
}

#[tokio::test]
async fn ending_one_session_ends_it_elsewhere_and_leaves_the_others() {
    let (here, there) = servers(&MULTI).await;
    let lost = here.customer().await;
    let kept = here.sign_in(&lost.phone).await;
    let (watched, going_on) = (watch(&there, &lost).await, watch(&there, &kept).await);
    let listed = lost
        .auth()
        .list_sessions(ListSessionsRequest::default())
        .await;
    let sessions = listed.unwrap().into_inner().sessions;
    let id = sessions
        .into_iter()
        .find(|session| session.current)
        .unwrap()
        .id;
    let end = RevokeSessionRequest { id };
    kept.auth().revoke_session(end).await.unwrap();
    assert_ends(watched, "revocation").await;
    let still = going_on.0.users().get_me(GetMeRequest {}).await;
    assert!(still.is_ok());
}

#[tokio::test]
async fn a_new_sign_in_ends_the_one_before_elsewhere() {
    let (here, there) = servers(&[]).await;
    let first = here.customer().await;
    let watched = watch(&there, &first).await;
    here.sign_in(&first.phone).await;
    assert_ends(watched, "another sign-in").await;
}

#[tokio::test]
async fn a_new_phone_ends_the_other_sessions_elsewhere() {
    let (here, there) = servers(&MULTI).await;
    let other = here.customer().await;
    let client = here.sign_in(&other.phone).await;
    let (watched, going_on) = (watch(&there, &other).await, watch(&there, &client).await);
    let phone = "0555000999".to_owned();
    let wish = RequestPhoneChangeRequest {
        phone: phone.clone(),
    };
    client.auth().request_phone_change(wish).await.unwrap();
    let proof = ConfirmPhoneChangeRequest {
        phone,
        otp: CODE.into(),
    };
    client.auth().confirm_phone_change(proof).await.unwrap();
    assert_ends(watched, "a new phone").await;
    let still = going_on.0.users().get_me(GetMeRequest {}).await;
    assert!(still.is_ok());
}

#[tokio::test]
async fn closing_the_account_ends_its_sessions_elsewhere() {
    let (here, there) = servers(&MULTI).await;
    let phone = here.customer().await;
    let laptop = here.sign_in(&phone.phone).await;
    let watched = [watch(&there, &phone).await, watch(&there, &laptop).await];
    phone.users().delete_me(DeleteMeRequest {}).await.unwrap();
    for watched in watched {
        assert_ends(watched, "a closed account").await;
    }
}

#[tokio::test]
async fn another_role_and_switching_off_end_the_sessions_elsewhere() {
    let (here, there) = servers(&[]).await;
    let admin = here.admin().await;
    let id = |client: &Client| client.user_id.clone();
    let (demoted, suspended) = (here.customer().await, here.customer().await);
    let watched = watch(&there, &demoted).await;
    let role = SetUserRoleRequest {
        id: id(&demoted),
        role: Role::Freelancer.into(),
    };
    admin.users().set_user_role(role).await.unwrap();
    assert_ends(watched, "another role").await;
    let watched = watch(&there, &suspended).await;
    let off = DeactivateUserRequest { id: id(&suspended) };
    admin.users().deactivate_user(off).await.unwrap();
    assert_ends(watched, "switched off").await;
}

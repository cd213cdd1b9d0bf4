//! Accounts that are switched off, and the administrator who must remain.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use souk::pb::souk::auth::v1::{RefreshTokenRequest, RequestOtpRequest, VerifyOtpRequest};
use souk::pb::souk::orders::v1::WatchMyOrdersRequest;
use souk::pb::souk::users::v1::user::Role;
use souk::pb::souk::users::v1::{
    ActivateUserRequest, DeactivateUserRequest, DeleteMeRequest, SetUserRoleRequest,
};
use tonic::{Code, Status};

use super::me;
use crate::support::app::CODE;
use crate::support::clients::is_replayed;
use crate::support::{Client, TestApp, keyed, reason};

const ACTIVE_ADMINS: &str =
    "SELECT count(*) FROM users WHERE role = 'ADMIN' AND is_active AND deleted_at IS NULL";

async fn switch_off(by: &Client, whom: &Client) -> Result<(), Status> {
    let off = DeactivateUserRequest {
        id: whom.user_id.clone(),
    };
    by.users().deactivate_user(off).await.map(drop)
}

async fn switch_on(by: &Client, whom: &Client) -> Result<(), Status> {
    let on = ActivateUserRequest {
        id: whom.user_id.clone(),
    };
    by.users().activate_user(on).await.map(drop)
}

async fn demote(by: &Client, whom: &Client) -> Result<(), Status> {
    let request = SetUserRoleRequest {
        id: whom.user_id.clone(),
        role: Role::Customer.into(),
    };
    by.users().set_user_role(request).await.map(drop)
}

async fn leave(admin: &Client) -> Result<(), Status> {
    admin.users().delete_me(DeleteMeRequest {}).await.map(drop)
}

#[tokio::test]
async fn a_deactivated_user_is_out_at_once_and_comes_back_when_activated() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let named = json!({"name": "Amina"});
    let path = "/api/users/me";
    let token = client.token.as_deref();
    app.http(Method::PATCH, path, token, &[], Some(named)).await;
    let feed = WatchMyOrdersRequest::default();
    let feed = client.orders().watch_my_orders(feed).await;
    let mut stream = feed.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();

    switch_off(&admin, &client).await.unwrap();
    let out = me(&client).await.unwrap_err();
    assert_eq!(
        (out.code(), &*reason(&out)),
        (Code::Unauthenticated, "SESSION_REVOKED")
    );
    let refresh = RefreshTokenRequest {
        refresh_token: client.refresh_token.clone(),
    };
    let refused = client.anonymous().auth().refresh_token(refresh).await;
    assert_eq!(reason(&refused.unwrap_err()), "SESSION_REVOKED");
    let end = tokio::time::timeout(Duration::from_secs(10), stream.message()).await;
    assert_eq!(reason(&end.unwrap().unwrap_err()), "SESSION_REVOKED");
    let guest = app.guest().await;
    let phone = client.phone.clone();
    let ask = RequestOtpRequest {
        phone: phone.clone(),
    };
    guest.auth().request_otp(ask).await.unwrap();
    let verify = VerifyOtpRequest {
        phone,
        otp: CODE.into(),
        ..Default::default()
    };
    let refused = guest.auth().verify_otp(verify).await.unwrap_err();
    assert_eq!(
        (refused.code(), &*reason(&refused)),
        (Code::PermissionDenied, "ACCOUNT_INACTIVE")
    );
    let why = "SELECT count(*) FROM sessions WHERE end_reason = 'DEACTIVATED'";
    assert_eq!(app.number(why).await, 1);
    app.assert_sound().await;

    switch_on(&admin, &client).await.unwrap();
    assert_eq!(reason(&me(&client).await.unwrap_err()), "SESSION_REVOKED");
    let back = app.sign_in(&client.phone).await;
    assert_eq!(back.user_id, client.user_id);
    assert_eq!(me(&back).await.unwrap().name.as_deref(), Some("Amina"));
}

#[tokio::test]
async fn switching_twice_changes_nothing_more() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let off = DeactivateUserRequest {
        id: client.user_id.clone(),
    };
    let mut users = admin.users();
    users
        .deactivate_user(keyed("k", off.clone()))
        .await
        .unwrap();
    let versions = "SELECT CAST(sum(version) AS bigint) FROM users";
    let version = app.number(versions).await;
    let again = users.deactivate_user(keyed("k", off.clone())).await;
    assert!(is_replayed(&again.unwrap()));
    users.deactivate_user(off).await.unwrap();
    assert_eq!(app.number(versions).await, version);
    for _ in 0..2 {
        switch_on(&admin, &client).await.unwrap();
        assert_eq!(app.number(versions).await, version + 1);
    }
    let nobody = DeactivateUserRequest {
        id: "usr_01h2xcejqtf2nbrexx3vqjhp41".into(),
    };
    let refused = users.deactivate_user(nobody).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn over_http_delete_switches_off_and_forgets_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let token = admin.token.as_deref();
    let path = format!("/api/users/{}", client.user_id);
    let off = app.http(Method::DELETE, &path, token, &[], None).await;
    assert_eq!(off.status, 200, "{}", off.text);
    assert_eq!(off.body["account"]["isActive"], json!(false));
    let seen = app.get(&path, token).await;
    assert_eq!(seen.body["account"]["isActive"], json!(false));
    assert!(seen.body["account"]["user"]["phone"].is_string());
    let on = format!("{path}/activate");
    let on = app.post(&on, token, json!({})).await;
    assert_eq!(on.body["account"]["isActive"], json!(true));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    // One that is switched off, and one that is gone, do not count.
    let (idle, gone) = (app.admin().await, app.admin().await);
    switch_off(&admin, &idle).await.unwrap();
    leave(&gone).await.unwrap();
    let before = app.rows().await;
    for refused in [
        switch_off(&admin, &admin).await,
        demote(&admin, &admin).await,
        leave(&admin).await,
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code(), &*reason(&refused)),
            (Code::FailedPrecondition, "LAST_ADMIN")
        );
    }
    assert_eq!(app.rows().await, before);
    me(&admin).await.unwrap();
}

#[tokio::test]
async fn an_administrator_may_go_when_another_remains() {
    let app = TestApp::start().await;
    let (one, two, three) = (app.admin().await, app.admin().await, app.admin().await);
    let last = app.admin().await;
    switch_off(&one, &one).await.unwrap();
    demote(&two, &two).await.unwrap();
    leave(&three).await.unwrap();
    for out in [&one, &two, &three] {
        assert_eq!(reason(&me(out).await.unwrap_err()), "SESSION_REVOKED");
    }
    let refused = leave(&last).await.unwrap_err();
    assert_eq!(reason(&refused), "LAST_ADMIN");
    app.assert_sound().await;
}

#[tokio::test]
async fn of_two_administrators_who_end_each_other_at_once_one_remains() {
    let app = TestApp::start().await;
    for round in 0..6 {
        let (one, two) = (app.admin().await, app.admin().await);
        me(&one).await.unwrap();
        me(&two).await.unwrap();
        let (first, second) = match round % 3 {
            0 => tokio::join!(switch_off(&one, &two), switch_off(&two, &one)),
            1 => tokio::join!(demote(&one, &two), switch_off(&two, &one)),
            _ => tokio::join!(leave(&one), leave(&two)),
        };
        let refusals: Vec<Status> = [first, second]
            .into_iter()
            .filter_map(Result::err)
            .collect();
        assert_eq!(refusals.len(), 1, "round {round}: {refusals:?}");
        // Whoever comes second is the last one, or is out already.
        let why = reason(&refusals[0]);
        assert!(
            ["LAST_ADMIN", "SESSION_REVOKED", "FORBIDDEN"].contains(&&*why),
            "{why}"
        );
        assert_eq!(app.number(ACTIVE_ADMINS).await, 1, "round {round}");
        app.assert_sound().await;
        let aside = "UPDATE users SET role = 'CUSTOMER'";
        app.execute(aside, []).await;
    }
}

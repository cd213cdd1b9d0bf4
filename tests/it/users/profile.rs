use reqwest::Method;
use serde_json::json;
use souk::pb::souk::auth::v1::RefreshTokenRequest;
use souk::pb::souk::orders::v1::{CancelOrderRequest, GetOrderRequest};
use souk::pb::souk::users::v1::user::Role;
use souk::pb::souk::users::v1::{
    DeleteMeRequest, GetMeRequest, GetPublicProfileRequest, UpdateMeRequest, User,
};
use tonic::{Code, Status};

use super::me;
use crate::support::clients::{is_replayed, statements};
use crate::support::{Client, TestApp, keyed, reason};

async fn update(client: &Client, changes: UpdateMeRequest) -> Result<User, Status> {
    let answer = client.users().update_me(changes).await?;
    Ok(answer.into_inner().user.unwrap())
}

fn email(text: &str) -> UpdateMeRequest {
    UpdateMeRequest {
        email: Some(text.into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn only_what_is_present_changes_and_an_empty_text_clears() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let changes = UpdateMeRequest {
        name: Some("Amina Benali".into()),
        bio: Some("Sells honey".into()),
        wilaya: Some("16".into()),
        ..Default::default()
    };
    let named = update(&client, changes).await.unwrap();
    assert_eq!(named.name.as_deref(), Some("Amina Benali"));
    assert_eq!(named.wilaya.as_deref(), Some("Alger"));
    let clear = UpdateMeRequest {
        bio: Some(String::new()),
        ..Default::default()
    };
    update(&client, clear).await.unwrap();
    let after = me(&client).await.unwrap();
    assert_eq!(after.name.as_deref(), Some("Amina Benali"));
    assert_eq!((after.bio, after.role), (None, Role::Customer.into()));
}

#[tokio::test]
async fn role_and_proofs_cannot_be_written() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    for body in [
        json!({"role": "ADMIN"}),
        json!({"emailVerified": true}),
        json!({"phone": "0770000000"}),
    ] {
        let token = client.token.as_deref();
        let refused = app
            .http(Method::PATCH, "/api/users/me", token, &[], Some(body))
            .await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    let after = me(&client).await.unwrap();
    assert_eq!(after.role(), Role::Customer);
    assert_eq!(after.phone.unwrap()[4..], client.phone[1..]);
}

#[tokio::test]
async fn an_email_address_belongs_to_one_account_in_any_case() {
    let app = TestApp::start().await;
    let (amina, yacine) = (app.customer().await, app.customer().await);
    let kept = update(&amina, email("Amina@Example.dz")).await.unwrap();
    assert_eq!(kept.email.as_deref(), Some("amina@example.dz"));
    assert_eq!(kept.email_verified, Some(false));
    let taken = update(&yacine, email("AMINA@example.DZ"))
        .await
        .unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
    assert_eq!(reason(&taken), "EMAIL_TAKEN");
    assert_eq!(me(&yacine).await.unwrap().email, None);
}

#[tokio::test]
async fn an_unknown_wilaya_or_store_is_refused() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let nowhere = UpdateMeRequest {
        wilaya: Some("Atlantis".into()),
        ..Default::default()
    };
    let refused = update(&client, nowhere).await.unwrap_err();
    assert_eq!(reason(&refused), "UNKNOWN_WILAYA");
    let no_store = UpdateMeRequest {
        preferred_store_id: Some("store_01h2xcejqtf2nbrexx3vqjhp41".into()),
        ..Default::default()
    };
    let refused = update(&client, no_store).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn the_same_key_changes_a_profile_once() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let changes = UpdateMeRequest {
        name: Some("Amina".into()),
        ..Default::default()
    };
    let mut users = client.users();
    users.update_me(keyed("k", changes.clone())).await.unwrap();
    let again = users.update_me(keyed("k", changes)).await.unwrap();
    assert!(is_replayed(&again));
    assert_eq!(app.number("SELECT max(version) FROM users").await, 2);
    let other = users.update_me(keyed("k", email("a@b.dz"))).await;
    assert_eq!(reason(&other.unwrap_err()), "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_closed_account_is_forgotten_and_its_phone_is_free() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let changes = UpdateMeRequest {
        name: Some("Amina Benali".into()),
        email: Some("amina@example.dz".into()),
        ..Default::default()
    };
    update(&client, changes).await.unwrap();
    client.users().delete_me(DeleteMeRequest {}).await.unwrap();

    let gone = me(&client).await.unwrap_err();
    assert_eq!(reason(&gone), "SESSION_REVOKED");
    let refresh = RefreshTokenRequest {
        refresh_token: client.refresh_token.clone(),
    };
    let refused = app.guest().await.auth().refresh_token(refresh).await;
    assert_eq!(reason(&refused.unwrap_err()), "SESSION_REVOKED");
    let profile = GetPublicProfileRequest {
        id: client.user_id.clone(),
    };
    let hidden = app.guest().await.users().get_public_profile(profile).await;
    assert_eq!(hidden.unwrap_err().code(), Code::NotFound);
    let rows = app.rows().await;
    assert!(!format!("{:?}", rows["users"]).contains("Benali"));

    let newcomer = app.sign_in(&client.phone).await;
    assert_ne!(newcomer.user_id, client.user_id);
    assert_eq!(me(&newcomer).await.unwrap().name, None);
    update(&newcomer, email("amina@example.dz")).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn an_account_with_open_orders_stays() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let honey = seller.product("Miel de montagne", 250_000, 5).await;
    let buyer = app.customer().await;
    buyer.order(&honey.id, 1).await;
    for client in [&buyer, &seller.client] {
        let refused = client.users().delete_me(DeleteMeRequest {}).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(reason(&refused), "USER_HAS_OPEN_ORDERS");
        me(client).await.unwrap();
    }
}

#[tokio::test]
async fn who_leaves_takes_name_stores_and_cart_along() {
    let app = TestApp::start().await;
    let seller = app.seller().await;
    let honey = seller.product("Miel de montagne", 250_000, 5).await;
    let buyer = app.customer().await;
    let order = buyer.order(&honey.id, 1).await;
    let cancel = CancelOrderRequest {
        id: order.id.clone(),
        ..Default::default()
    };
    buyer.orders().cancel_order(cancel).await.unwrap();
    buyer.users().delete_me(DeleteMeRequest {}).await.unwrap();
    let past = GetOrderRequest {
        id: order.id,
        ..Default::default()
    };
    let past = seller.client.orders().get_order(past).await.unwrap();
    let past = past.into_inner().order.unwrap();
    assert_eq!(past.total, order.total);
    assert!(!format!("{past:?}").contains("Amine Cherif"));

    seller
        .client
        .users()
        .delete_me(DeleteMeRequest {})
        .await
        .unwrap();
    let store = app
        .get(&format!("/api/stores/{}", seller.store), None)
        .await;
    assert_eq!(store.status, 404, "{}", store.text);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_public_profile_shows_the_name_and_nothing_private() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let changes = UpdateMeRequest {
        name: Some("Amina".into()),
        email: Some("amina@example.dz".into()),
        ..Default::default()
    };
    update(&client, changes).await.unwrap();
    let path = format!("/api/users/{}/public", client.user_id);
    let profile = app.get(&path, None).await;
    let expected = json!({"success": true, "profile": {"id": client.user_id, "name": "Amina"}});
    assert_eq!(profile.body, expected);
    let unknown = app
        .get("/api/users/usr_01h2xcejqtf2nbrexx3vqjhp41/public", None)
        .await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_profile_costs_few_statements() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    me(&client).await.unwrap();
    let read = client.users().get_me(GetMeRequest {}).await.unwrap();
    assert_eq!(statements(&read), 1);
    let changes = UpdateMeRequest {
        name: Some("Amina".into()),
        ..Default::default()
    };
    // Lock, write, event; the key's claim and its answer.
    let written = client.users().update_me(keyed("k", changes)).await.unwrap();
    assert!(statements(&written) <= 5, "{}", statements(&written));
}

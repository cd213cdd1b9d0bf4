//! Roles: given by administrators, or taken up by their owners.

use reqwest::Method;
use serde_json::json;
use souk::pb::souk::auth::v1::SyncRoleRequest;
use souk::pb::souk::orders::v1::CancelOrderRequest;
use souk::pb::souk::users::v1::user::{Role, SellerCategory};
use souk::pb::souk::users::v1::{
    Account, ListUsersRequest, SetSellerCategoryRequest, SetUserRoleRequest, User,
};
use tonic::{Code, Status};

use super::me;
use crate::support::clients::{is_replayed, statements};
use crate::support::{Client, TestApp, keyed, reason};

fn to(id: &str, role: Role) -> SetUserRoleRequest {
    SetUserRoleRequest {
        id: id.into(),
        role: role.into(),
    }
}

async fn set(admin: &Client, id: &str, role: Role) -> Result<Account, Status> {
    let answer = admin.users().set_user_role(to(id, role)).await?;
    Ok(answer.into_inner().account.unwrap())
}

fn wish(role: Role, category: SellerCategory) -> SyncRoleRequest {
    SyncRoleRequest {
        role: role.into(),
        seller_category: category.into(),
    }
}

async fn choose(client: &Client, role: Role, category: SellerCategory) -> Result<User, Status> {
    let answer = client.auth().sync_role(wish(role, category)).await?;
    Ok(answer.into_inner().user.unwrap())
}

const NONE: SellerCategory = SellerCategory::Unspecified;

#[tokio::test]
async fn a_new_role_signs_out_and_counts_with_the_next_sign_in() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    me(&client).await.unwrap();
    let account = set(&admin, &client.user_id, Role::Admin).await.unwrap();
    assert_eq!(account.user.unwrap().role(), Role::Admin);
    assert_eq!(reason(&me(&client).await.unwrap_err()), "SESSION_REVOKED");
    let why = "SELECT count(*) FROM sessions WHERE end_reason = 'ROLE_CHANGED'";
    assert_eq!(app.number(why).await, 1);
    let colleague = app.sign_in(&client.phone).await;
    let all = ListUsersRequest::default;
    let listed = colleague.users().list_users(all()).await;
    assert_eq!(listed.unwrap().into_inner().users.len(), 2);

    // Demoted, the next call is refused already.
    let path = format!("/api/admin/users/{}/role", client.user_id);
    let token = admin.token.as_deref();
    let body = Some(json!({"role": "user"}));
    let demoted = app.http(Method::PUT, &path, token, &[], body).await;
    assert_eq!(demoted.status, 200, "{}", demoted.text);
    assert_eq!(demoted.body["account"]["user"]["role"], json!("CUSTOMER"));
    let refused = colleague.users().list_users(all()).await.unwrap_err();
    assert_eq!(reason(&refused), "SESSION_REVOKED");
    app.assert_sound().await;
}

#[tokio::test]
async fn the_same_role_again_changes_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let versions = "SELECT CAST(sum(version) AS bigint) FROM users";
    let version = app.number(versions).await;
    set(&admin, &client.user_id, Role::Customer).await.unwrap();
    me(&client).await.unwrap();
    let mut users = admin.users();
    let courier = to(&client.user_id, Role::DeliveryPartner);
    for again in [false, true] {
        let answer = users.set_user_role(keyed("k", courier.clone())).await;
        assert_eq!(is_replayed(&answer.unwrap()), again);
    }
    assert_eq!(app.number(versions).await, version + 1);
    let nobody = "usr_01h2xcejqtf2nbrexx3vqjhp41";
    let refused = set(&admin, nobody, Role::Customer).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let unnamed = set(&admin, &client.user_id, Role::Unspecified).await;
    assert_eq!(unnamed.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_seller_with_open_orders_goes_on_selling() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let seller = app.seller().await;
    let id = &seller.client.user_id;
    let honey = seller.product("Miel de montagne", 250_000, 5).await;
    let buyer = app.customer().await;
    let order = buyer.order(&honey.id, 1).await;
    let tier = SetSellerCategoryRequest {
        id: id.clone(),
        seller_category: SellerCategory::Fournisseur.into(),
    };
    admin.users().set_seller_category(tier).await.unwrap();
    let before = app.rows().await;
    for refused in [
        set(&admin, id, Role::Customer).await.map(drop),
        choose(&seller.client, Role::Freelancer, NONE)
            .await
            .map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.code(), &*reason(&refused)),
            (Code::FailedPrecondition, "USER_HAS_OPEN_ORDERS")
        );
    }
    assert_eq!(app.rows().await, before);
    // Buying does not keep anybody from a role.
    set(&admin, &buyer.user_id, Role::Freelancer).await.unwrap();

    let cancel = CancelOrderRequest {
        id: order.id,
        ..Default::default()
    };
    let mut orders = seller.client.orders();
    orders.cancel_order(cancel).await.unwrap();
    let account = set(&admin, id, Role::Customer).await.unwrap();
    let user = account.user.unwrap();
    assert_eq!((user.seller_category, user.is_verified), (None, None));
    app.assert_sound().await;
}

#[tokio::test]
async fn a_user_takes_up_a_free_role_and_stays_signed_in() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let free = choose(&client, Role::Freelancer, NONE).await.unwrap();
    assert_eq!(free.role(), Role::Freelancer);
    assert_eq!(me(&client).await.unwrap(), free);
    let body = json!({"role": "seller", "sellerCategory": "wholesaler"});
    let token = client.token.as_deref();
    let sells = app.post("/api/auth/sync-role", token, body).await;
    assert_eq!(sells.status, 200, "{}", sells.text);
    let user = &sells.body["user"];
    assert_eq!(user["role"], json!("STORE_OWNER"));
    assert_eq!(user["sellerCategory"], json!("GROSSISTE"));
    assert_eq!(user["isVerified"], json!(false));
    let buys = choose(&client, Role::Customer, NONE).await.unwrap();
    assert_eq!((buys.role(), buys.seller_category), (Role::Customer, None));
    assert_eq!(buys.is_verified, None);
    // Leaving is no way into another tier.
    let other = choose(&client, Role::StoreOwner, SellerCategory::Importateur);
    assert_eq!(reason(&other.await.unwrap_err()), "ROLE_NOT_ALLOWED");
    let again = choose(&client, Role::StoreOwner, NONE).await.unwrap();
    assert_eq!(again.seller_category(), SellerCategory::Grossiste);
}

#[tokio::test]
async fn a_seller_names_a_tier_once() {
    let app = TestApp::start().await;
    let seller = app.seller().await.client;
    let unnamed = choose(&seller, Role::StoreOwner, NONE).await.unwrap_err();
    assert_eq!(
        (unnamed.code(), &*reason(&unnamed)),
        (Code::InvalidArgument, "SELLER_CATEGORY_REQUIRED")
    );
    let mut auth = seller.auth();
    let first = wish(Role::StoreOwner, SellerCategory::Importateur);
    for again in [false, true] {
        let answer = auth.sync_role(keyed("k", first)).await.unwrap();
        assert_eq!(is_replayed(&answer), again);
    }
    let before = app.rows().await;
    let other = choose(&seller, Role::StoreOwner, SellerCategory::Grossiste);
    let other = other.await.unwrap_err();
    assert_eq!(
        (other.code(), &*reason(&other)),
        (Code::PermissionDenied, "ROLE_NOT_ALLOWED")
    );
    let kept = choose(&seller, Role::StoreOwner, NONE).await.unwrap();
    assert_eq!(kept.seller_category(), SellerCategory::Importateur);
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn nobody_takes_up_a_role_of_trust() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (client, courier) = (app.customer().await, app.customer().await);
    set(&admin, &courier.user_id, Role::DeliveryPartner)
        .await
        .unwrap();
    let courier = app.sign_in(&courier.phone).await;
    let before = app.rows().await;
    for (who, role, category, why) in [
        (&client, Role::Admin, NONE, "ROLE_NOT_ALLOWED"),
        (&client, Role::DeliveryPartner, NONE, "ROLE_NOT_ALLOWED"),
        (&courier, Role::Customer, NONE, "ROLE_NOT_ALLOWED"),
        (&admin, Role::Customer, NONE, "ROLE_NOT_ALLOWED"),
        (&client, Role::Unspecified, NONE, "VALIDATION_ERROR"),
        (
            &client,
            Role::Customer,
            SellerCategory::Grossiste,
            "VALIDATION_ERROR",
        ),
    ] {
        let refused = choose(who, role, category).await.unwrap_err();
        assert_eq!(reason(&refused), why, "{role:?}");
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn a_role_costs_few_statements() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    me(&client).await.unwrap();
    // Lock, write, event.
    let free = wish(Role::Freelancer, NONE);
    let chosen = client.auth().sync_role(free).await.unwrap();
    assert_eq!(statements(&chosen), 3);
    // Lock, sessions, tokens, write, audit, both events at once.
    let role = to(&client.user_id, Role::Customer);
    me(&admin).await.unwrap();
    let given = admin.users().set_user_role(role).await.unwrap();
    assert_eq!(statements(&given), 6);
}

//! Tiers of sellers, and the mark of those whom the marketplace has verified.

use reqwest::Method;
use serde_json::json;
use souk::pb::souk::users::v1::user::SellerCategory;
use souk::pb::souk::users::v1::{
    GetPublicProfileRequest, SetSellerCategoryRequest, User, VerifySellerRequest,
};
use tonic::{Code, Status};

use super::me;
use crate::support::clients::{is_replayed, statements};
use crate::support::{Client, TestApp, keyed, reason};

async fn put(admin: &Client, id: &str, category: SellerCategory) -> Result<User, Status> {
    let request = SetSellerCategoryRequest {
        id: id.into(),
        seller_category: category.into(),
    };
    let answer = admin.users().set_seller_category(request).await?;
    Ok(answer.into_inner().account.unwrap().user.unwrap())
}

fn mark(id: &str, is_verified: Option<bool>) -> VerifySellerRequest {
    VerifySellerRequest {
        id: id.into(),
        is_verified,
    }
}

async fn verify(admin: &Client, id: &str, is_verified: Option<bool>) -> Result<User, Status> {
    let answer = admin.users().verify_seller(mark(id, is_verified)).await?;
    Ok(answer.into_inner().account.unwrap().user.unwrap())
}

#[tokio::test]
async fn a_tier_and_its_mark_are_shown_to_everybody() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let seller = app.seller().await.client;
    let (id, token) = (&seller.user_id, admin.token.as_deref());
    let before = me(&seller).await.unwrap();
    assert_eq!((before.seller_category, before.is_verified), (None, None));

    let path = format!("/api/admin/users/{id}/seller-category");
    let body = Some(json!({"sellerCategory": "importer"}));
    let tiered = app.http(Method::PUT, &path, token, &[], body).await;
    assert_eq!(tiered.status, 200, "{}", tiered.text);
    let path = format!("/api/admin/users/{id}/verify");
    let marked = app
        .http(Method::PUT, &path, token, &[], Some(json!({})))
        .await;
    assert_eq!(marked.body["account"]["user"]["isVerified"], json!(true));

    let profile = app.get(&format!("/api/users/{id}/public"), None).await;
    let expected = json!({"success": true, "profile": {
        "id": id, "name": null, "sellerCategory": "IMPORTATEUR", "isVerified": true,
    }});
    assert_eq!(profile.body, expected);
    let own = me(&seller).await.unwrap();
    assert_eq!(own.seller_category(), SellerCategory::Importateur);
    assert_eq!(own.is_verified, Some(true));

    let body = Some(json!({"isVerified": false}));
    let unmarked = app.http(Method::PUT, &path, token, &[], body).await;
    assert_eq!(unmarked.body["account"]["user"]["isVerified"], json!(false));
}

#[tokio::test]
async fn another_tier_is_not_verified_and_no_tier_has_no_mark() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = &app.seller().await.client.user_id;
    put(&admin, id, SellerCategory::Grossiste).await.unwrap();
    verify(&admin, id, None).await.unwrap();
    let same = put(&admin, id, SellerCategory::Grossiste).await.unwrap();
    assert_eq!(same.is_verified, Some(true));
    let other = put(&admin, id, SellerCategory::Fournisseur).await.unwrap();
    assert_eq!(other.is_verified, Some(false));
    let none = put(&admin, id, SellerCategory::Unspecified).await.unwrap();
    assert_eq!((none.seller_category, none.is_verified), (None, None));
    let request = GetPublicProfileRequest { id: id.clone() };
    let profile = app.guest().await.users().get_public_profile(request).await;
    let profile = profile.unwrap().into_inner().profile.unwrap();
    assert_eq!((profile.seller_category, profile.is_verified), (None, None));
    app.assert_sound().await;
}

#[tokio::test]
async fn only_a_seller_has_a_tier_and_only_a_tier_is_verified() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (seller, buyer) = (app.seller().await.client, app.customer().await);
    let before = app.rows().await;
    let tier = put(&admin, &buyer.user_id, SellerCategory::Grossiste).await;
    let tier = tier.unwrap_err();
    assert_eq!(
        (tier.code(), &*reason(&tier)),
        (Code::PermissionDenied, "ROLE_NOT_ALLOWED")
    );
    for (id, is_verified) in [(&seller.user_id, None), (&buyer.user_id, Some(false))] {
        let refused = verify(&admin, id, is_verified).await.unwrap_err();
        assert_eq!(
            (refused.code(), &*reason(&refused)),
            (Code::InvalidArgument, "SELLER_CATEGORY_REQUIRED")
        );
    }
    let nobody = "usr_01h2xcejqtf2nbrexx3vqjhp41";
    let missing = put(&admin, nobody, SellerCategory::Grossiste).await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    let missing = verify(&admin, nobody, None).await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn the_same_key_marks_a_seller_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let id = &app.seller().await.client.user_id;
    put(&admin, id, SellerCategory::Grossiste).await.unwrap();
    let mut users = admin.users();
    let marked = users.verify_seller(keyed("k", mark(id, None))).await;
    // The key's claim, lock, write, audit, event, the key's answer.
    assert_eq!(statements(&marked.unwrap()), 6);
    verify(&admin, id, Some(false)).await.unwrap();
    let again = users
        .verify_seller(keyed("k", mark(id, None)))
        .await
        .unwrap();
    assert!(is_replayed(&again));
    let marked = "SELECT count(*) FROM users WHERE is_verified";
    assert_eq!(app.number(marked).await, 0);
}

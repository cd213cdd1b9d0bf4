//! Administrators look for accounts.

use std::time::Duration;

use serde_json::json;
use souk::pb::souk::users::v1::user::{Role, SellerCategory};
use souk::pb::souk::users::v1::{
    CreateUserRequest, DeactivateUserRequest, DeleteMeRequest, ListUsersRequest, ListUsersResponse,
    User,
};
use tonic::Code;

use crate::support::{Client, TestApp, reason};

async fn list(admin: &Client, request: ListUsersRequest) -> ListUsersResponse {
    admin
        .users()
        .list_users(request)
        .await
        .unwrap()
        .into_inner()
}

async fn ids(admin: &Client, request: ListUsersRequest) -> Vec<String> {
    let listed = list(admin, request).await.users;
    listed.into_iter().map(|one| one.user.unwrap().id).collect()
}

async fn create(admin: &Client, new: CreateUserRequest) -> User {
    let made = admin.users().create_user(new).await.unwrap();
    made.into_inner().account.unwrap().user.unwrap()
}

fn with_phone(phone: &str) -> CreateUserRequest {
    CreateUserRequest {
        phone: Some(phone.into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn accounts_are_listed_newest_first_and_pages_hold_under_inserts() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let mut made = vec![admin.user_id.clone()];
    for number in 0..5 {
        app.advance(Duration::from_secs(1));
        let account = create(&admin, with_phone(&format!("055000010{number}"))).await;
        made.push(account.id);
    }
    made.reverse();
    let mut request = ListUsersRequest {
        limit: 2,
        ..Default::default()
    };
    let mut seen = Vec::new();
    loop {
        let part = list(&admin, request.clone()).await;
        seen.extend(part.users.into_iter().map(|one| one.user.unwrap().id));
        request.page_token = part.meta.unwrap().next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        // Whoever comes meanwhile moves nobody.
        app.advance(Duration::from_secs(1));
        app.customer().await;
    }
    assert_eq!(seen, made);
    let numbered = ListUsersRequest {
        limit: 3,
        page: 3,
        ..Default::default()
    };
    let last = list(&admin, numbered).await;
    let meta = last.meta.unwrap();
    assert_eq!((meta.total, meta.total_pages), (Some(8), Some(3)));
    assert_eq!(last.users.len(), 2);
}

#[tokio::test]
async fn a_page_token_belongs_to_its_filter() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    app.customer().await;
    let all = ListUsersRequest {
        limit: 1,
        ..Default::default()
    };
    let token = list(&admin, all.clone())
        .await
        .meta
        .unwrap()
        .next_page_token;
    let other = ListUsersRequest {
        page_token: token,
        role: Role::Customer.into(),
        ..all
    };
    let refused = admin.users().list_users(other).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test]
async fn accounts_are_found_by_role_tier_state_and_contact() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let seller = CreateUserRequest {
        email: Some("Gros@Example.dz".into()),
        role: Role::StoreOwner.into(),
        seller_category: SellerCategory::Grossiste.into(),
        ..with_phone("0550000200")
    };
    let seller = create(&admin, seller).await;
    let (idle, closed) = (app.customer().await, app.customer().await);
    let off = DeactivateUserRequest {
        id: idle.user_id.clone(),
    };
    admin.users().deactivate_user(off).await.unwrap();
    closed.users().delete_me(DeleteMeRequest {}).await.unwrap();

    let nobody = ListUsersRequest::default;
    let role = |role: Role| ListUsersRequest {
        role: role.into(),
        ..nobody()
    };
    let active = |is_active| ListUsersRequest {
        is_active: Some(is_active),
        ..nobody()
    };
    let tier = ListUsersRequest {
        seller_category: SellerCategory::Grossiste.into(),
        ..nobody()
    };
    let contact = |text: &str| ListUsersRequest {
        contact: text.into(),
        ..nobody()
    };
    assert_eq!(ids(&admin, nobody()).await.len(), 3);
    assert_eq!(ids(&admin, role(Role::Admin)).await, [&*admin.user_id]);
    assert_eq!(ids(&admin, role(Role::Customer)).await, [&*idle.user_id]);
    assert_eq!(ids(&admin, role(Role::Freelancer)).await.len(), 0);
    assert_eq!(ids(&admin, active(false)).await, [&*idle.user_id]);
    assert_eq!(ids(&admin, active(true)).await.len(), 2);
    assert_eq!(ids(&admin, tier.clone()).await, [&*seller.id]);
    let both = ListUsersRequest {
        role: Role::Customer.into(),
        ..tier
    };
    assert_eq!(ids(&admin, both).await.len(), 0);
    for spelling in ["0550000200", "+213 550 00 02 00", "00213550000200"] {
        assert_eq!(ids(&admin, contact(spelling)).await, [&*seller.id]);
    }
    for spelling in ["gros@example.dz", " GROS@example.DZ "] {
        assert_eq!(ids(&admin, contact(spelling)).await, [&*seller.id]);
    }
    assert_eq!(ids(&admin, contact(&closed.phone)).await.len(), 0);
    let odd = admin.users().list_users(contact("Gros")).await.unwrap_err();
    assert_eq!(odd.code(), Code::InvalidArgument);
    assert!(odd.message().contains("contact"), "{}", odd.message());

    let token = admin.token.as_deref();
    let path = "/api/users?role=seller&sellerCategory=wholesaler&isActive=true";
    let json = app.get(path, token).await;
    assert_eq!(json.status, 200, "{}", json.text);
    assert_eq!(json.body["users"][0]["user"]["id"], json!(seller.id));
    assert_eq!(json.body["users"][0]["isActive"], json!(true));
}

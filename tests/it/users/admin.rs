//! Administrators and the accounts of others: seeing, opening, changing them.

use reqwest::Method;
use serde_json::json;
use souk::pb::souk::users::v1::user::{Role, SellerCategory};
use souk::pb::souk::users::v1::{
    Account, CreateUserRequest, DeactivateUserRequest, DeleteMeRequest, GetUserRequest,
    ListUsersRequest, UpdateUserRequest,
};
use tonic::{Code, Status};

use super::me;
use crate::support::clients::{is_replayed, statements};
use crate::support::{Client, TestApp, keyed, reason};

async fn get(admin: &Client, id: &str) -> Result<Account, Status> {
    let request = GetUserRequest { id: id.into() };
    let answer = admin.users().get_user(request).await?.into_inner();
    Ok(answer.account.unwrap())
}

async fn create(admin: &Client, new: CreateUserRequest) -> Result<Account, Status> {
    let answer = admin.users().create_user(new).await?.into_inner();
    Ok(answer.account.unwrap())
}

async fn update(admin: &Client, changes: UpdateUserRequest) -> Result<Account, Status> {
    let answer = admin.users().update_user(changes).await?.into_inner();
    Ok(answer.account.unwrap())
}

fn with_phone(phone: &str) -> CreateUserRequest {
    CreateUserRequest {
        phone: Some(phone.into()),
        ..Default::default()
    }
}

fn with_email(email: &str) -> CreateUserRequest {
    CreateUserRequest {
        email: Some(email.into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_account_is_seen_until_it_is_closed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let account = get(&admin, &client.user_id).await.unwrap();
    assert!(account.is_active && account.phone_verified);
    assert_eq!(account.user.unwrap().id, client.user_id);
    client.users().delete_me(DeleteMeRequest {}).await.unwrap();
    for id in [&client.user_id, "usr_01h2xcejqtf2nbrexx3vqjhp41"] {
        let gone = get(&admin, id).await.unwrap_err();
        assert_eq!(
            (gone.code(), &*reason(&gone)),
            (Code::NotFound, "NOT_FOUND")
        );
    }
}

#[tokio::test]
async fn only_administrators_reach_the_accounts_of_others() {
    let app = TestApp::start().await;
    let (client, other) = (app.customer().await, app.customer().await);
    let id = &other.user_id;
    let calls = [
        (Method::GET, "/api/users".to_owned(), None),
        (Method::GET, format!("/api/users/{id}"), None),
        (
            Method::POST,
            "/api/users".to_owned(),
            Some(json!({"phone": "0550000300"})),
        ),
        (
            Method::PATCH,
            format!("/api/users/{id}"),
            Some(json!({"name": "X"})),
        ),
        (Method::DELETE, format!("/api/users/{id}"), None),
        (
            Method::POST,
            format!("/api/users/{id}/deactivate"),
            Some(json!({})),
        ),
        (
            Method::POST,
            format!("/api/users/{id}/activate"),
            Some(json!({})),
        ),
        (
            Method::PUT,
            format!("/api/admin/users/{id}/role"),
            Some(json!({"role": "ADMIN"})),
        ),
        (
            Method::PUT,
            format!("/api/admin/users/{id}/seller-category"),
            Some(json!({"sellerCategory": "GROSSISTE"})),
        ),
        (
            Method::PUT,
            format!("/api/admin/users/{id}/verify"),
            Some(json!({})),
        ),
    ];
    let before = app.rows().await;
    for (method, path, body) in calls {
        let token = client.token.as_deref();
        let refused = app
            .http(method.clone(), &path, token, &[], body.clone())
            .await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text);
        assert_eq!(refused.body["code"], json!("FORBIDDEN"), "{path}");
        let stranger = app.http(method, &path, None, &[], body).await;
        assert_eq!(stranger.status, 401, "{path}: {}", stranger.text);
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn an_account_is_opened_for_somebody_who_then_signs_in() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let texts = app.sms.sent().len();
    let new = json!({
        "phone": "05 50 00 04 00", "email": "Lina@Example.dz", "name": "Lina",
        "role": "freelancer", "wilaya": "31",
    });
    let made = app.post("/api/users", admin.token.as_deref(), new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let account = &made.body["account"];
    assert_eq!(account["phoneVerified"], json!(false));
    assert_eq!(account["isActive"], json!(true));
    let user = &account["user"];
    assert_eq!(user["phone"], json!("+213550000400"));
    assert_eq!(user["email"], json!("lina@example.dz"));
    assert_eq!(user["emailVerified"], json!(false));
    assert_eq!(
        (&user["role"], &user["wilaya"]),
        (&json!("FREELANCER"), &json!("Oran"))
    );
    app.run_jobs().await;
    assert_eq!((app.sms.sent().len(), app.mail.sent().len()), (texts, 0));

    // Whoever signs in with the phone has proven it.
    let lina = app.sign_in("0550000400").await;
    assert_eq!(json!(lina.user_id), user["id"]);
    assert_eq!(me(&lina).await.unwrap().role(), Role::Freelancer);
    let account = get(&admin, &lina.user_id).await.unwrap();
    assert!(account.phone_verified);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_account_needs_a_contact_that_nobody_has() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    create(&admin, with_phone("0550000500")).await.unwrap();
    create(&admin, with_email("amina@example.dz"))
        .await
        .unwrap();
    let before = app.rows().await;
    let tier_of_none = CreateUserRequest {
        seller_category: SellerCategory::Grossiste.into(),
        ..with_phone("0550000501")
    };
    let nowhere = CreateUserRequest {
        wilaya: Some("Atlantis".into()),
        ..with_phone("0550000501")
    };
    let both = CreateUserRequest {
        phone: Some("0550000501".into()),
        ..with_email("AMINA@example.dz")
    };
    for (new, code, why) in [
        (
            with_phone("+213550000500"),
            Code::AlreadyExists,
            "PHONE_TAKEN",
        ),
        (both, Code::AlreadyExists, "EMAIL_TAKEN"),
        (with_phone("12"), Code::InvalidArgument, "INVALID_PHONE"),
        (nowhere, Code::InvalidArgument, "UNKNOWN_WILAYA"),
        (tier_of_none, Code::InvalidArgument, "VALIDATION_ERROR"),
        (
            CreateUserRequest::default(),
            Code::InvalidArgument,
            "VALIDATION_ERROR",
        ),
    ] {
        let refused = create(&admin, new.clone()).await.unwrap_err();
        assert_eq!((refused.code(), &*reason(&refused)), (code, why), "{new:?}");
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn the_same_key_opens_one_account() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let new = with_phone("0550000600");
    let mut users = admin.users();
    let first = users.create_user(keyed("k", new.clone())).await.unwrap();
    let again = users.create_user(keyed("k", new)).await.unwrap();
    assert!(is_replayed(&again));
    assert_eq!(first.into_inner(), again.into_inner());
    assert_eq!(app.number("SELECT count(*) FROM users").await, 2);
}

#[tokio::test]
async fn of_two_accounts_that_want_a_phone_at_once_one_gets_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let [one, other] = tokio::join!(
        create(&admin, with_phone("0550000700")),
        create(&admin, with_phone("+213550000700")),
    )
    .into();
    let (good, bad): (Vec<_>, Vec<_>) = [one, other].into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (1, 1));
    let refused = bad.into_iter().next().unwrap().unwrap_err();
    assert_eq!(reason(&refused), "PHONE_TAKEN");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_changed_account_keeps_its_sessions_and_proves_its_contacts_anew() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    me(&client).await.unwrap();
    let changes = UpdateUserRequest {
        id: client.user_id.clone(),
        phone: Some("0550 00 08 00".into()),
        email: Some("Yacine@Example.dz".into()),
        name: Some("Yacine".into()),
        bio: Some("Sells honey".into()),
        ..Default::default()
    };
    let account = update(&admin, changes).await.unwrap();
    assert!(!account.phone_verified);
    let user = account.user.unwrap();
    assert_eq!(user.phone.as_deref(), Some("+213550000800"));
    assert_eq!(user.email.as_deref(), Some("yacine@example.dz"));
    assert_eq!(user.email_verified, Some(false));
    // The session lives on, and tells the change at once.
    assert_eq!(me(&client).await.unwrap(), user);
    let clear = json!({"bio": ""});
    let path = format!("/api/users/{}", client.user_id);
    let cleared = app
        .http(Method::PUT, &path, admin.token.as_deref(), &[], Some(clear))
        .await;
    assert_eq!(cleared.status, 200, "{}", cleared.text);
    let after = me(&client).await.unwrap();
    assert_eq!((after.bio, after.name), (None, Some("Yacine".to_owned())));
    // The old phone is free for somebody else.
    let newcomer = app.sign_in(&client.phone).await;
    assert_ne!(newcomer.user_id, client.user_id);
    app.assert_sound().await;
}

#[tokio::test]
async fn an_account_takes_no_contact_of_another() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let (amina, yacine) = (app.customer().await, app.customer().await);
    let named = UpdateUserRequest {
        id: amina.user_id.clone(),
        email: Some("amina@example.dz".into()),
        ..Default::default()
    };
    update(&admin, named).await.unwrap();
    let before = app.rows().await;
    let change = |changes: UpdateUserRequest| UpdateUserRequest {
        id: yacine.user_id.clone(),
        name: Some("Not written".into()),
        ..changes
    };
    let phone = |text: &str| {
        change(UpdateUserRequest {
            phone: Some(text.into()),
            ..Default::default()
        })
    };
    let email = change(UpdateUserRequest {
        email: Some("AMINA@example.dz".into()),
        ..Default::default()
    });
    let missing = UpdateUserRequest {
        id: "usr_01h2xcejqtf2nbrexx3vqjhp41".into(),
        ..change(UpdateUserRequest::default())
    };
    for (changes, code, why) in [
        (phone(&amina.phone), Code::AlreadyExists, "PHONE_TAKEN"),
        (email, Code::AlreadyExists, "EMAIL_TAKEN"),
        (phone("12"), Code::InvalidArgument, "INVALID_PHONE"),
        (missing, Code::NotFound, "NOT_FOUND"),
    ] {
        let refused = update(&admin, changes.clone()).await.unwrap_err();
        assert_eq!(
            (refused.code(), &*reason(&refused)),
            (code, why),
            "{changes:?}"
        );
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn roles_states_and_proofs_cannot_be_written_past_their_methods() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let before = app.rows().await;
    let path = format!("/api/users/{}", client.user_id);
    for body in [
        json!({"role": "ADMIN"}),
        json!({"isActive": false}),
        json!({"phoneVerified": false}),
        json!({"emailVerified": true}),
        json!({"sellerCategory": "GROSSISTE"}),
        json!({"isVerified": true}),
    ] {
        let token = admin.token.as_deref();
        let refused = app.http(Method::PATCH, &path, token, &[], Some(body)).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn administration_costs_few_statements() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    me(&admin).await.unwrap();
    let mut users = admin.users();
    let listed = users.list_users(ListUsersRequest::default()).await.unwrap();
    assert_eq!(statements(&listed), 1);
    // Insert, audit, event; the key's claim and its answer.
    let made = users
        .create_user(keyed("k", with_phone("0550000900")))
        .await;
    assert_eq!(statements(&made.unwrap()), 5);
    let id = app.customer().await.user_id;
    let changes = UpdateUserRequest {
        id: id.clone(),
        name: Some("Amina".into()),
        ..Default::default()
    };
    // Lock, write, audit, event.
    let changed = users.update_user(changes).await.unwrap();
    assert_eq!(statements(&changed), 4);
    // Lock, sessions, tokens, write, audit, both events at once.
    let off = users.deactivate_user(DeactivateUserRequest { id }).await;
    assert_eq!(statements(&off.unwrap()), 6);
}

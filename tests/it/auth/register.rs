use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use souk::pb::souk::auth::v1::RegisterRequest;
use souk::pb::souk::ops::v1::ListAuditLogRequest;
use souk::pb::souk::stores::v1::CreateStoreRequest;
use souk::pb::souk::users::v1::user::Role;
use souk::pb::souk::users::v1::{DeleteMeRequest, GetMeRequest};
use tonic::Code;
use tonic_types::StatusExt;

use super::sign_in;
use crate::support::accounts::{PASSWORD, registration};
use crate::support::clients::statements;
use crate::support::{TestApp, reason};

const EMAIL: &str = "user@example.com";
const TOKEN: &str = "b7a3c1d9e5f24680b7a3c1d9e5f24680";
const ACCOUNTS: &str = "SELECT count(*) FROM users";

fn admin(email: &str, token: Option<&str>) -> RegisterRequest {
    RegisterRequest {
        role: Role::Admin.into(),
        bootstrap_token: token.map(str::to_owned),
        ..registration(email)
    }
}

#[tokio::test]
async fn the_documented_examples_open_accounts() {
    let app = TestApp::with(&[("ALLOW_ADMIN_SIGNUP", "true")]).await;
    let body = json!({"email": EMAIL, "password": "password1234X", "role": "user"});
    let user = app.post("/auth/register", None, body).await;
    assert_eq!(user.status, 201, "{}", user.text);
    assert_eq!(user.body["success"], true);
    assert!(user.body["id"].as_str().unwrap().starts_with("usr_"));
    assert_eq!(user.body["email"], EMAIL);
    assert_eq!(user.body["role"], "CUSTOMER");

    let body = json!({"email": "admin@example.com", "password": "Password123!", "role": "admin"});
    let boss = app.post("/auth/register", None, body).await;
    assert_eq!(
        (boss.status.as_u16(), &boss.body["role"]),
        (201, &json!("ADMIN"))
    );

    let body = json!({
        "email": "ahmed@example.com", "password": "SecurePass123!",
        "firstName": "Ahmed", "lastName": "Benali", "phone": "+213555123456",
    });
    let ahmed = app.post("/api/auth/register", None, body).await;
    assert_eq!(ahmed.status, 201, "{}", ahmed.text);
    let shown = &ahmed.body["user"];
    assert_eq!(shown["name"], "Ahmed Benali");
    assert_eq!(
        (&shown["firstName"], &shown["lastName"]),
        (&json!("Ahmed"), &json!("Benali"))
    );
    assert_eq!(shown["phone"], "+213555123456");
    assert_eq!(shown["emailVerified"], false);
    let tokens = &ahmed.body["tokens"];
    assert!(tokens["refreshToken"].as_str().unwrap().len() > 20);
    assert_eq!(tokens["expires_in"], 900);
    let me = app.get("/user/me", tokens["accessToken"].as_str()).await;
    assert_eq!(
        (me.status.as_u16(), &me.body["user"]["id"]),
        (200, &ahmed.body["id"])
    );
    app.assert_sound().await;
}

#[tokio::test]
async fn an_address_in_any_case_belongs_to_one_account() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let first = guest
        .register(registration("Amina@Example.DZ"))
        .await
        .unwrap();
    assert_eq!(first.email, "amina@example.dz");
    let before = app.rows().await;
    for email in ["amina@example.dz", "AMINA@example.dz"] {
        let refused = guest.register(registration(email)).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
        assert_eq!(reason(&refused), "EMAIL_TAKEN");
    }
    assert_eq!(app.rows().await, before);
    let json = json!({"email": "amina@example.dz", "password": PASSWORD});
    let answer = app.post("/auth/register", None, json).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (409, &json!("EMAIL_TAKEN"))
    );
}

#[tokio::test]
async fn of_many_who_register_one_address_at_once_one_gets_it() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let calls = (0..8).map(|_| guest.register(registration(EMAIL)));
    let answers = join_all(calls).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    for answer in refused {
        assert_eq!(reason(&answer.unwrap_err()), "EMAIL_TAKEN");
    }
    assert_eq!(app.number(ACCOUNTS).await, 1);
    assert_eq!(app.number("SELECT count(*) FROM credentials").await, 1);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_closed_accounts_address_is_free_and_its_password_is_gone() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    app.run_jobs().await;
    client.users().delete_me(DeleteMeRequest {}).await.unwrap();
    for table in ["credentials", "mail_links"] {
        assert_eq!(
            app.number(&format!("SELECT count(*) FROM {table}")).await,
            0,
            "{table}"
        );
    }
    let guest = app.guest().await;
    let refused = guest.login(EMAIL, PASSWORD).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_CREDENTIALS");
    let again = app.registered(EMAIL).await;
    assert_ne!(again.user_id, client.user_id);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_weak_password_is_refused_by_name_and_opens_nothing() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let amina = "amina.benali@example.dz";
    for password in [
        "short",
        "password",
        "12345678",
        "qwertyuiop",
        amina,
        "Amina.Benali",
    ] {
        let request = RegisterRequest {
            password: password.into(),
            ..registration(amina)
        };
        let refused = guest.register(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{password}");
        assert_eq!(reason(&refused), "VALIDATION_ERROR", "{password}");
        let field = &refused.get_details_bad_request().unwrap().field_violations[0];
        assert_eq!(field.field, "password");
    }
    // 65 characters, but 130 bytes.
    let request = RegisterRequest {
        password: "é".repeat(65),
        ..registration(amina)
    };
    let refused = guest.register(request).await.unwrap_err();
    assert_eq!(reason(&refused), "VALIDATION_ERROR");
    let field = &refused.get_details_bad_request().unwrap().field_violations[0];
    assert_eq!(field.field, "password");
    assert_eq!(app.number(ACCOUNTS).await, 0);
}

#[tokio::test]
async fn a_phone_that_an_account_has_is_refused() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let owner = app.customer().await;
    let with_phone = |email: &str, phone: &str| RegisterRequest {
        phone: Some(phone.into()),
        ..registration(email)
    };
    let refused = guest
        .register(with_phone(EMAIL, &owner.phone))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(reason(&refused), "PHONE_TAKEN");
    let refused = guest.register(with_phone(EMAIL, "12")).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_PHONE");
    assert_eq!(app.number(ACCOUNTS).await, 1);
    guest
        .register(with_phone(EMAIL, "0555123456"))
        .await
        .unwrap();
    let refused = guest
        .register(with_phone("b@example.com", "+213555123456"))
        .await;
    assert_eq!(reason(&refused.unwrap_err()), "PHONE_TAKEN");
}

#[tokio::test]
async fn who_proves_a_phone_gets_it_from_an_account_that_only_named_it() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let squatter = RegisterRequest {
        phone: Some("0555000777".into()),
        ..registration("squatter@example.com")
    };
    let squatter = guest.register(squatter).await.unwrap();

    let owner = sign_in(&guest, "0555000777").await.user.unwrap();
    assert_ne!(owner.id, squatter.id);
    assert_eq!(
        (owner.email.as_deref(), owner.role()),
        (None, Role::Customer)
    );
    let there = guest.login("squatter@example.com", PASSWORD).await.unwrap();
    let there = there.user.unwrap();
    assert_eq!((there.id, there.phone), (squatter.id, None));
    // From now on the phone leads to its owner.
    let again = sign_in(&guest, "0555000777").await.user.unwrap();
    assert_eq!(again.id, owner.id);
    assert_eq!(app.number(ACCOUNTS).await, 2);
    assert_eq!(app.sms.sent().len(), 0, "no message goes out but by jobs");
    app.assert_sound().await;
}

#[tokio::test]
async fn an_administrator_is_made_by_an_administrator_alone() {
    let app = TestApp::with(&[
        ("ADMIN_BOOTSTRAP_TOKEN", TOKEN),
        ("SESSION_POLICY", "multi"),
    ])
    .await;
    let guest = app.guest().await;
    let customer = app.customer().await;
    for (who, token) in [(&guest, None), (&guest, Some("wrong")), (&customer, None)] {
        let refused = who
            .register(admin("boss@example.com", token))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(reason(&refused), "ROLE_NOT_ALLOWED");
    }
    assert_eq!(app.number(ACCOUNTS).await, 1);

    let first = guest
        .register(admin("boss@example.com", Some(TOKEN)))
        .await
        .unwrap();
    assert_eq!(first.role(), Role::Admin);
    // The token has done its work.
    let refused = guest
        .register(admin("b@example.com", Some(TOKEN)))
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "ROLE_NOT_ALLOWED");

    let boss = guest.with_token(&first.tokens.unwrap().access_token);
    let second = boss
        .register(admin("second@example.com", None))
        .await
        .unwrap();
    assert_eq!(second.role(), Role::Admin);
    // The answer signs the new account in, and the caller stays who he was.
    let second_client = guest.with_token(&second.tokens.unwrap().access_token);
    let me = second_client.users().get_me(GetMeRequest {}).await.unwrap();
    assert_eq!(me.into_inner().user.unwrap().id, second.id);
    boss.users().get_me(GetMeRequest {}).await.unwrap();

    // What the administrator did is written down, once and without the password.
    let mut ops = boss.ops();
    let log = ops.list_audit_log(ListAuditLogRequest::default()).await;
    let entries = log.unwrap().into_inner().entries;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].actor_id, first.id);
    assert_eq!(entries[0].method, "AuthService/Register");
    assert!(entries[0].request.contains("second@example.com"));
    let password = admin("second@example.com", None).password;
    assert!(!entries[0].request.contains(&password));
}

#[tokio::test]
async fn without_a_bootstrap_token_in_the_settings_none_works() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    for token in [None, Some(""), Some(TOKEN)] {
        let refused = guest.register(admin(EMAIL, token)).await.unwrap_err();
        assert_eq!(reason(&refused), "ROLE_NOT_ALLOWED");
    }
    assert_eq!(app.number(ACCOUNTS).await, 0);
}

#[tokio::test]
async fn of_many_with_the_bootstrap_token_at_once_one_becomes_administrator() {
    let app = Arc::new(TestApp::with(&[("ADMIN_BOOTSTRAP_TOKEN", TOKEN)]).await);
    let guest = app.guest().await;
    let calls = (0..8).map(|n| {
        let guest = guest.clone();
        async move {
            guest
                .register(admin(&format!("boss{n}@example.com"), Some(TOKEN)))
                .await
        }
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let admins = "SELECT count(*) FROM users WHERE role = 'ADMIN'";
    assert_eq!(
        (app.number(admins).await, app.number(ACCOUNTS).await),
        (1, 1)
    );
}

#[tokio::test]
async fn a_new_account_may_choose_any_other_role() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let request = RegisterRequest {
        role: Role::StoreOwner.into(),
        ..registration(EMAIL)
    };
    let seller = guest.register(request).await.unwrap();
    assert_eq!(seller.role(), Role::StoreOwner);
    let client = guest.with_token(&seller.tokens.unwrap().access_token);
    let store = CreateStoreRequest::default();
    // Signed in: what is refused is the empty request.
    let refused = client.stores().create_store(store).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn the_database_holds_no_password() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    app.run_jobs().await;
    app.advance(Duration::from_secs(1));
    for (table, rows) in app.rows().await {
        for row in rows {
            assert!(!row.contains(PASSWORD), "{table}: {row}");
        }
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn registering_stays_within_its_statements() {
    let app = TestApp::start().await;
    let request = RegisterRequest {
        phone: Some("0555123456".into()),
        ..registration(EMAIL)
    };
    let done = app.guest().await.auth().register(request).await.unwrap();
    assert!(statements(&done) <= 12, "{}", statements(&done));
}

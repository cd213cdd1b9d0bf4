use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use souk::db::is_check_violation;
use souk::pb::souk::auth::v1::LoginRequest;
use souk::pb::souk::users::v1::GetMeRequest;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{PHONE, WRONG, request, sign_in, verify};
use crate::support::accounts::{PASSWORD, registration};
use crate::support::app::CODE;
use crate::support::clients::statements;
use crate::support::{TestApp, reason};

const EMAIL: &str = "user@example.com";
const FAILURES: &str = "SELECT count(*) FROM sign_in_failures";
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// A login from another address: the proxy in front tells it.
const PROXY: (&str, &str) = ("TRUST_PROXY", "127.0.0.0/8");

async fn login_from(app: &TestApp, ip: &str, email: &str, password: &str) -> (u16, String) {
    let body = json!({"email": email, "password": password});
    let from = [("x-forwarded-for", ip)];
    let answer = app
        .http(
            reqwest::Method::POST,
            "/api/auth/login",
            None,
            &from,
            Some(body),
        )
        .await;
    let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

fn wait(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().unwrap().retry_delay
}

#[tokio::test]
async fn the_documented_examples_sign_in() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    app.registered(EMAIL).await;
    for path in ["/auth/login", "/api/auth/login"] {
        let body = json!({"email": "User@Example.com", "password": PASSWORD});
        let answer = app.post(path, None, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["success"], true);
        assert_eq!(answer.body["user"]["email"], EMAIL);
        let tokens = &answer.body["tokens"];
        assert_eq!(answer.body["token"], tokens["accessToken"]);
        assert!(tokens["refreshToken"].is_string());
        assert_eq!(tokens["expires_in"], 900);
        let me = app.get("/user/me", answer.body["token"].as_str()).await;
        assert_eq!(me.status, 200);
    }
}

#[tokio::test]
async fn a_sign_in_ends_the_one_before() {
    let app = TestApp::start().await;
    let first = app.registered(EMAIL).await;
    app.guest().await.login(EMAIL, PASSWORD).await.unwrap();
    let refused = first.users().get_me(GetMeRequest {}).await.unwrap_err();
    assert_eq!(reason(&refused), "SESSION_REVOKED");
    app.assert_sound().await;
}

#[tokio::test]
async fn no_answer_tells_which_of_the_two_was_wrong() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    // An account without a password is as unknown as none.
    let phone = app.customer().await;
    let update = souk::pb::souk::users::v1::UpdateMeRequest {
        email: Some("phone@example.com".into()),
        ..Default::default()
    };
    phone.users().update_me(update).await.unwrap();
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.com", "phone@example.com"] {
        let body = json!({"email": email, "password": "WrongPass123!"});
        let mut answer = app.post("/auth/login", None, body).await;
        answer.body["requestId"] = json!("…");
        answers.push((answer.status, answer.body));
    }
    assert_eq!(answers[0].0, 401);
    assert_eq!(answers[0].1["code"], "INVALID_CREDENTIALS");
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    // Each left the same trace.
    assert_eq!(app.number(FAILURES).await, 3);
}

#[tokio::test]
async fn an_inactive_account_is_told_only_to_who_knows_the_password() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let id: souk::kernel::id::UserId = client.user_id.parse().unwrap();
    let switch_off = "UPDATE users SET is_active = FALSE WHERE id = $1";
    app.execute(switch_off, [id.uuid().into()]).await;
    let guest = app.guest().await;
    let wrong = guest.login(EMAIL, "WrongPass123!").await.unwrap_err();
    assert_eq!(reason(&wrong), "INVALID_CREDENTIALS");
    let right = guest.login(EMAIL, PASSWORD).await.unwrap_err();
    assert_eq!(right.code(), Code::PermissionDenied);
    assert_eq!(reason(&right), "ACCOUNT_INACTIVE");
    // The right password was no failure.
    assert_eq!(app.number(FAILURES).await, 0);
}

#[tokio::test]
async fn the_eleventh_failure_in_a_quarter_of_an_hour_is_not_even_looked_at() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    let guest = app.guest().await;
    for email in [EMAIL, "nobody@example.com"] {
        for _ in 0..10 {
            let refused = guest.login(email, "WrongPass123!").await.unwrap_err();
            assert_eq!(reason(&refused), "INVALID_CREDENTIALS");
        }
        app.advance(Duration::from_secs(60));
        let before = app.rows().await;
        for password in ["WrongPass123!", PASSWORD] {
            let refused = guest.login(email, password).await.unwrap_err();
            assert_eq!(refused.code(), Code::ResourceExhausted);
            assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
            assert_eq!(wait(&refused), Some(QUARTER - Duration::from_secs(60)));
        }
        assert_eq!(app.rows().await, before);
    }
    let body = json!({"email": EMAIL, "password": PASSWORD});
    let json = app.post("/auth/login", None, body).await;
    assert_eq!(json.status, 429);
    assert_eq!(json.headers["retry-after"], "780");
    app.advance(QUARTER);
    guest.login(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn of_fifty_wrong_passwords_at_once_ten_are_tried() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    let guest = app.guest().await;
    let guesses = join_all((0..50).map(|_| guest.login(EMAIL, "WrongPass123!"))).await;
    let mut tried = 0;
    for guess in guesses {
        match reason(&guess.unwrap_err()).as_str() {
            "INVALID_CREDENTIALS" => tried += 1,
            other => assert_eq!(other, "RATE_LIMIT_EXCEEDED"),
        }
    }
    assert_eq!(tried, 10);
    assert_eq!(app.number(FAILURES).await, 10);
    let right = guest.login(EMAIL, PASSWORD).await.unwrap_err();
    assert_eq!(reason(&right), "RATE_LIMIT_EXCEEDED");
}

#[tokio::test]
async fn fifty_right_passwords_at_once_all_sign_in() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    app.registered(EMAIL).await;
    let guest = app.guest().await;
    let logins = join_all((0..50).map(|_| guest.login(EMAIL, PASSWORD))).await;
    for login in logins {
        login.unwrap();
    }
    assert_eq!(app.number(FAILURES).await, 0);
    assert_eq!(app.number("SELECT count(*) FROM sessions").await, 51);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_success_takes_back_the_failures_of_its_own_account_and_address() {
    let app = TestApp::with(&[PROXY]).await;
    app.registered(EMAIL).await;
    for _ in 0..9 {
        login_from(&app, "203.0.113.7", EMAIL, "WrongPass123!").await;
    }
    login_from(&app, "198.51.100.4", EMAIL, "WrongPass123!").await;
    login_from(&app, "203.0.113.7", "nobody@example.com", "WrongPass123!").await;
    let right = login_from(&app, "203.0.113.7", EMAIL, PASSWORD).await;
    assert_eq!(right.0, 200);
    // What another address did, and what was tried on another account, still counts.
    assert_eq!(app.number(FAILURES).await, 2);
}

#[tokio::test]
async fn one_network_address_has_a_hundred_failures_whatever_the_account() {
    let app = TestApp::with(&[PROXY]).await;
    app.registered(EMAIL).await;
    failures(&app, 100, |n| {
        (
            format!("user{n}@example.com"),
            "2001:db8:1:2::/64".to_owned(),
        )
    })
    .await;
    // The whole network is one address.
    let refused = login_from(&app, "2001:db8:1:2:3:4:5:6", EMAIL, PASSWORD).await;
    assert_eq!(refused, (429, "RATE_LIMIT_EXCEEDED".to_owned()));
    let neighbour = login_from(&app, "2001:db8:1:3::1", EMAIL, PASSWORD).await;
    assert_eq!(neighbour.0, 200);
    app.advance(QUARTER);
    assert_eq!(
        login_from(&app, "2001:db8:1:2::1", EMAIL, PASSWORD).await.0,
        200
    );
}

/// Failures as a hundred calls would leave them, without the time that these take: the
/// account's hash is taken from a real failure.
async fn failures(app: &TestApp, count: u8, of: impl Fn(u8) -> (String, String)) {
    for n in 0..count {
        let (email, source) = of(n);
        let mut account = [n; 32];
        if email == EMAIL {
            let sql = "SELECT account FROM sign_in_failures ORDER BY failed_at LIMIT 1";
            let row = sea_orm::ConnectionTrait::query_one_raw(
                app.db.read(),
                app.db.dialect().statement(sql, []),
            )
            .await;
            let bytes: Vec<u8> = row.unwrap().unwrap().try_get("", "account").unwrap();
            account = bytes.try_into().unwrap();
        }
        let sql = "INSERT INTO sign_in_failures (id, account, source, pending, failed_at) \
                   VALUES ($1, $2, $3, FALSE, $4)";
        let id = uuid::Uuid::from_bytes(souk::kernel::random::bytes());
        let values = [
            id.into(),
            account.to_vec().into(),
            source.into(),
            app.clock.now().micros().into(),
        ];
        app.execute(sql, values).await;
    }
}

#[tokio::test]
async fn a_hundred_failures_from_anywhere_lock_the_password_for_a_day() {
    let app = TestApp::with(&[PROXY]).await;
    app.registered(EMAIL).await;
    login_from(&app, "198.51.100.1", EMAIL, "WrongPass123!").await;
    failures(&app, 98, |n| (EMAIL.to_owned(), format!("203.0.113.{n}"))).await;
    // The ninety-ninth failure does not lock yet.
    let last = login_from(&app, "198.51.100.2", EMAIL, "WrongPass123!").await;
    assert_eq!(last.1, "INVALID_CREDENTIALS");
    let locked = login_from(&app, "198.51.100.9", EMAIL, PASSWORD).await;
    assert_eq!(locked, (429, "RATE_LIMIT_EXCEEDED".to_owned()));
    app.advance(Duration::from_secs(23 * 60 * 60));
    assert_eq!(
        login_from(&app, "198.51.100.9", EMAIL, PASSWORD).await.0,
        429
    );

    // A link by mail lets the owner back in.
    let forgot = json!({"email": EMAIL});
    assert_eq!(
        app.post("/api/auth/password/forgot", None, forgot)
            .await
            .status,
        200
    );
    let token = app.mailed_token("reset-password").await;
    let reset = json!({"token": token, "newPassword": "rain on the tin roof"});
    assert_eq!(
        app.post("/api/auth/password/reset", None, reset)
            .await
            .status,
        200
    );
    let back = login_from(&app, "198.51.100.9", EMAIL, "rain on the tin roof").await;
    assert_eq!(back.0, 200);
}

#[tokio::test]
async fn failures_are_kept_without_names_and_swept_after_a_day() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    guest
        .login("secretive@example.com", "WrongPass123!")
        .await
        .unwrap_err();
    for (table, rows) in app.rows().await {
        for row in rows {
            assert!(!row.contains("secretive"), "{table}: {row}");
        }
    }
    app.advance(Duration::from_secs(24 * 60 * 60 + 1));
    app.run_jobs().await;
    assert_eq!(app.number(FAILURES).await, 0);
}

#[tokio::test]
async fn a_hash_of_bcrypt_works_and_is_replaced_by_the_first_sign_in() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    let client = app.registered(EMAIL).await;
    let id: souk::kernel::id::UserId = client.user_id.parse().unwrap();
    let hash = bcrypt::hash(PASSWORD, 4).unwrap();
    let sql = "UPDATE credentials SET password_hash = $2 WHERE user_id = $1";
    app.execute(sql, [id.uuid().into(), hash.into()]).await;
    app.assert_sound().await;
    let guest = app.guest().await;
    let wrong = guest.login(EMAIL, "WrongPass123!").await.unwrap_err();
    assert_eq!(reason(&wrong), "INVALID_CREDENTIALS");
    let old = "SELECT count(*) FROM credentials WHERE password_hash LIKE '$2b$%'";
    assert_eq!(app.number(old).await, 1);
    guest.login(EMAIL, PASSWORD).await.unwrap();
    let new = "SELECT count(*) FROM credentials WHERE password_hash LIKE '$argon2id$%'";
    assert_eq!((app.number(old).await, app.number(new).await), (0, 1));
    guest.login(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn the_database_takes_no_password_for_a_hash() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let id: souk::kernel::id::UserId = client.user_id.parse().unwrap();
    let (db, raw) = (&app.db, PASSWORD.to_owned());
    let sql = "UPDATE credentials SET password_hash = $2 WHERE user_id = $1";
    let statement = db.dialect().statement(sql, [id.uuid().into(), raw.into()]);
    let outcome = db
        .transact(|tx| {
            let statement = statement.clone();
            async move {
                sea_orm::ConnectionTrait::execute_raw(tx.conn(), statement).await?;
                Ok(())
            }
        })
        .await;
    let refused = outcome.unwrap_err();
    let cause = std::error::Error::source(&refused).unwrap();
    let cause = cause.downcast_ref::<sea_orm::DbErr>().unwrap();
    assert!(is_check_violation(cause), "{refused:?}");
}

#[tokio::test]
async fn a_hundred_wrong_codes_lock_a_phone_for_a_day() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    // Twenty codes of five tries each, slowly enough for the limits of sending.
    for _ in 0..20 {
        request(&guest, PHONE).await.unwrap();
        for _ in 0..5 {
            let wrong = verify(&guest, PHONE, WRONG).await.unwrap_err();
            assert_eq!(reason(&wrong), "OTP_INVALID_OR_EXPIRED");
        }
        app.advance(Duration::from_secs(6 * 60 + 1));
    }
    request(&guest, PHONE).await.unwrap();
    let right = verify(&guest, PHONE, CODE).await.unwrap_err();
    assert_eq!(right.code(), Code::ResourceExhausted);
    assert_eq!(reason(&right), "OTP_RATE_LIMITED");
    assert_eq!(app.number("SELECT count(*) FROM users").await, 0);
    // Nothing was spent, and another phone is free.
    let tries = "SELECT CAST(attempts AS BIGINT) FROM otp_challenges";
    assert_eq!(app.number(tries).await, 0);
    sign_in(&guest, "0661234567").await;

    app.advance(wait(&right).unwrap());
    sign_in(&guest, PHONE).await;
}

#[tokio::test]
async fn wrong_codes_and_wrong_passwords_are_counted_apart() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    request(&guest, PHONE).await.unwrap();
    verify(&guest, PHONE, WRONG).await.unwrap_err();
    let codes = "SELECT count(*) FROM sign_in_failures WHERE source = 'otp'";
    assert_eq!(
        (app.number(codes).await, app.number(FAILURES).await),
        (1, 1)
    );
    guest.login(EMAIL, "WrongPass123!").await.unwrap_err();
    assert_eq!(
        (app.number(codes).await, app.number(FAILURES).await),
        (1, 2)
    );
}

#[tokio::test]
async fn signing_in_stays_within_its_statements() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    guest.register(registration(EMAIL)).await.unwrap();
    let request = LoginRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        device: None,
    };
    let done = guest.auth().login(request).await.unwrap();
    assert!(statements(&done) <= 15, "{}", statements(&done));
}

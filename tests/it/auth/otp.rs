use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use souk::pb::souk::auth::v1::VerifyOtpRequest;
use souk::pb::souk::users::v1::user::Role;
use tonic::Code;
use tonic_types::StatusExt;

use super::{PHONE, WRONG, attempt, request, sign_in, verify};
use crate::support::app::CODE;
use crate::support::clients::statements;
use crate::support::{TestApp, reason};

#[tokio::test]
async fn one_phone_in_many_spellings_is_one_account() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let first = sign_in(&guest, "0555000777").await.user.unwrap();
    let second = sign_in(&guest, "+213 555 00 07 77").await.user.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(second.phone.as_deref(), Some("+213555000777"));
    assert_eq!(app.number("SELECT count(*) FROM users").await, 1);
}

#[tokio::test]
async fn a_number_that_is_none_is_refused_by_both_calls() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let asked = request(&guest, "123").await.unwrap_err();
    let verified = verify(&guest, "123", CODE).await.unwrap_err();
    for refused in [asked, verified] {
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(reason(&refused), "INVALID_PHONE");
    }
    let json = app.post("/otp/send", None, json!({"phone": "123"})).await;
    assert_eq!(json.status, 400);
    assert_eq!(json.body["message"], "Invalid phone number");
}

#[tokio::test]
async fn no_answer_tells_whether_a_phone_is_known() {
    let app = TestApp::start().await;
    sign_in(&app.guest().await, PHONE).await;
    let mut answers = Vec::new();
    for phone in [PHONE, "0661234567"] {
        let sent = app.post("/otp/send", None, json!({"phone": phone})).await;
        let wrong = json!({"phone": phone, "otp": WRONG});
        let mut refused = app.post("/otp/verify", None, wrong).await;
        refused.body["requestId"] = json!("…");
        answers.push((sent.status, sent.text, refused.status, refused.body));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].2, 400);
    assert_eq!(answers[0].3["code"], "OTP_INVALID_OR_EXPIRED");
}

#[tokio::test]
async fn a_password_works_once_and_for_two_minutes() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    sign_in(&guest, PHONE).await;
    let again = verify(&guest, PHONE, CODE).await.unwrap_err();
    assert_eq!(reason(&again), "OTP_INVALID_OR_EXPIRED");

    request(&guest, PHONE).await.unwrap();
    app.advance(Duration::from_secs(119));
    assert!(verify(&guest, PHONE, CODE).await.is_ok());

    request(&guest, PHONE).await.unwrap();
    app.advance(Duration::from_secs(120));
    let late = verify(&guest, PHONE, CODE).await.unwrap_err();
    assert_eq!(late.message(), again.message());
    assert_eq!(reason(&late), "OTP_INVALID_OR_EXPIRED");
}

#[tokio::test]
async fn the_sixth_guess_fails_even_when_it_is_right() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    request(&guest, PHONE).await.unwrap();
    for _ in 0..5 {
        let wrong = verify(&guest, PHONE, WRONG).await.unwrap_err();
        assert_eq!(reason(&wrong), "OTP_INVALID_OR_EXPIRED");
    }
    let right = verify(&guest, PHONE, CODE).await.unwrap_err();
    assert_eq!(reason(&right), "OTP_INVALID_OR_EXPIRED");
    assert_eq!(app.number("SELECT count(*) FROM users").await, 0);
    // A new password brings new tries.
    sign_in(&guest, PHONE).await;
}

#[tokio::test]
async fn a_hundred_guesses_at_once_share_five_tries() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    request(&guest, PHONE).await.unwrap();
    let guesses = join_all((0..100).map(|_| verify(&guest, PHONE, WRONG))).await;
    for guess in guesses {
        assert_eq!(reason(&guess.unwrap_err()), "OTP_INVALID_OR_EXPIRED");
    }
    let tries = "SELECT CAST(attempts AS BIGINT) FROM otp_challenges";
    assert_eq!(app.number(tries).await, 5);
    let right = verify(&guest, PHONE, CODE).await.unwrap_err();
    assert_eq!(reason(&right), "OTP_INVALID_OR_EXPIRED");
    app.assert_sound().await;
}

#[tokio::test]
async fn the_sixth_send_within_a_minute_must_wait() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    for _ in 0..5 {
        request(&guest, PHONE).await.unwrap();
    }
    let refused = request(&guest, PHONE).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "OTP_RATE_LIMITED");
    let wait = refused.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(wait, Some(Duration::from_secs(60)));
    let json = app.post("/otp/send", None, json!({"phone": PHONE})).await;
    assert_eq!(json.status, 429);
    assert_eq!(json.headers["retry-after"], "60");
    assert_eq!(json.body["code"], "OTP_RATE_LIMITED");
    assert_eq!(app.number("SELECT count(*) FROM otp_sends").await, 5);

    app.advance(Duration::from_secs(60));
    request(&guest, PHONE).await.unwrap();
}

#[tokio::test]
async fn of_many_wishes_at_once_only_five_are_sent() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let wishes = join_all((0..30).map(|_| request(&guest, PHONE))).await;
    assert_eq!(wishes.iter().filter(|wish| wish.is_ok()).count(), 5);
    assert_eq!(app.number("SELECT count(*) FROM otp_sends").await, 5);
    assert_eq!(
        app.number("SELECT count(*) FROM jobs WHERE kind = 'auth.send-otp'")
            .await,
        5
    );
}

#[tokio::test]
async fn a_new_account_may_choose_any_role_but_administrator() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let with_role = |role: Role| VerifyOtpRequest {
        role: role.into(),
        ..attempt(PHONE, CODE)
    };
    request(&guest, PHONE).await.unwrap();
    let refused = guest.auth().verify_otp(with_role(Role::Admin)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(reason(&refused), "ROLE_NOT_ALLOWED");
    assert_eq!(app.number("SELECT count(*) FROM users").await, 0);

    let mut auth = guest.auth();
    let courier = auth.verify_otp(with_role(Role::DeliveryPartner)).await;
    let courier = courier.unwrap().into_inner().user.unwrap();
    assert_eq!(courier.role(), Role::DeliveryPartner);
    // The role is for new accounts: this one keeps its own.
    request(&guest, PHONE).await.unwrap();
    let same = guest.auth().verify_otp(with_role(Role::Customer)).await;
    let same = same.unwrap().into_inner().user.unwrap();
    assert_eq!(same.role(), Role::DeliveryPartner);
}

#[tokio::test]
async fn nothing_in_the_database_gives_a_password_away() {
    let app = TestApp::start().await;
    request(&app.guest().await, PHONE).await.unwrap();
    for (table, rows) in app.rows().await {
        for row in rows {
            assert!(!row.contains(CODE), "{table}: {row}");
        }
    }
}

#[tokio::test]
async fn signing_in_stays_within_its_statements() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    sign_in(&guest, PHONE).await;
    let message = souk::pb::souk::auth::v1::RequestOtpRequest {
        phone: PHONE.into(),
    };
    let sent = guest.auth().request_otp(message).await.unwrap();
    assert!(statements(&sent) <= 6, "{}", statements(&sent));
    let verified = guest.auth().verify_otp(attempt(PHONE, CODE)).await.unwrap();
    assert!(statements(&verified) <= 9, "{}", statements(&verified));
}

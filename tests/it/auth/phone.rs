//! A new phone for an account.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use souk::pb::souk::auth::v1::{ConfirmPhoneChangeRequest, RequestPhoneChangeRequest};
use souk::pb::souk::users::v1::{GetMeRequest, User};
use tonic::{Code, Status};

use super::{PHONE, WRONG, request, sign_in, verify};
use crate::support::app::CODE;
use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason};

const NEW: &str = "0555000999";
const NEW_E164: &str = "+213555000999";

fn wish(phone: &str) -> RequestPhoneChangeRequest {
    RequestPhoneChangeRequest {
        phone: phone.into(),
    }
}

fn proof(phone: &str, otp: &str) -> ConfirmPhoneChangeRequest {
    ConfirmPhoneChangeRequest {
        phone: phone.into(),
        otp: otp.into(),
    }
}

async fn ask(client: &Client, phone: &str) -> Result<(), Status> {
    client
        .auth()
        .request_phone_change(wish(phone))
        .await
        .map(drop)
}

async fn confirm(client: &Client, phone: &str, otp: &str) -> Result<User, Status> {
    let answer = client.auth().confirm_phone_change(proof(phone, otp)).await;
    Ok(answer?.into_inner().user.unwrap())
}

async fn me(client: &Client) -> Result<User, Status> {
    let answer = client.users().get_me(GetMeRequest {}).await?;
    Ok(answer.into_inner().user.unwrap())
}

/// Makes the phone of an account one that it only named, as signing up by e-mail does.
async fn only_named(app: &TestApp, client: &Client, email: Option<&str>) {
    let id = client.user_id.parse::<souk::kernel::id::UserId>().unwrap();
    let sql = "UPDATE users SET phone_verified = FALSE, email = $2 WHERE id = $1";
    let email = email.map(str::to_owned);
    app.execute(sql, [id.uuid().into(), email.into()]).await;
}

#[tokio::test]
async fn a_proven_phone_takes_the_place_of_the_old_one() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    let tablet = app.sign_in(PHONE).await;
    let client = app.sign_in(PHONE).await;
    ask(&client, NEW).await.unwrap();
    app.run_jobs().await;
    let (to, text) = app.sms.sent().pop().unwrap();
    assert_eq!(to.as_str(), NEW_E164);
    assert!(text.starts_with(CODE) && text.contains("make this number yours"));
    assert_eq!(
        me(&client).await.unwrap().phone.as_deref(),
        Some("+213555000777")
    );

    let changed = confirm(&client, NEW, CODE).await.unwrap();
    assert_eq!(changed.phone.as_deref(), Some(NEW_E164));
    assert_eq!(changed.id, client.user_id);
    // This session goes on, the others have ended.
    assert_eq!(me(&client).await.unwrap().phone, changed.phone);
    assert_eq!(reason(&me(&tablet).await.unwrap_err()), "SESSION_REVOKED");
    let told = "SELECT count(*) FROM events WHERE kind = 'user.changed'";
    assert_eq!(app.number(told).await, 1);
    // The new phone signs in to the account, the old one is free for another.
    let guest = app.guest().await;
    let same = sign_in(&guest, "+213 555 00 09 99").await.user.unwrap();
    let other = sign_in(&guest, PHONE).await.user.unwrap();
    assert_eq!(same.id, client.user_id);
    assert_ne!(other.id, client.user_id);
    app.assert_sound().await;
}

#[tokio::test]
async fn json_answers_as_grpc_does() {
    let app = TestApp::start().await;
    let client = app.sign_in(PHONE).await;
    let token = client.token.as_deref();
    let sent = app
        .post("/api/auth/phone/change", token, json!({"phone": NEW}))
        .await;
    assert_eq!(sent.status, 200);
    assert_eq!(
        sent.body,
        json!({"success": true, "message": "OTP sent successfully", "ttl": 120})
    );
    let wrong = json!({"phone": NEW, "otp": WRONG});
    let wrong = app.post("/api/auth/phone/confirm", token, wrong).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.body["code"], "OTP_INVALID_OR_EXPIRED");
    let right = json!({"phone": NEW, "otp": CODE});
    let right = app.post("/api/auth/phone/confirm", token, right).await;
    assert_eq!(right.status, 200);
    assert_eq!(right.body["user"]["phone"], NEW_E164);
}

#[tokio::test]
async fn a_password_that_one_user_asked_for_proves_nothing_for_another() {
    let app = TestApp::start().await;
    let (amina, yacine) = (app.customer().await, app.customer().await);
    ask(&amina, NEW).await.unwrap();
    // The same digits, by the fixed password of tests: only the user differs.
    for _ in 0..6 {
        let refused = confirm(&yacine, NEW, CODE).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(reason(&refused), "OTP_INVALID_OR_EXPIRED");
    }
    let tries =
        "SELECT CAST(attempts AS BIGINT) FROM otp_challenges WHERE purpose = 'CHANGE_PHONE'";
    assert_eq!(app.number(tries).await, 0);
    assert!(confirm(&amina, NEW, CODE).await.is_ok());
    assert_ne!(me(&yacine).await.unwrap().phone.as_deref(), Some(NEW_E164));
}

#[tokio::test]
async fn a_password_serves_the_purpose_that_it_was_sent_for() {
    let app = TestApp::start().await;
    let (client, guest) = (app.customer().await, app.guest().await);
    request(&guest, NEW).await.unwrap();
    let refused = confirm(&client, NEW, CODE).await.unwrap_err();
    assert_eq!(reason(&refused), "OTP_INVALID_OR_EXPIRED");
    let other = "0555000998";
    ask(&client, other).await.unwrap();
    let refused = verify(&guest, other, CODE).await.unwrap_err();
    assert_eq!(reason(&refused), "OTP_INVALID_OR_EXPIRED");
    assert_eq!(app.number("SELECT count(*) FROM users").await, 1);
    // And for the phone that it was sent to.
    let refused = confirm(&client, NEW, CODE).await.unwrap_err();
    assert_eq!(reason(&refused), "OTP_INVALID_OR_EXPIRED");
}

#[tokio::test]
async fn a_phone_that_somebody_has_proven_stays_theirs_and_only_its_holder_learns_it() {
    let app = TestApp::start().await;
    let (owner, client) = (app.sign_in(NEW).await, app.sign_in(PHONE).await);
    let mut answers = Vec::new();
    for phone in [NEW, "0555000998"] {
        let token = client.token.as_deref();
        let sent = app
            .post("/api/auth/phone/change", token, json!({"phone": phone}))
            .await;
        let wrong = json!({"phone": phone, "otp": WRONG});
        let mut wrong = app.post("/api/auth/phone/confirm", token, wrong).await;
        wrong.body["requestId"] = json!("…");
        answers.push((sent.status, sent.text, wrong.status, wrong.body));
    }
    assert_eq!(answers[0], answers[1]);
    let users = app.rows().await.remove("users");
    let refused = confirm(&client, NEW, CODE).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    assert_eq!(reason(&refused), "PHONE_TAKEN");
    assert_eq!(app.rows().await.remove("users"), users);
    assert!(me(&owner).await.is_ok() && me(&client).await.is_ok());
    app.assert_sound().await;
}

#[tokio::test]
async fn a_phone_that_another_account_only_names_goes_to_who_proves_it() {
    let app = TestApp::start().await;
    let (named, client) = (app.sign_in(NEW).await, app.sign_in(PHONE).await);
    only_named(&app, &named, Some("named@example.dz")).await;
    ask(&client, NEW).await.unwrap();
    let changed = confirm(&client, NEW, CODE).await.unwrap();
    assert_eq!(changed.phone.as_deref(), Some(NEW_E164));
    assert_eq!(me(&named).await.unwrap().phone, None);
    let told = "SELECT count(DISTINCT aggregate) FROM events WHERE kind = 'user.changed'";
    assert_eq!(app.number(told).await, 2);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_phone_is_not_taken_from_an_account_that_has_nothing_else() {
    let app = TestApp::start().await;
    let (named, client) = (app.sign_in(NEW).await, app.sign_in(PHONE).await);
    only_named(&app, &named, None).await;
    ask(&client, NEW).await.unwrap();
    let refused = confirm(&client, NEW, CODE).await.unwrap_err();
    assert_eq!(reason(&refused), "PHONE_TAKEN");
    assert_eq!(me(&named).await.unwrap().phone.as_deref(), Some(NEW_E164));
}

#[tokio::test]
async fn who_only_named_a_phone_proves_it_the_same_way() {
    let app = TestApp::start().await;
    let client = app.sign_in(PHONE).await;
    only_named(&app, &client, Some("amina@example.dz")).await;
    ask(&client, PHONE).await.unwrap();
    confirm(&client, PHONE, CODE).await.unwrap();
    let proven = "SELECT count(*) FROM users WHERE phone_verified";
    assert_eq!(app.number(proven).await, 1);
    // A second proof of the same changes nothing and is no error.
    ask(&client, PHONE).await.unwrap();
    assert!(confirm(&client, PHONE, CODE).await.is_ok());
    let told = "SELECT count(*) FROM events WHERE kind = 'user.changed'";
    assert_eq!(app.number(told).await, 1);
}

#[tokio::test]
async fn a_hundred_guesses_at_once_have_five_tries_together() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    ask(&client, NEW).await.unwrap();
    let guesses = join_all((0..100).map(|_| confirm(&client, NEW, WRONG))).await;
    for guess in guesses {
        assert_eq!(reason(&guess.unwrap_err()), "OTP_INVALID_OR_EXPIRED");
    }
    let right = confirm(&client, NEW, CODE).await.unwrap_err();
    assert_eq!(reason(&right), "OTP_INVALID_OR_EXPIRED");
    let tries =
        "SELECT CAST(attempts AS BIGINT) FROM otp_challenges WHERE purpose = 'CHANGE_PHONE'";
    assert_eq!(app.number(tries).await, 5);
    // A new password brings new tries.
    ask(&client, NEW).await.unwrap();
    assert!(confirm(&client, NEW, CODE).await.is_ok());
}

#[tokio::test]
async fn the_right_password_works_once_and_for_two_minutes() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    ask(&client, NEW).await.unwrap();
    let all = join_all((0..20).map(|_| confirm(&client, NEW, CODE))).await;
    assert_eq!(all.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let other = "0555000998";
    ask(&client, other).await.unwrap();
    app.advance(Duration::from_secs(120));
    let late = confirm(&client, other, CODE).await.unwrap_err();
    assert_eq!(reason(&late), "OTP_INVALID_OR_EXPIRED");
    assert_eq!(me(&client).await.unwrap().phone.as_deref(), Some(NEW_E164));
}

#[tokio::test]
async fn changes_and_sign_ins_share_the_limits_of_sending() {
    let app = TestApp::with(&[("SMS_DAILY_LIMIT", "6")]).await;
    let (client, guest) = (app.sign_in(PHONE).await, app.guest().await);
    for _ in 0..2 {
        ask(&client, NEW).await.unwrap();
        request(&guest, NEW).await.unwrap();
    }
    ask(&client, NEW).await.unwrap();
    let of_phone = [ask(&client, NEW).await, request(&guest, NEW).await];
    // One message brought the client in, five went to the new phone: the day is over.
    let of_day = [ask(&client, "0555000998").await];
    for refused in of_phone.into_iter().chain(of_day) {
        assert_eq!(reason(&refused.unwrap_err()), "OTP_RATE_LIMITED");
    }
    assert_eq!(app.number("SELECT sent FROM sms_days").await, 6);
}

#[tokio::test]
async fn two_who_trade_phones_at_once_end_with_one_phone_each() {
    let app = TestApp::start().await;
    let (amina, yacine) = (app.sign_in(PHONE).await, app.sign_in(NEW).await);
    ask(&amina, NEW).await.unwrap();
    ask(&yacine, PHONE).await.unwrap();
    let both = tokio::join!(confirm(&amina, NEW, CODE), confirm(&yacine, PHONE, CODE));
    for outcome in [both.0, both.1] {
        assert_eq!(reason(&outcome.unwrap_err()), "PHONE_TAKEN");
    }
    let phones = "SELECT count(DISTINCT phone) FROM users";
    assert_eq!(app.number(phones).await, 2);
    app.assert_sound().await;
}

#[tokio::test]
async fn what_is_no_number_and_who_is_nobody_are_refused() {
    let app = TestApp::start().await;
    let (client, guest) = (app.customer().await, app.guest().await);
    assert_eq!(
        reason(&ask(&client, "123").await.unwrap_err()),
        "INVALID_PHONE"
    );
    let confirmed = confirm(&client, "123", CODE).await.unwrap_err();
    assert_eq!(reason(&confirmed), "INVALID_PHONE");
    assert_eq!(
        reason(&ask(&guest, NEW).await.unwrap_err()),
        "TOKEN_MISSING"
    );
    let confirmed = confirm(&guest, NEW, CODE).await.unwrap_err();
    assert_eq!(confirmed.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_change_stays_within_its_statements() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    me(&client).await.unwrap();
    let sent = client.auth().request_phone_change(wish(NEW)).await.unwrap();
    assert!(statements(&sent) <= 6, "{}", statements(&sent));
    let changed = client.auth().confirm_phone_change(proof(NEW, CODE)).await;
    let changed = statements(&changed.unwrap());
    assert!(changed <= 7, "{changed}");
}

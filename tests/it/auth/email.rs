use std::time::Duration;

use serde_json::json;
use souk::pb::souk::auth::v1::{RequestEmailVerificationRequest, VerifyEmailRequest};
use souk::pb::souk::users::v1::{GetMeRequest, UpdateMeRequest};
use tonic::{Code, Status};

use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason};

const EMAIL: &str = "user@example.com";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn ask(client: &Client) -> Result<(), Status> {
    let request = RequestEmailVerificationRequest {};
    client
        .auth()
        .request_email_verification(request)
        .await
        .map(drop)
}

async fn prove(client: &Client, token: &str) -> Result<String, Status> {
    let request = VerifyEmailRequest {
        token: token.into(),
    };
    Ok(client
        .auth()
        .verify_email(request)
        .await?
        .into_inner()
        .email)
}

async fn is_proven(client: &Client) -> Option<bool> {
    let me = client.users().get_me(GetMeRequest {}).await.unwrap();
    me.into_inner().user.unwrap().email_verified
}

async fn move_to(client: &Client, email: &str) {
    let moved = UpdateMeRequest {
        email: Some(email.into()),
        ..Default::default()
    };
    client.users().update_me(moved).await.unwrap();
}

#[tokio::test]
async fn the_first_mail_welcomes_and_proves_the_address() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    assert_eq!(is_proven(&client).await, Some(false));
    let token = app.mailed_token("verify-email").await;
    let letter = app.mail.sent().pop().unwrap();
    assert_eq!(
        (letter.to.as_str(), letter.subject.as_str()),
        (EMAIL, "Welcome to souk")
    );
    // Whoever opens the mail need not be signed in.
    let body = json!({"token": token});
    let answer = app.post("/api/auth/email/verify", None, body).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["email"]),
        (200, &json!(EMAIL))
    );
    assert_eq!(is_proven(&client).await, Some(true));
    // A repeat gets the same answer and changes nothing.
    let before = app.rows().await;
    assert_eq!(prove(&app.guest().await, &token).await.unwrap(), EMAIL);
    assert_eq!(app.rows().await, before);
    let refused = ask(&client).await.unwrap_err();
    assert_eq!(reason(&refused), "NOTHING_TO_VERIFY");
    app.assert_sound().await;
}

#[tokio::test]
async fn an_address_is_proven_on_request_and_within_a_day() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let refused = ask(&client).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "NOTHING_TO_VERIFY");
    move_to(&client, EMAIL).await;
    ask(&client).await.unwrap();
    let late = app.mailed_token("verify-email").await;
    app.advance(DAY);
    let client = app.sign_in(&client.phone).await;
    let refused = prove(&client, &late).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
    assert_eq!(is_proven(&client).await, Some(false));
    ask(&client).await.unwrap();
    let token = app.mailed_token("verify-email").await;
    assert_eq!(prove(&client, &token).await.unwrap(), EMAIL);
    assert_eq!(is_proven(&client).await, Some(true));
}

#[tokio::test]
async fn a_link_proves_only_the_address_that_it_went_to() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let token = app.mailed_token("verify-email").await;
    move_to(&client, "other@example.com").await;
    let refused = prove(&client, &token).await.unwrap_err();
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
    assert_eq!(is_proven(&client).await, Some(false));
    // Who has the address now is another account; the link is not for that one either.
    let other = app.registered(EMAIL).await;
    let refused = prove(&other, &token).await.unwrap_err();
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
    assert_eq!(is_proven(&other).await, Some(false));
}

#[tokio::test]
async fn a_mail_is_not_sent_to_an_address_that_was_left_meanwhile() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    move_to(&client, "other@example.com").await;
    app.run_jobs().await;
    assert!(app.mail.sent().is_empty());
}

#[tokio::test]
async fn a_deactivated_account_proves_nothing() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let token = app.mailed_token("verify-email").await;
    let id: souk::kernel::id::UserId = client.user_id.parse().unwrap();
    let switch_off = "UPDATE users SET is_active = FALSE WHERE id = $1";
    app.execute(switch_off, [id.uuid().into()]).await;
    let refused = prove(&app.guest().await, &token).await.unwrap_err();
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
}

#[tokio::test]
async fn the_fourth_mail_of_an_hour_must_wait() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    // The welcome was the first.
    ask(&client).await.unwrap();
    ask(&client).await.unwrap();
    let refused = ask(&client).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    app.run_jobs().await;
    assert_eq!(app.mail.sent().len(), 3);
}

#[tokio::test]
async fn proofs_stay_within_their_statements() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let asked = client.auth();
    let asked = { asked }
        .request_email_verification(RequestEmailVerificationRequest {})
        .await;
    let asked = asked.unwrap();
    assert!(statements(&asked) <= 8, "{}", statements(&asked));
    let request = VerifyEmailRequest {
        token: app.mailed_token("verify-email").await,
    };
    let proven = app
        .guest()
        .await
        .auth()
        .verify_email(request)
        .await
        .unwrap();
    assert!(statements(&proven) <= 5, "{}", statements(&proven));
}

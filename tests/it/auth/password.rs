use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use souk::pb::souk::auth::v1::{
    ChangePasswordRequest, RequestPasswordResetRequest, ResetPasswordRequest,
};
use souk::pb::souk::users::v1::{GetMeRequest, UpdateMeRequest};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::accounts::PASSWORD;
use crate::support::clients::statements;
use crate::support::{Client, TestApp, reason};

const EMAIL: &str = "user@example.com";
const NEW: &str = "rain on the tin roof";
const LINKS: &str = "SELECT count(*) FROM mail_links";

async fn change(client: &Client, current: Option<&str>, new: &str) -> Result<i32, Status> {
    let request = ChangePasswordRequest {
        current_password: current.map(str::to_owned),
        new_password: new.into(),
    };
    let answer = client.auth().change_password(request).await?;
    Ok(answer.into_inner().ended)
}

async fn forget(client: &Client, email: &str) -> Result<String, Status> {
    let request = RequestPasswordResetRequest {
        email: email.into(),
    };
    let answer = client.auth().request_password_reset(request).await?;
    Ok(answer.into_inner().message)
}

async fn reset(client: &Client, token: &str, new: &str) -> Result<i32, Status> {
    let request = ResetPasswordRequest {
        token: token.into(),
        new_password: new.into(),
    };
    let answer = client.auth().reset_password(request).await?;
    Ok(answer.into_inner().ended)
}

async fn me(client: &Client) -> Result<souk::pb::souk::users::v1::User, Status> {
    let answer = client.users().get_me(GetMeRequest {}).await?;
    Ok(answer.into_inner().user.unwrap())
}

#[tokio::test]
async fn a_change_ends_the_other_sessions_and_keeps_its_own() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    let own = app.registered(EMAIL).await;
    let guest = app.guest().await;
    let other = guest.login(EMAIL, PASSWORD).await.unwrap();
    let other = guest.with_token(&other.token);
    me(&other).await.unwrap();

    assert_eq!(change(&own, Some(PASSWORD), NEW).await.unwrap(), 1);
    me(&own).await.unwrap();
    assert_eq!(reason(&me(&other).await.unwrap_err()), "SESSION_REVOKED");
    let old = guest.login(EMAIL, PASSWORD).await.unwrap_err();
    assert_eq!(reason(&old), "INVALID_CREDENTIALS");
    guest.login(EMAIL, NEW).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn a_change_needs_the_current_password_and_counts_wrong_ones() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    for current in [None, Some("")] {
        let refused = change(&client, current, NEW).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert_eq!(reason(&refused), "INVALID_CREDENTIALS");
    }
    for _ in 0..10 {
        let refused = change(&client, Some("WrongPass123!"), NEW)
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "INVALID_CREDENTIALS");
    }
    let refused = change(&client, Some(PASSWORD), NEW).await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    // Login shares the count, and the password is the same.
    let guest = app.guest().await;
    let refused = guest.login(EMAIL, PASSWORD).await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    app.advance(Duration::from_secs(15 * 60));
    guest.login(EMAIL, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn the_first_password_needs_none_before_it() {
    let app = TestApp::start().await;
    let client = app.customer().await;
    let update = UpdateMeRequest {
        email: Some(EMAIL.into()),
        ..Default::default()
    };
    client.users().update_me(update).await.unwrap();
    let refused = change(&client, Some("AnyPass123!"), NEW).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_CREDENTIALS");
    assert_eq!(change(&client, None, NEW).await.unwrap(), 0);
    app.guest().await.login(EMAIL, NEW).await.unwrap();
}

#[tokio::test]
async fn a_weak_new_password_is_refused_and_the_old_one_stays() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    forget(&client, EMAIL).await.unwrap();
    let token = app.mailed_token("reset-password").await;
    for weak in ["password", "12345678", EMAIL] {
        let changed = change(&client, Some(PASSWORD), weak).await.unwrap_err();
        let reset = reset(&client, &token, weak).await.unwrap_err();
        for refused in [changed, reset] {
            assert_eq!(reason(&refused), "VALIDATION_ERROR", "{weak}");
            let field = &refused.get_details_bad_request().unwrap().field_violations[0];
            assert_eq!(field.field, "newPassword");
        }
    }
    app.guest().await.login(EMAIL, PASSWORD).await.unwrap();
    // The link was not spent on refusals.
    reset(&app.guest().await, &token, NEW).await.unwrap();
}

#[tokio::test]
async fn of_two_changes_at_once_one_finds_the_password_changed() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let outcomes =
        join_all([NEW, "snow on the slate roof"].map(|new| change(&client, Some(PASSWORD), new)))
            .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = outcomes.into_iter().find_map(Result::err).unwrap();
    assert_eq!(reason(&refused), "INVALID_CREDENTIALS");
    app.assert_sound().await;
}

#[tokio::test]
async fn a_link_by_mail_sets_a_password_once_and_ends_every_session() {
    let app = TestApp::with(&[("SESSION_POLICY", "multi")]).await;
    let first = app.registered(EMAIL).await;
    let guest = app.guest().await;
    let second = guest.login(EMAIL, PASSWORD).await.unwrap();
    forget(&guest, "User@Example.com").await.unwrap();
    let token = app.mailed_token("reset-password").await;
    let letter = app.mail.sent().pop().unwrap();
    assert_eq!(letter.to, EMAIL);

    assert_eq!(reset(&guest, &token, NEW).await.unwrap(), 2);
    for old in [first, guest.with_token(&second.token)] {
        assert_eq!(reason(&me(&old).await.unwrap_err()), "SESSION_REVOKED");
    }
    let refused = guest.login(EMAIL, PASSWORD).await.unwrap_err();
    assert_eq!(reason(&refused), "INVALID_CREDENTIALS");
    let user = guest.login(EMAIL, NEW).await.unwrap().user.unwrap();
    assert_eq!(user.email_verified, Some(true));

    let again = reset(&guest, &token, "another roof of tin")
        .await
        .unwrap_err();
    assert_eq!(again.code(), Code::InvalidArgument);
    assert_eq!(reason(&again), "LINK_INVALID_OR_EXPIRED");
    guest.login(EMAIL, NEW).await.unwrap();
    app.assert_sound().await;
}

#[tokio::test]
async fn of_many_resets_with_one_link_at_once_one_counts() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    let guest = app.guest().await;
    forget(&guest, EMAIL).await.unwrap();
    let token = &app.mailed_token("reset-password").await;
    let calls = (0..6).map(|n| {
        let guest = guest.clone();
        async move { reset(&guest, token, &format!("{NEW} {n}")).await }
    });
    let outcomes = join_all(calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn no_answer_and_no_row_tells_whether_an_address_is_known() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    app.run_jobs().await;
    let before = app.mail.sent().len();
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        let body = json!({"email": email});
        let answer = app.post("/api/auth/password/forgot", None, body).await;
        let cost = answer.headers["x-db-statements"].clone();
        answers.push((answer.status.as_u16(), answer.text, cost));
    }
    assert_eq!(answers[0].0, 200);
    assert_eq!(answers[0], answers[1]);
    app.run_jobs().await;
    let sent = app.mail.sent();
    assert_eq!(sent.len(), before + 1);
    assert_eq!(sent.last().unwrap().to, EMAIL);
    // No address stays behind that has no account.
    for (table, rows) in app.rows().await {
        for row in rows {
            assert!(!row.contains("nobody@example.com"), "{table}: {row}");
        }
    }
    app.assert_sound().await;
}

#[tokio::test]
async fn a_link_works_for_an_hour() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    let guest = app.guest().await;
    forget(&guest, EMAIL).await.unwrap();
    let token = app.mailed_token("reset-password").await;
    app.advance(Duration::from_secs(60 * 60));
    let late = reset(&guest, &token, NEW).await.unwrap_err();
    assert_eq!(reason(&late), "LINK_INVALID_OR_EXPIRED");
    guest.login(EMAIL, PASSWORD).await.unwrap();

    // A mail that could not be sent in time is not sent at all.
    let before = app.mail.sent().len();
    forget(&guest, EMAIL).await.unwrap();
    app.advance(Duration::from_secs(60 * 60));
    app.run_jobs().await;
    assert_eq!(app.mail.sent().len(), before);
}

#[tokio::test]
async fn a_link_is_void_when_the_account_has_another_address_or_password() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let guest = app.guest().await;
    forget(&guest, EMAIL).await.unwrap();
    let token = app.mailed_token("reset-password").await;
    let moved = UpdateMeRequest {
        email: Some("new@example.com".into()),
        ..Default::default()
    };
    client.users().update_me(moved).await.unwrap();
    let refused = reset(&guest, &token, NEW).await.unwrap_err();
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");

    forget(&guest, "new@example.com").await.unwrap();
    let token = app.mailed_token("reset-password").await;
    change(&client, Some(PASSWORD), NEW).await.unwrap();
    let refused = reset(&guest, &token, "another roof of tin")
        .await
        .unwrap_err();
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
    guest.login("new@example.com", NEW).await.unwrap();
}

#[tokio::test]
async fn a_link_of_one_purpose_opens_nothing_else() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    let guest = app.guest().await;
    let proof = app.mailed_token("verify-email").await;
    let refused = reset(&guest, &proof, NEW).await.unwrap_err();
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
    for wrong in ["wrong", "", &"A".repeat(43)] {
        let refused = reset(&guest, wrong, NEW).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{wrong}");
    }
}

#[tokio::test]
async fn an_inactive_account_gets_no_link_and_its_links_are_void() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let guest = app.guest().await;
    forget(&guest, EMAIL).await.unwrap();
    let token = app.mailed_token("reset-password").await;
    let id: souk::kernel::id::UserId = client.user_id.parse().unwrap();
    let switch_off = "UPDATE users SET is_active = FALSE WHERE id = $1";
    app.execute(switch_off, [id.uuid().into()]).await;
    let refused = reset(&guest, &token, NEW).await.unwrap_err();
    assert_eq!(reason(&refused), "LINK_INVALID_OR_EXPIRED");
    let before = app.mail.sent().len();
    forget(&guest, EMAIL).await.unwrap();
    app.run_jobs().await;
    assert_eq!(app.mail.sent().len(), before);
}

#[tokio::test]
async fn the_fourth_mail_of_an_hour_must_wait_also_when_all_come_at_once() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let wishes = join_all((0..10).map(|_| forget(&guest, "nobody@example.com"))).await;
    assert_eq!(wishes.iter().filter(|wish| wish.is_ok()).count(), 3);
    for refused in wishes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
        let wait = refused.get_details_retry_info().unwrap().retry_delay;
        assert_eq!(wait, Some(Duration::from_secs(60 * 60)));
    }
    assert_eq!(app.number(LINKS).await, 3);
    app.advance(Duration::from_secs(60 * 60));
    forget(&guest, "nobody@example.com").await.unwrap();
}

#[tokio::test]
async fn one_network_address_may_ask_for_twenty_mails_in_an_hour() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    for n in 0..20 {
        forget(&guest, &format!("user{n}@example.com"))
            .await
            .unwrap();
    }
    let refused = forget(&guest, "one.more@example.com").await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
    // An account is opened all the same, without its mail.
    app.registered(EMAIL).await;
    assert_eq!(app.number(LINKS).await, 20);
}

#[tokio::test]
async fn neither_rows_nor_jobs_give_a_token_away() {
    let app = TestApp::start().await;
    app.registered(EMAIL).await;
    forget(&app.guest().await, EMAIL).await.unwrap();
    let token = app.mailed_token("reset-password").await;
    for (table, rows) in app.rows().await {
        for row in rows {
            assert!(!row.contains(&token), "{table}: {row}");
        }
    }
}

#[tokio::test]
async fn links_that_nobody_used_are_swept() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    forget(&guest, "nobody@example.com").await.unwrap();
    app.run_jobs().await;
    app.advance(Duration::from_secs(2 * 60 * 60 + 1));
    app.run_jobs().await;
    assert_eq!(app.number(LINKS).await, 0);
}

#[tokio::test]
async fn changes_and_resets_stay_within_their_statements() {
    let app = TestApp::start().await;
    let client = app.registered(EMAIL).await;
    let request = ChangePasswordRequest {
        current_password: Some(PASSWORD.into()),
        new_password: NEW.into(),
    };
    let changed = client.auth().change_password(request).await.unwrap();
    assert!(statements(&changed) <= 15, "{}", statements(&changed));
    let request = RequestPasswordResetRequest {
        email: EMAIL.into(),
    };
    let asked = client.auth().request_password_reset(request).await.unwrap();
    assert!(statements(&asked) <= 5, "{}", statements(&asked));
    let request = ResetPasswordRequest {
        token: app.mailed_token("reset-password").await,
        new_password: PASSWORD.into(),
    };
    let done = app
        .guest()
        .await
        .auth()
        .reset_password(request)
        .await
        .unwrap();
    assert!(statements(&done) <= 11, "{}", statements(&done));
}

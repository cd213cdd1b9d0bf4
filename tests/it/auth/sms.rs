//! One-time passwords by a provider, seen from both ends.

use std::collections::BTreeMap;
use std::time::Duration;

use souk::clients::http::Limits;
use souk::config::Config;
use souk::kernel::Clock;
use souk::pb::souk::ops::v1::job::State;
use souk::pb::souk::ops::v1::{Job, ListJobsRequest, RetryJobRequest};

use super::{PHONE, request, sign_in, verify};
use crate::support::app::CODE;
use crate::support::twilio::{AUTH_TOKEN, FROM, FakeTwilio, Reply};
use crate::support::{Client, TestApp};

const JOB: &str = "auth.send-otp";

/// A server whose messages go to Twilio's stand-in.
async fn app(twilio: &FakeTwilio) -> TestApp {
    TestApp::adjusted(&twilio.settings(), |overrides| {
        overrides.sms = None;
        overrides.http = Limits {
            total: Duration::from_millis(700),
            ..Limits::default()
        };
    })
    .await
}

async fn jobs(admin: &Client, state: State) -> Vec<Job> {
    let request = ListJobsRequest {
        state: state.into(),
        kind: JOB.into(),
        ..Default::default()
    };
    let listed = admin.ops().list_jobs(request).await.unwrap();
    listed.into_inner().jobs
}

/// Runs jobs, which must not hang whatever the other side does.
async fn run_jobs(app: &TestApp) {
    let run = tokio::time::timeout(Duration::from_secs(8), app.run_jobs());
    run.await.expect("no answer holds the jobs up");
}

#[tokio::test]
async fn a_password_travels_through_twilio() {
    let twilio = FakeTwilio::start().await;
    let app = app(&twilio).await;
    let guest = app.guest().await;
    request(&guest, PHONE).await.unwrap();
    assert_eq!(twilio.calls(), 0);
    run_jobs(&app).await;
    let texts = twilio.texts();
    assert_eq!(texts.len(), 1);
    assert_eq!(texts[0]["To"], "+213555000777");
    assert_eq!(texts[0]["From"], FROM);
    assert!(texts[0]["Body"].starts_with(&format!("{CODE} is your souk code")));
    assert!(verify(&guest, PHONE, CODE).await.is_ok());
    assert!(app.mail.sent().is_empty());
    let rows = app.rows().await;
    let leaks = |row: &String| row.contains(AUTH_TOKEN);
    assert!(!rows.values().flatten().any(leaks));
}

#[tokio::test]
async fn a_messaging_service_takes_the_place_of_the_number() {
    let twilio = FakeTwilio::start().await;
    let mut settings = twilio.settings();
    settings[3] = ("TWILIO_MESSAGING_SERVICE_SID", "MG0123");
    let app = TestApp::adjusted(&settings, |overrides| overrides.sms = None).await;
    request(&app.guest().await, PHONE).await.unwrap();
    run_jobs(&app).await;
    let texts = twilio.texts();
    assert_eq!(texts[0]["MessagingServiceSid"], "MG0123");
    assert!(!texts[0].contains_key("From"));
}

#[tokio::test]
async fn what_twilio_refuses_for_good_is_parked_for_operators_to_see() {
    for (code, word) in [
        (21211, "INVALID_PHONE"),
        (21610, "BLOCKED"),
        (21408, "BLOCKED"),
    ] {
        let twilio = FakeTwilio::start().await;
        let app = app(&twilio).await;
        let admin = app.admin().await;
        app.run_jobs().await;
        let before = twilio.calls();
        request(&app.guest().await, PHONE).await.unwrap();
        twilio.will([Reply::Refused(code)]);
        run_jobs(&app).await;
        let dead = jobs(&admin, State::Dead).await;
        assert_eq!(dead.len(), 1, "{code}");
        assert_eq!(dead[0].attempts, 1, "{code}");
        let error = dead[0].last_error.clone().unwrap();
        assert!(error.starts_with(word), "{error}");
        assert!(error.contains(&code.to_string()), "{error}");
        assert!(!error.contains("555000777"), "{error}");
        app.advance(Duration::from_secs(60));
        run_jobs(&app).await;
        assert_eq!(twilio.calls(), before + 1, "{code}");
        // An operator may try again nevertheless, while the password works.
        let retry = RetryJobRequest {
            id: dead[0].id.clone(),
        };
        admin.ops().retry_job(retry).await.unwrap();
        run_jobs(&app).await;
        assert_eq!(twilio.texts().last().unwrap()["To"], "+213555000777");
        assert!(jobs(&admin, State::Dead).await.is_empty());
    }
}

#[tokio::test]
async fn a_number_without_a_country_never_goes_out() {
    let twilio = FakeTwilio::start().await;
    let app = app(&twilio).await;
    let admin = app.admin().await;
    app.run_jobs().await;
    let before = twilio.calls();
    request(&app.guest().await, "9876543210").await.unwrap();
    run_jobs(&app).await;
    let dead = jobs(&admin, State::Dead).await;
    assert!(
        dead[0]
            .last_error
            .as_ref()
            .unwrap()
            .starts_with("INVALID_PHONE")
    );
    assert_eq!(twilio.calls(), before);
}

#[tokio::test]
async fn a_busy_twilio_is_asked_again_when_it_says() {
    let twilio = FakeTwilio::start().await;
    let app = app(&twilio).await;
    request(&app.guest().await, PHONE).await.unwrap();
    twilio.will([Reply::Busy(40)]);
    run_jobs(&app).await;
    app.advance(Duration::from_secs(39));
    run_jobs(&app).await;
    assert_eq!(twilio.calls(), 1);
    // The pause, and a quarter of it by chance.
    app.advance(Duration::from_secs(11));
    run_jobs(&app).await;
    assert_eq!((twilio.calls(), twilio.texts().len()), (2, 1));
}

#[tokio::test]
async fn three_failures_park_the_message() {
    let twilio = FakeTwilio::start().await;
    let app = app(&twilio).await;
    let admin = app.admin().await;
    app.run_jobs().await;
    request(&app.guest().await, PHONE).await.unwrap();
    twilio.will(vec![Reply::Broken; 3]);
    for attempt in 1..=3 {
        assert!(jobs(&admin, State::Dead).await.is_empty(), "{attempt}");
        run_jobs(&app).await;
        app.advance(Duration::from_secs(10));
    }
    let dead = jobs(&admin, State::Dead).await;
    assert_eq!(dead[0].attempts, 3);
    assert!(
        dead[0]
            .last_error
            .as_ref()
            .unwrap()
            .starts_with("UNAVAILABLE")
    );
}

#[tokio::test]
async fn no_answer_of_twilio_hangs_the_jobs_or_changes_anything() {
    let elsewhere = FakeTwilio::start().await;
    let hostile = [
        Reply::Broken,
        Reply::Html,
        Reply::Redirect(format!("{}/2010-04-01", elsewhere.url)),
        Reply::Silent,
        Reply::Flood,
    ];
    for reply in hostile {
        let twilio = FakeTwilio::start().await;
        let app = app(&twilio).await;
        request(&app.guest().await, PHONE).await.unwrap();
        let mut before = app.rows().await;
        twilio.will([reply.clone()]);
        run_jobs(&app).await;
        let mut after = app.rows().await;
        // Only the job remembers, and it waits for its next try.
        for rows in [&mut before, &mut after] {
            rows.remove("jobs");
            // The other jobs that are due move it on.
            rows.remove("audit_horizon");
        }
        assert_eq!(before, after, "{reply:?}");
        let waiting = "SELECT count(*) FROM jobs WHERE kind = 'auth.send-otp' \
                       AND state = 'PENDING' AND attempts = 1";
        assert_eq!(app.number(waiting).await, 1, "{reply:?}");
        app.advance(Duration::from_secs(5));
        run_jobs(&app).await;
        assert_eq!(twilio.texts().len(), 1, "{reply:?}");
        sign_in_with_the_same(&app).await;
    }
    assert_eq!(elsewhere.calls(), 0);
}

/// The password that was delayed still works.
async fn sign_in_with_the_same(app: &TestApp) {
    let guest = app.guest().await;
    assert!(verify(&guest, PHONE, CODE).await.is_ok());
}

#[tokio::test]
async fn a_twilio_that_keeps_failing_is_left_alone_for_a_while() {
    let twilio = FakeTwilio::start().await;
    let app = app(&twilio).await;
    let guest = app.guest().await;
    for number in 0..5 {
        request(&guest, &format!("055500010{number}"))
            .await
            .unwrap();
    }
    twilio.will(vec![Reply::Broken; 5]);
    run_jobs(&app).await;
    assert_eq!(twilio.calls(), 5);
    app.advance(Duration::from_secs(4));
    run_jobs(&app).await;
    assert_eq!(twilio.calls(), 5);
    // They come back after the pause: one finds out, then the others.
    app.advance(Duration::from_secs(40));
    run_jobs(&app).await;
    assert_eq!((twilio.calls(), twilio.texts().len()), (10, 5));
}

#[tokio::test]
async fn production_without_a_provider_sends_nothing() {
    let development = TestApp::start().await;
    let limits = Limits::default();
    let of = |config: &Config| souk::app::sms(config, &Clock::system(), limits).unwrap();
    assert!(of(&development.running.app.config).is_some());
    let settings = [
        ("SOUK_ENV", "production"),
        ("JWT_SECRET", "3b1f7a86c9d04e5fa1728394a5b6c7d8"),
        ("OTP_SECRET", "91c2e4d6f8a0b1c3d5e7f9a1b3c5d7e9"),
        ("TOKEN_SECRET", "5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c"),
        ("DATABASE_URL", "postgres://souk@localhost/souk"),
        ("HOST", "127.0.0.1"),
    ];
    let settings: BTreeMap<String, String> = settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let production = Config::load(settings, None).unwrap();
    assert!(of(&production).is_none());
    let mail = souk::app::mail(&production, &Clock::system(), limits);
    assert!(mail.unwrap().is_none());
    // Development needs no provider: signing in works.
    sign_in(&development.guest().await, PHONE).await;
}

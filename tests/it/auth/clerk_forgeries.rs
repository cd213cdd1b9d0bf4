//! What is no webhook of Clerk's, and what just is one.

use std::io::Write;

use reqwest::StatusCode;
use serde_json::{Value, json};
use souk::pb::souk::auth::v1::HandleClerkWebhookRequest;
use tonic::Code;

use super::clerk_webhook::{AMINA, MAIL, NOTED, USERS};
use crate::support::clerk::{
    FakeClerk, NEXT_WEBHOOK_SECRET, WEBHOOK_SECRET, deliver, event, person, signature,
};
use crate::support::clients::statements;
use crate::support::http::Answer;
use crate::support::{TestApp, reason};

const PATH: &str = "/api/webhooks/clerk";

/// What is sent, and how.
struct Forged {
    what: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

fn forgeries(now: i64) -> Vec<Forged> {
    let body = event("user.created", person(AMINA, MAIL, true, 1_000));
    let at = now.to_string();
    let good = signature(WEBHOOK_SECRET, "msg_1", &at, &body);
    let headers = |id: &str, at: &str, signature: &str| {
        vec![
            ("svix-id", id.as_bytes().to_vec()),
            ("svix-timestamp", at.as_bytes().to_vec()),
            ("svix-signature", signature.as_bytes().to_vec()),
        ]
    };
    let without = |name: &str| {
        let mut headers = headers("msg_1", &at, &good);
        headers.retain(|(known, _)| *known != name);
        headers
    };
    let twice = |name: &'static str, value: &[u8]| {
        let mut headers = headers("msg_1", &at, &good);
        headers.push((name, value.to_vec()));
        headers
    };
    let minified = serde_json::from_slice::<Value>(&body).unwrap().to_string();
    let mut tampered = body.clone();
    let place = tampered.iter().position(|byte| *byte == b'@').unwrap();
    tampered[place - 1] ^= 1;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&body).unwrap();
    let packed = packed.finish().unwrap();
    let foreign = signature(NEXT_WEBHOOK_SECRET, "msg_1", &at, &body);
    let all = || headers("msg_1", &at, &good);
    let forged = |what, headers, body: &[u8]| Forged {
        what,
        headers,
        body: body.to_vec(),
    };
    vec![
        forged("no header", Vec::new(), &body),
        forged("no id", without("svix-id"), &body),
        forged("no timestamp", without("svix-timestamp"), &body),
        forged("no signature", without("svix-signature"), &body),
        forged("an empty signature", headers("msg_1", &at, ""), &body),
        forged("another id", headers("msg_2", &at, &good), &body),
        forged(
            "another timestamp",
            headers("msg_1", &(now - 1).to_string(), &good),
            &body,
        ),
        forged(
            "a timestamp with a sign",
            headers("msg_1", &format!("+{at}"), &good),
            &body,
        ),
        forged("another secret", headers("msg_1", &at, &foreign), &body),
        forged(
            "another version",
            headers("msg_1", &at, &good.replace("v1", "v2")),
            &body,
        ),
        forged("no version", headers("msg_1", &at, &good[3..]), &body),
        forged(
            "other letters",
            headers("msg_1", &at, &good.to_lowercase()),
            &body,
        ),
        forged(
            "an endless signature",
            headers("msg_1", &at, &"v1,AAAA ".repeat(600)),
            &body,
        ),
        forged("a changed byte", all(), &tampered),
        forged("re-serialised", all(), minified.as_bytes()),
        forged("a byte more", all(), &[&body[..], b"\n"].concat()),
        forged("no body", all(), b""),
        forged(
            "packed",
            [all(), vec![("content-encoding", b"gzip".to_vec())]].concat(),
            &packed,
        ),
        forged("the id twice", twice("svix-id", b"msg_1"), &body),
        forged(
            "the signature twice",
            twice("svix-signature", good.as_bytes()),
            &body,
        ),
        forged("a second timestamp", twice("svix-timestamp", b"1"), &body),
        forged(
            "no UTF-8",
            vec![
                ("svix-id", b"msg_\xff".to_vec()),
                ("svix-timestamp", at.clone().into_bytes()),
                ("svix-signature", good.clone().into_bytes()),
            ],
            &body,
        ),
    ]
}

async fn send(app: &TestApp, forged: &Forged) -> Answer {
    let headers: Vec<(&str, &[u8])> = forged
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_slice()))
        .collect();
    app.post_raw(PATH, &headers, forged.body.clone()).await
}

#[tokio::test]
async fn every_forgery_gets_the_same_answer_and_changes_nothing() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    let before = app.rows().await;
    for forged in forgeries(app.clock.now().seconds()) {
        let answer = send(&app, &forged).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", forged.what);
        assert_eq!(
            answer.body["code"], "SIGNATURE_INVALID",
            "{}: {}",
            forged.what, answer.text
        );
        assert_eq!(
            answer.body["message"], "the signature is not valid",
            "{}",
            forged.what
        );
    }
    let huge = deliver(&app, "msg_1", &vec![b' '; 10 * 1024 * 1024]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(app.rows().await, before);
}

#[tokio::test]
async fn a_genuine_message_is_good_for_five_minutes_either_way() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    let now = app.clock.now().seconds();
    let body = event("session.created", json!({}));
    for (offset, is_taken) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let (id, at) = (format!("msg_{offset}"), (now + offset).to_string());
        let signature = signature(WEBHOOK_SECRET, &id, &at, &body);
        let headers: [(&str, &[u8]); 3] = [
            ("svix-id", id.as_bytes()),
            ("svix-timestamp", at.as_bytes()),
            ("svix-signature", signature.as_bytes()),
        ];
        let answer = app.post_raw(PATH, &headers, body.clone()).await;
        assert_eq!(
            answer.status.is_success(),
            is_taken,
            "{offset}: {}",
            answer.text
        );
        if !is_taken {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert_eq!(answer.body["code"], "SIGNATURE_EXPIRED");
            assert_eq!(answer.body["message"], "the signature is not valid");
        }
    }
    assert_eq!(app.number(NOTED).await, 2);
}

#[tokio::test]
async fn either_of_two_secrets_and_either_spelling_of_the_headers_will_do() {
    let clerk = FakeClerk::start().await;
    let both = format!("{WEBHOOK_SECRET}, {NEXT_WEBHOOK_SECRET}");
    let app = clerk.app_with(&[("CLERK_WEBHOOK_SECRET", &both)]).await;
    let (at, body) = (
        app.clock.now().seconds().to_string(),
        event("session.created", json!({})),
    );
    for (number, secret) in [WEBHOOK_SECRET, NEXT_WEBHOOK_SECRET]
        .into_iter()
        .enumerate()
    {
        for prefix in ["svix", "webhook"] {
            let id = format!("msg_{prefix}_{number}");
            let wrong = signature("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &id, &at, &body);
            let signature = format!("{wrong} {}", signature(secret, &id, &at, &body));
            let names = ["id", "timestamp", "signature"].map(|name| format!("{prefix}-{name}"));
            let headers: [(&str, &[u8]); 4] = [
                (&names[0], id.as_bytes()),
                (&names[1], at.as_bytes()),
                (&names[2], signature.as_bytes()),
                ("content-type", b"text/plain"),
            ];
            let answer = app.post_raw(PATH, &headers, body.clone()).await;
            assert_eq!(answer.status, StatusCode::OK, "{id}: {}", answer.text);
        }
    }
    assert_eq!(app.number(NOTED).await, 4);
}

#[tokio::test]
async fn without_a_secret_no_message_is_taken() {
    let clerk = FakeClerk::start().await;
    for app in [
        clerk.app_with(&[("CLERK_WEBHOOK_SECRET", "")]).await,
        TestApp::start().await,
    ] {
        let body = event("user.created", person(AMINA, MAIL, true, 1_000));
        let answer = deliver(&app, "msg_1", &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.body["code"], "SIGNATURE_INVALID");
        assert_eq!(app.number(USERS).await, 0);
        assert_eq!(app.number(NOTED).await, 0);
    }
}

#[tokio::test]
async fn the_same_message_is_taken_over_grpc() {
    let clerk = FakeClerk::start().await;
    let app = clerk.app().await;
    let guest = app.guest().await;
    let body = event("user.created", person(AMINA, MAIL, true, 1_000));
    let at = app.clock.now().seconds().to_string();
    let message = HandleClerkWebhookRequest {
        signature: signature(WEBHOOK_SECRET, "msg_1", &at, &body),
        message_id: "msg_1".to_owned(),
        timestamp: at,
        body,
    };
    let forged = HandleClerkWebhookRequest {
        body: event("user.deleted", json!({"id": AMINA})),
        ..message.clone()
    };
    let refused = guest.auth().handle_clerk_webhook(forged).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(reason(&refused), "SIGNATURE_INVALID");
    let first = guest.auth().handle_clerk_webhook(message.clone()).await;
    let first = statements(&first.unwrap());
    assert!(first <= 9, "{first}");
    let repeat = guest.auth().handle_clerk_webhook(message).await;
    assert_eq!(statements(&repeat.unwrap()), 1);
    assert_eq!(app.number(USERS).await, 1);
}

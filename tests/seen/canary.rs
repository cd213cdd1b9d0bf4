//! Canaries: texts that must not be found in the log, whatever it is asked to tell.

use serde_json::{Value, json};

use super::provider::Provider;
use super::rig::{END, Souk, until};
use super::setting;

const PHONE: &str = "0559731946";
const CODE: &str = "731946";
const EMAIL: &str = "canary-7Q3x@example.dz";
const PASSWORD: &str = "canary sings at the tin roof";
const NEW_PASSWORD: &str = "another canary on the same roof";
const NAME: &str = "Zwitscherine";
const STREET: &str = "17 passage des Canaris";
const TWILIO: &str = "canary5d41402abc4b2a76b9719d9110";

/// Posts JSON and gives the answer's body.
async fn post(souk: &Souk, path: &str, token: Option<&str>, body: Value) -> Value {
    let mut request = reqwest::Client::new().post(format!("{}{path}", souk.url()));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.json(&body).send().await.unwrap();
    let text = answer.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"))
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {answer}"))
}

/// Whether a line holds a text as a word of its own: six digits may well be a part of some
/// time or id.
fn says(line: &str, text: &str) -> bool {
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + text.len()..].chars().next();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '.')
            && !after.is_some_and(char::is_alphanumeric)
    })
}

#[test]
fn a_canary_is_heard() {
    for line in [
        "phone=0559731946",
        r#"{"otp":"731946"}"#,
        "for +213559731946, 731946",
    ] {
        assert!(says(line, CODE) || says(line, PHONE), "{line}");
    }
    assert!(!says("at 10:00:00.731946Z, job_01m731946fe2f", CODE));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_nothing_personal_is_in_the_log() {
    let twilio = Provider::start().await;
    let mut souk = Souk::install("canary").await.with(&[
        ("LOG_LEVEL", "trace"),
        ("LOG_FORMAT", "json"),
        ("SLOW_QUERY_MS", "0"),
        ("OTP_DEV_CODE", CODE),
        ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef"),
        ("TWILIO_AUTH_TOKEN", TWILIO),
        ("TWILIO_FROM", "+12025550100"),
        setting("TWILIO_API_URL", &twilio.url),
    ]);
    souk.start().await;
    // By phone, with a right and a wrong code.
    post(&souk, "/otp/send", None, json!({"phone": PHONE})).await;
    until("the message is sent", || !twilio.requests().is_empty()).await;
    post(
        &souk,
        "/otp/verify",
        None,
        json!({"phone": PHONE, "otp": "112233"}),
    )
    .await;
    let by_phone = post(
        &souk,
        "/otp/verify",
        None,
        json!({"phone": PHONE, "otp": CODE}),
    )
    .await;
    let access = text(&by_phone, "accessToken").to_owned();
    // By mail and password, right and wrong.
    let account = json!({"email": EMAIL, "password": PASSWORD, "name": NAME});
    let registered = post(&souk, "/auth/register", None, account).await;
    let owner = text(&registered["tokens"], "accessToken").to_owned();
    let wrong = json!({"email": EMAIL, "password": NEW_PASSWORD});
    post(&souk, "/auth/login", None, wrong).await;
    let change = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
    post(&souk, "/api/auth/password/change", Some(&owner), change).await;
    let refresh = text(&registered["tokens"], "refreshToken").to_owned();
    post(
        &souk,
        "/api/auth/refresh",
        None,
        json!({"refreshToken": refresh}),
    )
    .await;
    post(
        &souk,
        "/api/auth/password/forgot",
        None,
        json!({"email": EMAIL}),
    )
    .await;
    // Something personal in a write, in a refusal, in GraphQL, and in a broken body.
    let address = json!({"label": "home", "line1": STREET, "phone": PHONE, "wilaya": "16"});
    post(&souk, "/api/addresses", Some(&access), address).await;
    post(
        &souk,
        "/api/orders",
        None,
        json!({"customerName": NAME, "customerPhone": PHONE}),
    )
    .await;
    let query = format!("mutation {{ addJob(message: {NAME:?}, {STREET}) }}");
    post(&souk, "/graphql", Some(&access), json!({"query": query})).await;
    post(
        &souk,
        "/auth/login",
        None,
        json!({"email": {"of": EMAIL}, "password": PASSWORD}),
    )
    .await;
    souk.end(END).await;

    let log = souk.log_text();
    assert!(log.lines().count() > 200, "the log is silent");
    assert!(log.contains("answered") && log.contains("slow statement"));
    let international = format!("213{}", &PHONE[1..]);
    let canaries = [
        PHONE,
        &international,
        &PHONE[1..],
        CODE,
        EMAIL,
        PASSWORD,
        NEW_PASSWORD,
        NAME,
        STREET,
        TWILIO,
        &access,
        &owner,
        &refresh,
    ];
    let mut found = Vec::new();
    for canary in canaries {
        let line = log.lines().find(|line| says(line, canary));
        found.extend(line.map(|line| (canary, line)));
    }
    assert!(found.is_empty(), "{found:#?}");
    souk.remove().await;
}

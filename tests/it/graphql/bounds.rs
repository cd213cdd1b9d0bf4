//! Queries out of bounds, which are refused before they cost anything.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ask, refusal};
use crate::support::TestApp;

#[tokio::test]
async fn what_is_too_deep_too_wide_or_no_graphql_is_refused() {
    let app = TestApp::start().await;
    let wide: String = (0..30).map(|number| format!("f{number}: hello ")).collect();
    let wide = ask(&app, None, &format!("{{ {wide} }}")).await;
    assert!(wide.text.contains("too complex"), "{}", wide.text);
    let deep = format!(
        "{{ __schema {{ types {{ {} name {} }} }} }}",
        "ofType { ".repeat(20),
        "} ".repeat(20)
    );
    let deep = ask(&app, None, &deep).await;
    assert!(deep.text.contains("nested too deep"), "{}", deep.text);
    let unknown = ask(&app, None, "{ orders }").await;
    assert!(unknown.text.contains("Unknown field"), "{}", unknown.text);
    let endless = "...F ".repeat(200);
    let endless = format!("{{ ...F }} fragment F on Query {{ {endless} }}");
    let endless = ask(&app, None, &endless).await;
    assert!(
        endless.body["errors"][0]["message"].is_string(),
        "{}",
        endless.text
    );
    let unread = ask(&app, None, "{ hello").await;
    assert!(unread.body["errors"][0]["message"].is_string());
    let none = app
        .post("/graphql", None, json!([{"query": "{ hello }"}]))
        .await;
    assert_eq!(
        (none.status.as_u16(), &none.body["code"]),
        (400, &json!("VALIDATION_ERROR"))
    );
    let twice = br#"{"query": "{ hello }", "query": "{ redisPing }"}"#.to_vec();
    let json: &[(&str, &[u8])] = &[("content-type", b"application/json")];
    let twice = app.post_raw("/graphql", json, twice).await;
    assert_eq!(twice.status, 400);
    let plain = app
        .post_raw(
            "/graphql",
            &[("content-type", b"text/plain")],
            b"{}".to_vec(),
        )
        .await;
    assert_eq!(plain.status, 415);
    let large = format!(r#"{{"query": "{}"}}"#, " ".repeat(300 * 1024));
    let large = app.post_raw("/graphql", json, large.into_bytes()).await;
    assert_eq!(
        (large.status.as_u16(), &large.body["code"]),
        (413, &json!("PAYLOAD_TOO_LARGE"))
    );
}

/// The refusal of a query as a whole, which comes before anything of it is looked at.
async fn refused(app: &TestApp, query: &str) -> String {
    let answer = tokio::time::timeout(Duration::from_secs(10), ask(app, None, query)).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(refusal(&answer), ("INVALID_ARGUMENT", "VALIDATION_ERROR"));
    let message = answer.body["errors"][0]["message"].as_str().unwrap();
    message.to_owned()
}

#[tokio::test]
async fn a_short_query_that_unfolds_without_end_is_refused() {
    let app = TestApp::start().await;
    let double = |number: usize| {
        let next = number + 1;
        format!("fragment F{number} on Query{{...F{next} ...F{next}}}")
    };
    let doubled: String = (0..30).map(double).collect();
    let doubled = format!("{{...F0}}{doubled}fragment F30 on Query{{hello}}");
    assert!(refused(&app, &doubled).await.contains("too many parts"));
    let unused = |many: usize| {
        let fragment = |number: usize| format!("fragment F{number} on Query{{a}}");
        let fragments: String = (0..many).map(fragment).collect();
        format!("{{hello}}{fragments}")
    };
    assert!(refused(&app, &unused(10_000)).await.contains("too long"));
    let many = refused(&app, &unused(1_000)).await;
    assert!(many.contains("too many fragments"), "{many}");
    let nested = format!("{{hello(a:{}{})}}", "[".repeat(400), "]".repeat(400));
    assert!(refused(&app, &nested).await.contains("nested too deep"));
    // In the URL as in the body.
    let query: String = form_urlencoded::byte_serialize(doubled.as_bytes()).collect();
    let by_url = app.get(&format!("/graphql?query={query}"), None).await;
    assert_eq!(by_url.status, 400, "{}", by_url.text);
    assert_eq!(refusal(&by_url).1, "VALIDATION_ERROR");
}

#[tokio::test]
async fn usual_fragments_are_followed() {
    let app = TestApp::start().await;
    let query = "query A { ...F ... on Query { again: hello } } fragment F on Query { ...G ...G } \
                 fragment G on Query { hello }";
    let answer = ask(&app, None, query).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["errors"], Value::Null, "{}", answer.text);
    assert!(answer.body["data"]["hello"].is_string(), "{}", answer.text);
    assert!(answer.body["data"]["again"].is_string(), "{}", answer.text);
}

//! The GraphQL face: the documented operations, through the same layers as every call.

mod bounds;

use reqwest::Method;
use serde_json::{Value, json};
use souk::pb::souk::ops::v1::ListJobsRequest;

use crate::support::http::Answer;
use crate::support::{Client, TestApp};

async fn ask(app: &TestApp, token: Option<&str>, query: &str) -> Answer {
    app.post("/graphql", token, json!({"query": query})).await
}

/// The code and the reason of the first error.
fn refusal(answer: &Answer) -> (&str, &str) {
    let told = &answer.body["errors"][0]["extensions"];
    let word = |name: &str| {
        told[name]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answer.text))
    };
    (word("code"), word("reason"))
}

async fn jobs(admin: &Client) -> usize {
    let mut ops = admin.ops();
    let asked = ListJobsRequest {
        kind: "ops.test".to_owned(),
        ..ListJobsRequest::default()
    };
    ops.list_jobs(asked).await.unwrap().into_inner().jobs.len()
}

#[tokio::test]
async fn the_documented_operations_answer_as_documented() {
    let app = TestApp::start().await;
    let pong = ask(&app, None, "query { redisPing }").await;
    assert_eq!(pong.status, 200);
    assert_eq!(pong.text, r#"{"data":{"redisPing":"PONG"}}"#);
    let hello = ask(&app, None, "{ hello }").await;
    assert!(
        hello.body["data"]["hello"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    let added = app
        .post(
            "/graphql",
            None,
            json!({
                "query": "mutation Add($text: String!) { addJob(message: $text) }",
                "variables": {"text": "from GraphQL"},
                "operationName": "Add",
            }),
        )
        .await;
    assert_eq!(added.text, r#"{"data":{"addJob":true}}"#);
    assert_eq!(jobs(&app.admin().await).await, 1);
}

#[tokio::test]
async fn an_administrator_sees_the_queues_and_nobody_else_does() {
    let app = TestApp::start().await;
    let (admin, customer) = (app.admin().await, app.customer().await);
    ask(&app, None, r#"mutation { addJob(message: "x") }"#).await;
    let query = "{ queues { name pending due running dead oldestDueSeconds } redisPing }";
    let seen = ask(&app, admin.token.as_deref(), query).await;
    assert!(
        seen.text.starts_with(r#"{"data":{"queues":["#),
        "the order of the question"
    );
    assert_eq!(seen.body["data"]["redisPing"], "PONG", "{}", seen.text);
    let queues = seen.body["data"]["queues"].as_array().unwrap();
    let queue = queues
        .iter()
        .find(|queue| queue["name"] == "maintenance")
        .unwrap();
    assert!(
        queue["pending"].as_i64().is_some_and(|jobs| jobs >= 1),
        "{queue}"
    );
    assert_eq!((&queue["running"], &queue["dead"]), (&json!(0), &json!(0)));
    let nobody = ask(&app, None, query).await;
    assert_eq!(refusal(&nobody), ("UNAUTHENTICATED", "TOKEN_MISSING"));
    let other = ask(&app, customer.token.as_deref(), query).await;
    assert_eq!(refusal(&other), ("PERMISSION_DENIED", "FORBIDDEN"));
    let rest = json!({"queues": null, "redisPing": "PONG"});
    assert_eq!(
        other.body["data"], rest,
        "what is refused leaves the rest as it is"
    );
}

#[tokio::test]
async fn a_query_may_come_by_get_and_a_mutation_may_not() {
    let app = TestApp::start().await;
    let read = app.get("/graphql?query=%7B%20redisPing%20%7D", None).await;
    assert_eq!(read.body, json!({"data": {"redisPing": "PONG"}}));
    let write = "/graphql?query=mutation%7BaddJob(message%3A%22x%22)%7D";
    let refused = app.get(write, None).await;
    assert_eq!(refused.status, 405);
    assert_eq!(refused.body["code"], "METHOD_NOT_ALLOWED");
    assert_eq!(refused.headers["allow"], "POST");
    // Which of two operations is meant decides.
    let both = "query%20A%7Bhello%7Dmutation%20B%7BaddJob(message%3A%22x%22)%7D";
    let meant = app
        .get(&format!("/graphql?operationName=A&query={both}"), None)
        .await;
    assert_eq!(meant.status, 200, "{}", meant.text);
    let meant = app
        .get(&format!("/graphql?operationName=B&query={both}"), None)
        .await;
    assert_eq!(meant.status, 405);
    assert_eq!(jobs(&app.admin().await).await, 0);
    let put = app
        .http(Method::PUT, "/graphql", None, &[], Some(json!({})))
        .await;
    assert_eq!(put.status, 405);
}

#[tokio::test]
async fn refusals_of_the_layers_are_errors_with_code_and_reason() {
    let app = TestApp::with(&[("RATE_READ", "2/60s")]).await;
    let forged = ask(&app, Some("forged"), "{ hello }").await;
    assert_eq!(forged.status, 200);
    assert_eq!(refusal(&forged), ("UNAUTHENTICATED", "TOKEN_INVALID"));
    assert_eq!(forged.body["data"], Value::Null);
    let id = &forged.body["errors"][0]["extensions"]["requestId"];
    assert_eq!(id.as_str().unwrap(), forged.headers["x-request-id"]);
    let invalid = ask(&app, None, r#"mutation { addJob(message: "") }"#).await;
    assert_eq!(refusal(&invalid), ("INVALID_ARGUMENT", "VALIDATION_ERROR"));
    let at_fault = &invalid.body["errors"][0]["extensions"]["errors"][0]["field"];
    assert_eq!(at_fault, "message");
    // Each field is a call of its own, and counts as one.
    let many = ask(&app, None, "{ a: hello b: hello c: redisPing }").await;
    assert_eq!(
        refusal(&many),
        ("RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED")
    );
    assert_eq!(
        many.body["data"],
        Value::Null,
        "a field that must not be null was refused"
    );
    let wait = &many.body["errors"][0]["extensions"]["retryAfterSeconds"];
    assert!(wait.as_f64().is_some_and(|wait| wait > 0.0));
}

#[tokio::test]
async fn a_key_makes_each_field_happen_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let two = json!({"query": r#"mutation { a: addJob(message: "x") b: addJob(message: "y") }"#});
    let key = [("idempotency-key", "graphql-1")];
    for _ in 0..2 {
        let answer = app
            .http(Method::POST, "/graphql", None, &key, Some(two.clone()))
            .await;
        assert_eq!(answer.body, json!({"data": {"a": true, "b": true}}));
    }
    assert_eq!(jobs(&admin).await, 2);
    let other = json!({"query": r#"mutation { a: addJob(message: "z") }"#});
    let reused = app
        .http(Method::POST, "/graphql", None, &key, Some(other))
        .await;
    assert_eq!(
        refusal(&reused),
        ("ALREADY_EXISTS", "IDEMPOTENCY_KEY_REUSED")
    );
    assert_eq!(jobs(&admin).await, 2);
}

#[tokio::test]
async fn tools_may_ask_for_the_schema() {
    let app = TestApp::start().await;
    // As deep as the query of GraphiQL and its relatives.
    let nested = "ofType { kind name ".repeat(9) + &"} ".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ queryType {{ name }} mutationType {{ name }} \
         types {{ kind name description fields(includeDeprecated: true) {{ name args {{ name \
         type {{ ...T }} defaultValue }} type {{ ...T }} }} }} directives {{ name locations }} }} }} \
         fragment T on __Type {{ kind name {nested} }}"
    );
    let schema = ask(&app, None, &query).await;
    assert_eq!(schema.body["errors"], Value::Null, "{}", schema.text);
    let told = schema.body["data"]["__schema"].to_string();
    for name in ["hello", "redisPing", "addJob", "message"] {
        assert!(told.contains(name), "{name}");
    }
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let page = app.get("/graphiql", None).await;
    assert_eq!(page.status, 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));
    assert!(!page.text.contains("<style") && !page.text.contains("style="));
    let mut files = 0;
    for part in page
        .text
        .split(['"', '\''])
        .filter(|part| part.starts_with("/graphiql/"))
    {
        let file = app.get(part, None).await;
        assert_eq!(file.status, 200, "{part}");
        assert!(!file.text.contains("://"), "{part}");
        files += 1;
    }
    assert_eq!(files, 2);
    assert_eq!(app.get("/graphiql/other.js", None).await.status, 404);
}

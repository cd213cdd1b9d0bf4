//! The lines of the log: one for each write and refusal, and for each slow statement.

use serde_json::{Value, json};

use super::rig::{END, Souk};

fn lines(souk: &Souk) -> Vec<Value> {
    let text = souk.log_text();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    text.lines().map(parse).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_a_refusal_and_a_slow_statement_are_lines_of_json() {
    let mut souk = Souk::install("log").await.with(&[
        ("LOG_LEVEL", "info"),
        ("LOG_FORMAT", "json"),
        ("SLOW_QUERY_MS", "0"),
    ]);
    souk.start().await;
    let http = reqwest::Client::new();
    let post = |path: &str, id: &'static str, body: Value| {
        let request = http.post(format!("{}{path}", souk.url())).json(&body);
        request.header("x-request-id", id).send()
    };
    let write = post(
        "/api/admin/jobs/test",
        "write-1",
        json!({"message": "a value of its own"}),
    );
    assert_eq!(write.await.unwrap().status(), 201);
    let refused = post(
        "/api/auth/login",
        "refused-1",
        json!({"email": "no@example.dz", "password": "x"}),
    );
    assert!(refused.await.unwrap().status().is_client_error());
    souk.end(END).await;

    let lines = lines(&souk);
    let answered = |id: &str| {
        let mut found = lines.iter().filter(|line| line["message"] == "answered");
        let found: Vec<_> = found
            .by_ref()
            .filter(|line| line["request.id"] == id)
            .collect();
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        found[0].clone()
    };
    let write = answered("write-1");
    assert_eq!(
        write["rpc.method"],
        "/souk.ops.v1.OpsService/EnqueueTestJob"
    );
    assert_eq!(write["rpc.code"], "Ok");
    assert!(write["duration_ms"].as_f64().is_some_and(|took| took > 0.0));
    assert_eq!(write.get("trace.id"), None, "traces are off");
    assert_ne!(answered("refused-1")["rpc.code"], "Ok");
    let slow: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "slow statement" && line["request.id"] == "write-1")
        .collect();
    let insert = slow
        .iter()
        .find(|line| line["sql"].as_str().unwrap().contains("jobs"));
    let insert = insert.unwrap_or_else(|| panic!("{slow:?}"));
    assert!(insert["duration_ms"].is_number());
    assert!(
        !slow
            .iter()
            .any(|line| line.to_string().contains("a value of its own"))
    );
    souk.remove().await;
}

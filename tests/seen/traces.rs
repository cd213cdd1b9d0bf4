//! Traces: from the caller, through the call, its transaction, its job and what that calls,
//! to the collector.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::collector::{Collector, hex};
use super::provider::Provider;
use super::rig::{END, Souk, free_port, until};
use super::setting;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const JOB: &str = "/api/admin/jobs/test";
const ENQUEUE: &str = "souk.ops.v1.OpsService/EnqueueTestJob";

async fn enqueue(souk: &Souk, sampled: bool) -> reqwest::StatusCode {
    let parent = format!("00-{TRACE}-{CALLER}-0{}", u8::from(sampled));
    let request = reqwest::Client::new().post(format!("{}{JOB}", souk.url()));
    let request = request
        .json(&json!({"message": "traced"}))
        .header("traceparent", parent);
    request.send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_a_part_of_its_caller_s_trace() {
    let (collector, address) = Collector::start().await;
    let twilio = Provider::start().await;
    let mut souk = Souk::install("traces").await.with(&[
        setting("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}")),
        ("OTEL_SERVICE_NAME", "souk-under-test"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("LOG_LEVEL", "info"),
        ("LOG_FORMAT", "json"),
        ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef"),
        ("TWILIO_AUTH_TOKEN", "5d41402abc4b2a76b9719d911017c592"),
        ("TWILIO_FROM", "+12025550100"),
        setting("TWILIO_API_URL", &twilio.url),
    ]);
    souk.start().await;
    assert_eq!(enqueue(&souk, true).await, 201);
    until("the span of the call arrives", || {
        collector.span(ENQUEUE).is_some()
    })
    .await;
    let call = collector.span(ENQUEUE).unwrap();
    assert_eq!(hex(&call.trace_id), TRACE);
    assert_eq!(hex(&call.parent_span_id), CALLER);
    let write = collector
        .spans()
        .into_iter()
        .find(|(_, span)| span.name == "db.write" && span.trace_id == call.trace_id);
    let (service, write) = write.expect("the transaction has a span");
    assert_eq!(service, "souk-under-test");
    assert_eq!(write.parent_span_id, call.span_id);
    until("the job has run", || collector.span("ops.test").is_some()).await;

    // A message goes out by a job, whose trace goes with it.
    let send = reqwest::Client::new().post(format!("{}/otp/send", souk.url()));
    let sent = send
        .json(&json!({"phone": "0550000009"}))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 200);
    until("the outbound span arrives", || {
        collector.span("twilio").is_some()
    })
    .await;
    let outbound = collector.span("twilio").unwrap();
    let passed_on = format!(
        "traceparent: 00-{}-{}-01",
        hex(&outbound.trace_id),
        hex(&outbound.span_id)
    );
    let requests = twilio.requests();
    assert!(
        requests[0].to_ascii_lowercase().contains(&passed_on),
        "{}",
        requests[0]
    );

    souk.end(END).await;
    let log = souk.log_text();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut answered = lines.filter(|line| line["rpc.method"] == format!("/{ENQUEUE}"));
    assert_eq!(answered.next().unwrap()["trace.id"], TRACE);
    souk.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_does_not_record_is_not_recorded_and_the_rest_leaves_at_the_end() {
    let (collector, address) = Collector::start().await;
    let mut souk = Souk::install("flushed").await.with(&[
        setting("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}")),
        // Nothing leaves by itself during the test.
        ("OTEL_BSP_SCHEDULE_DELAY", "600000"),
    ]);
    souk.start().await;
    assert_eq!(enqueue(&souk, false).await, 201);
    let hello = reqwest::get(format!("{}/api/hello", souk.url()))
        .await
        .unwrap();
    assert_eq!(hello.status(), 200);
    assert!(collector.spans().is_empty());
    souk.end(END).await;
    assert!(collector.span("souk.ops.v1.OpsService/Hello").is_some());
    assert!(collector.span(ENQUEUE).is_none());
    souk.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_nothing_but_spans() {
    let nobody = free_port();
    let mut souk = Souk::install("nobody").await.with(&[
        setting(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://127.0.0.1:{nobody}"),
        ),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ]);
    souk.start().await;
    for _ in 0..20 {
        assert_eq!(enqueue(&souk, true).await, 201);
    }
    let away = "the collector of traces is away";
    until("the log says so", || souk.log_text().contains(away)).await;
    let metrics = reqwest::get(format!("{}/metrics", souk.url()))
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains(r#"souk_trace_spans_total{outcome="lost"}"#),
        "{metrics}"
    );
    let began = Instant::now();
    souk.end(END).await;
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(souk.log_text().matches(away).count(), 1);
    souk.remove().await;
}

//! Operations: information, health, the cache's answer, jobs, the audit log.

mod audit;
mod dashboards;
mod health;
mod jobs;
mod metrics;
mod queues;

use serde_json::json;
use souk::pb::souk::ops::v1::{HelloRequest, ListJobsRequest, PingCacheRequest};

use crate::support::TestApp;

#[tokio::test]
async fn the_server_says_hello_and_pong() {
    let app = TestApp::start().await;
    let guest = app.guest().await;
    let hello = guest
        .ops()
        .hello(HelloRequest {})
        .await
        .unwrap()
        .into_inner();
    assert!(!hello.message.is_empty());
    let pong = guest
        .ops()
        .ping_cache(PingCacheRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(pong.reply, "PONG");
}

#[tokio::test]
async fn health_tells_its_parts() {
    let app = TestApp::start().await;
    for path in ["/health", "/health/live", "/health/ready"] {
        let health = app.get(path, None).await;
        assert_eq!(health.status, 200, "{path}: {}", health.body);
    }
}

#[tokio::test]
async fn a_test_job_runs_and_is_listed() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin
        .call(
            "OpsService/EnqueueTestJob",
            &json!({"message": "hello"}).to_string(),
        )
        .await
        .unwrap();
    app.run_jobs().await;
    let jobs = admin
        .ops()
        .list_jobs(ListJobsRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert!(
        jobs.jobs.iter().any(|job| job.kind.contains("test")),
        "{jobs:?}"
    );
}

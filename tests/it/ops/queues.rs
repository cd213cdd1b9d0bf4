//! What stands in the queues is told by every process, whoever runs the jobs. The recorder
//! belongs to the process, so each test looks for a queue that no other test has.

use std::net::SocketAddr;

use souk::db::NewJob;

use crate::support::{TestApp, until};

/// A server that tells no metrics, and has a job in a queue that nobody works on.
async fn with_a_job_in(queue: &'static str) -> TestApp {
    let app = TestApp::with(&[("ENABLE_METRICS", "off")]).await;
    let job = NewJob::new(queue, "test.unknown", "{}".into());
    app.db
        .transact(|tx| {
            let job = job.clone();
            async move {
                tx.enqueue(job);
                Ok(())
            }
        })
        .await
        .unwrap();
    app
}

async fn ask(port: SocketAddr, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{port}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn tells_of(port: SocketAddr, queue: &str) {
    let line = format!("souk_jobs_due{{queue=\"{queue}\"}} 1\n");
    until("the job is told of", async || {
        ask(port, "/metrics").await.1.contains(&line)
    })
    .await;
}

#[tokio::test]
async fn a_server_that_runs_no_jobs_tells_of_them() {
    const QUEUE: &str = "seen_by_a_server";
    let app = with_a_job_in(QUEUE).await;
    let settings = [("JOBS", "off"), ("METRICS_PORT", "0")];
    let server = app.beside_with(&settings, |_| {}).await;
    tells_of(server.running.ops_address.unwrap(), QUEUE).await;
}

#[tokio::test]
async fn a_worker_tells_of_jobs_and_of_itself_until_it_stops() {
    const QUEUE: &str = "seen_by_a_worker";
    let app = with_a_job_in(QUEUE).await;
    let worker = app.worker(&[("METRICS_PORT", "0")]).await;
    let port = worker.ops_address.unwrap();
    tells_of(port, QUEUE).await;
    assert_eq!(ask(port, "/health/live").await, (200, "live\n".to_owned()));
    assert_eq!(ask(port, "/health/ready").await.0, 200);
    assert!(worker.stop().await);
    assert!(
        reqwest::get(format!("http://{port}/metrics"))
            .await
            .is_err()
    );
}

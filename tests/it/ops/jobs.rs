//! What administrators see of background work, and what they do about it.

use std::time::Duration;

use serde_json::{Value, json};
use souk::pb::souk::ops::v1::{
    CancelJobRequest, EnqueueTestJobRequest, GetJobRequest, Job, ListAuditLogRequest,
    ListJobsRequest, ListQueuesRequest, Queue, RetryDeadJobsRequest, RetryJobRequest, job,
};
use tonic::Code;

use crate::support::clients::is_replayed;
use crate::support::{Client, TestApp, keyed, reason};

async fn enqueue(admin: &Client) -> Job {
    let wish = EnqueueTestJobRequest {
        message: "hello".into(),
    };
    let answer = admin.ops().enqueue_test_job(wish).await.unwrap();
    answer.into_inner().job.unwrap()
}

async fn get(admin: &Client, id: &str) -> Job {
    let wish = GetJobRequest { id: id.into() };
    let answer = admin.ops().get_job(wish).await.unwrap();
    answer.into_inner().job.unwrap()
}

async fn queue(admin: &Client, name: &str) -> Option<Queue> {
    let wish = ListQueuesRequest::default();
    let answer = admin.ops().list_queues(wish).await.unwrap().into_inner();
    answer.queues.into_iter().find(|queue| queue.name == name)
}

/// Every waiting test job has failed for the last time.
async fn break_all(app: &TestApp) {
    let sql = "UPDATE jobs SET state = 'DEAD', attempts = max_attempts, \
               last_error = 'it broke', finished_at = created_at \
               WHERE kind = 'ops.test' AND state = 'PENDING'";
    app.execute(sql, []).await;
}

async fn audited(admin: &Client) -> Vec<String> {
    let wish = ListAuditLogRequest::default();
    let answer = admin.ops().list_audit_log(wish).await.unwrap();
    let entries = answer.into_inner().entries.into_iter();
    entries.map(|entry| entry.method).collect()
}

#[tokio::test]
async fn queues_are_told_over_both_transports_with_the_age_of_the_oldest() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    app.run_jobs().await;
    assert_eq!(queue(&admin, "maintenance").await, None);
    enqueue(&admin).await;
    app.advance(Duration::from_secs(90));
    let told = queue(&admin, "maintenance").await.unwrap();
    assert_eq!((told.pending, told.due, told.running), (1, 1, 0));
    assert!((told.oldest_due_seconds - 90.0).abs() < f64::EPSILON);
    let path = "/api/admin/queues";
    let json = app.get(path, admin.token.as_deref()).await;
    assert_eq!(json.status, 200, "{}", json.text);
    let expected = json!([{
        "name": "maintenance", "pending": 1, "running": 0, "dead": 0, "due": 1,
        "oldestDueSeconds": 90.0,
    }]);
    assert_eq!(json.body["queues"], expected);
    break_all(&app).await;
    let told = queue(&admin, "maintenance").await.unwrap();
    assert_eq!((told.pending, told.due, told.dead), (0, 0, 1));
}

#[tokio::test]
async fn a_list_of_queues_has_pages() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    app.run_jobs().await;
    for name in ["a", "b", "c"] {
        enqueue(&admin).await;
        let sql = format!("UPDATE jobs SET queue = '{name}' WHERE queue = 'maintenance'");
        app.execute(&format!("{sql} AND state = 'PENDING'"), [])
            .await;
    }
    let mut names = Vec::new();
    let mut wish = ListQueuesRequest {
        limit: 2,
        ..ListQueuesRequest::default()
    };
    loop {
        let page = admin.ops().list_queues(wish.clone()).await.unwrap();
        let page = page.into_inner();
        names.extend(page.queues.into_iter().map(|queue| queue.name));
        wish.page_token = page.meta.unwrap().next_page_token;
        if wish.page_token.is_empty() {
            break;
        }
    }
    let ours: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(ours.iter().filter(|name| name.len() == 1).count(), 3);
    assert!(ours.is_sorted(), "{ours:?}");
    let third = ListQueuesRequest {
        limit: 2,
        page: 2,
        ..ListQueuesRequest::default()
    };
    let page = admin.ops().list_queues(third).await.unwrap().into_inner();
    assert_eq!(page.meta.unwrap().total, Some(names.len() as i32));
    assert_eq!(page.queues[0].name, names[2]);
}

#[tokio::test]
async fn dead_jobs_are_retried_together_and_told_of_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for _ in 0..3 {
        enqueue(&admin).await;
    }
    break_all(&app).await;
    let before = audited(&admin).await.len();
    app.advance(Duration::from_secs(1));
    let wish = |limit| RetryDeadJobsRequest {
        kind: "ops.test".into(),
        queue: "maintenance".into(),
        limit,
    };
    for again in [false, true] {
        let done = admin.ops().retry_dead_jobs(keyed("k", wish(2))).await;
        let done = done.unwrap();
        assert_eq!(is_replayed(&done), again);
        assert_eq!(done.into_inner().retried, 2);
    }
    let told = queue(&admin, "maintenance").await.unwrap();
    assert_eq!((told.pending, told.dead), (2, 1));
    let log = audited(&admin).await;
    assert_eq!(log.len(), before + 1);
    assert_eq!(log[0], "OpsService/RetryDeadJobs");
    let rest = admin.ops().retry_dead_jobs(wish(0)).await.unwrap();
    assert_eq!(rest.into_inner().retried, 1);
    app.run_jobs().await;
    let dead = ListJobsRequest {
        state: job::State::Dead.into(),
        queue: "maintenance".into(),
        ..ListJobsRequest::default()
    };
    let dead = admin.ops().list_jobs(dead).await.unwrap().into_inner();
    assert_eq!(dead.jobs, []);
    app.assert_sound().await;
}

#[tokio::test]
async fn a_cancelled_job_is_gone_and_one_that_is_done_stays() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let cancel = |id: &str| {
        let (mut ops, id) = (admin.ops(), id.to_owned());
        async move { ops.cancel_job(CancelJobRequest { id }).await }
    };
    let waiting = enqueue(&admin).await;
    app.advance(Duration::from_secs(1));
    let gone = cancel(&waiting.id).await.unwrap().into_inner().job.unwrap();
    assert_eq!(
        (&gone.id, gone.queue.as_str()),
        (&waiting.id, "maintenance")
    );
    assert_eq!(audited(&admin).await[0], "OpsService/CancelJob");
    let missing = cancel(&waiting.id).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    assert_eq!(reason(&missing), "NOT_FOUND");

    let done = enqueue(&admin).await;
    app.run_jobs().await;
    let before = audited(&admin).await;
    let refused = cancel(&done.id).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "JOB_NOT_CANCELLABLE");
    let wish = RetryJobRequest {
        id: done.id.clone(),
    };
    let refused = admin.ops().retry_job(wish).await.unwrap_err();
    assert_eq!(reason(&refused), "JOB_NOT_RETRYABLE");
    assert_eq!(get(&admin, &done.id).await.state(), job::State::Done);
    assert_eq!(audited(&admin).await, before);
}

#[tokio::test]
async fn a_job_is_got_by_its_id_over_json_too() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let job = enqueue(&admin).await;
    assert_eq!(get(&admin, &job.id).await, job);
    let path = format!("/api/admin/jobs/{}", job.id);
    let json = app.get(&path, admin.token.as_deref()).await;
    assert_eq!(json.status, 200, "{}", json.text);
    assert_eq!(json.body["job"]["queue"], "maintenance");
    assert_eq!(json.body["job"].get("orderKey"), None::<&Value>);
    let path = "/api/admin/jobs/job_01h2xcejqtf2nbrexx3vqjhp41";
    let json = app.get(path, admin.token.as_deref()).await;
    assert_eq!(
        (json.status.as_u16(), &json.body["code"]),
        (404, &json!("NOT_FOUND"))
    );
}

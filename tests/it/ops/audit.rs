//! The audit log: every change that an administrator makes, once, and nothing else.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use souk::pb::souk::catalog::v1::CreateCategoryRequest;
use souk::pb::souk::ops::v1::{
    AuditEntry, EnqueueTestJobRequest, ListAuditLogRequest, ListAuditLogResponse,
};
use souk::pb::souk::orders::v1::CancelOrderRequest;
use souk::pb::souk::users::v1::{DeactivateUserRequest, GetMeRequest, UpdateMeRequest};
use tonic::Code;

use crate::support::clients::{is_replayed, statements};
use crate::support::{Client, TestApp, keyed, reason};

async fn list(admin: &Client, request: ListAuditLogRequest) -> ListAuditLogResponse {
    let listed = admin.ops().list_audit_log(request).await;
    listed.unwrap().into_inner()
}

async fn entries(admin: &Client) -> Vec<AuditEntry> {
    list(admin, ListAuditLogRequest::default()).await.entries
}

fn job(message: &str) -> EnqueueTestJobRequest {
    EnqueueTestJobRequest {
        message: message.into(),
    }
}

fn off(client: &Client) -> DeactivateUserRequest {
    DeactivateUserRequest {
        id: client.user_id.clone(),
    }
}

#[tokio::test]
async fn a_change_by_an_administrator_is_told_with_all_that_is_known_of_it() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let path = format!("/api/users/{}", client.user_id);
    let headers = [("x-request-id", "from-the-desk-7")];
    let token = admin.token.as_deref();
    let changed = app
        .http(
            Method::PATCH,
            &path,
            token,
            &headers,
            Some(json!({"name": "Amina"})),
        )
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let request_id = changed.headers["x-request-id"].to_str().unwrap();
    let [entry] = entries(&admin).await.try_into().unwrap();
    assert!(entry.id.starts_with("aud_"), "{}", entry.id);
    assert_eq!(entry.actor_id, admin.user_id);
    assert_eq!(entry.method, "UserService/UpdateUser");
    let request: Value = serde_json::from_str(&entry.request).unwrap();
    assert_eq!(request, json!({"id": client.user_id, "name": "Amina"}));
    assert_eq!(entry.request_id, request_id);
    assert_eq!(entry.ip_address.as_deref(), Some("127.0.0.1"));
    let at = entry.created_at.unwrap().micros();
    assert_eq!(at, Some(app.clock.now().micros()));
}

#[tokio::test]
async fn every_service_tells_and_nobody_else_is_told_of() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let seller = app.seller().await;
    let buyer = app.customer().await;
    let named = UpdateMeRequest {
        name: Some("Amina".into()),
        ..Default::default()
    };
    buyer.users().update_me(named).await.unwrap();
    buyer.ops().enqueue_test_job(job("mine")).await.unwrap();
    assert_eq!(entries(&admin).await, []);

    let category = CreateCategoryRequest {
        name: "Épices".into(),
        ..Default::default()
    };
    admin.catalog().create_category(category).await.unwrap();
    app.advance(Duration::from_secs(1));
    let pause = json!({"id": seller.store}).to_string();
    admin.call("StoreService/PauseStore", &pause).await.unwrap();
    app.advance(Duration::from_secs(1));
    admin.ops().enqueue_test_job(job("ours")).await.unwrap();
    admin.users().get_me(GetMeRequest {}).await.unwrap();
    let methods: Vec<String> = entries(&admin)
        .await
        .into_iter()
        .map(|entry| entry.method)
        .collect();
    assert_eq!(
        methods,
        [
            "OpsService/EnqueueTestJob",
            "StoreService/PauseStore",
            "CatalogService/CreateCategory",
        ]
    );
}

#[tokio::test]
async fn a_change_is_told_once_and_a_refused_one_not_at_all() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let mut users = admin.users();
    let refused = users.deactivate_user(keyed("r", off(&admin))).await;
    assert_eq!(reason(&refused.unwrap_err()), "LAST_ADMIN");
    let refused = users.deactivate_user(off(&admin)).await;
    assert_eq!(reason(&refused.unwrap_err()), "LAST_ADMIN");
    let missing = DeactivateUserRequest {
        id: "usr_01h2xcejqtf2nbrexx3vqjhp41".into(),
    };
    let refused = users.deactivate_user(missing).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);
    assert_eq!(entries(&admin).await, []);
    for again in [false, true] {
        let done = users.deactivate_user(keyed("k", off(&client))).await;
        assert_eq!(is_replayed(&done.unwrap()), again);
        assert_eq!(entries(&admin).await.len(), 1);
    }
}

#[tokio::test]
async fn what_an_administrator_does_at_once_under_one_key_is_told_once() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let send = || async {
        let mut ops = admin.ops();
        ops.enqueue_test_job(keyed("k", job("once"))).await
    };
    let (one, two, three) = tokio::join!(send(), send(), send());
    for outcome in [one, two, three] {
        if let Err(refused) = outcome {
            assert_eq!(reason(&refused), "IDEMPOTENCY_IN_PROGRESS");
        }
    }
    assert_eq!(entries(&admin).await.len(), 1);
    let jobs = "SELECT count(*) FROM jobs WHERE kind = 'ops.test'";
    assert_eq!(app.number(jobs).await, 1);
}

#[tokio::test]
async fn secrets_do_not_reach_the_log() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let seller = app.seller().await;
    let honey = seller.product("Miel de montagne", 250_000, 5).await;
    let order = app.customer().await.order(&honey.id, 1).await;
    let cancel = CancelOrderRequest {
        id: order.id,
        reason: Some("The buyer called".into()),
        guest_token: Some("rain-on-the-tin-roof".into()),
    };
    admin.orders().cancel_order(cancel).await.unwrap();
    let [entry] = entries(&admin).await.try_into().unwrap();
    let request: Value = serde_json::from_str(&entry.request).unwrap();
    assert_eq!(request["guestToken"], json!("[secret]"));
    assert_eq!(request["reason"], json!("The buyer called"));
    let rows = app.rows().await;
    assert!(!format!("{:?}", rows["audit_log"]).contains("rain-on-the-tin-roof"));
}

#[tokio::test]
async fn the_log_is_filtered_and_paged_newest_first() {
    let app = TestApp::start().await;
    let (admin, other) = (app.admin().await, app.admin().await);
    for number in 0..4 {
        app.advance(Duration::from_secs(1));
        let text = format!("{number}");
        admin.ops().enqueue_test_job(job(&text)).await.unwrap();
    }
    app.advance(Duration::from_secs(1));
    let client = app.customer().await;
    other.users().deactivate_user(off(&client)).await.unwrap();

    let by_actor = ListAuditLogRequest {
        actor_id: admin.user_id.clone(),
        limit: 3,
        ..Default::default()
    };
    let first = list(&other, by_actor.clone()).await;
    // What is added meanwhile does not move the rest.
    app.advance(Duration::from_secs(1));
    admin.ops().enqueue_test_job(job("late")).await.unwrap();
    let rest = ListAuditLogRequest {
        page_token: first.meta.unwrap().next_page_token,
        ..by_actor
    };
    let rest = list(&other, rest).await;
    let seen: Vec<String> = first
        .entries
        .into_iter()
        .chain(rest.entries)
        .map(|entry| entry.request)
        .collect();
    let expected = ["3", "2", "1", "0"].map(|text| format!("{{\"message\":\"{text}\"}}"));
    assert_eq!(seen, expected);
    assert_eq!(rest.meta.unwrap().next_page_token, "");

    let by_method = ListAuditLogRequest {
        method: "UserService/DeactivateUser".into(),
        page: 1,
        ..Default::default()
    };
    let found = list(&admin, by_method.clone()).await;
    assert_eq!(found.meta.unwrap().total, Some(1));
    assert_eq!(found.entries[0].actor_id, other.user_id);
    let by_both = ListAuditLogRequest {
        actor_id: admin.user_id.clone(),
        ..by_method
    };
    assert_eq!(list(&admin, by_both).await.entries, []);
}

#[tokio::test]
async fn only_administrators_read_the_log() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin.ops().enqueue_test_job(job("x")).await.unwrap();
    let path = "/api/admin/audit-log?method=OpsService/EnqueueTestJob&limit=5";
    let seller = app.seller().await.client;
    let refused = app.get(path, seller.token.as_deref()).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(app.get(path, None).await.status, 401);
    let read = app.get(path, admin.token.as_deref()).await;
    assert_eq!(read.status, 200, "{}", read.text);
    assert_eq!(read.body["entries"][0]["actorId"], json!(admin.user_id));
    let odd = app.get("/api/admin/audit-log?actorId=7", admin.token.as_deref());
    assert_eq!(odd.await.status, 400);
}

#[tokio::test]
async fn entries_are_forgotten_after_a_year() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    admin.ops().enqueue_test_job(job("old")).await.unwrap();
    app.advance(Duration::from_secs(200 * 24 * 60 * 60));
    let admin = app.sign_in(&admin.phone).await;
    admin.ops().enqueue_test_job(job("new")).await.unwrap();
    app.run_jobs().await;
    assert_eq!(entries(&admin).await.len(), 2);
    app.advance(Duration::from_secs(166 * 24 * 60 * 60));
    app.run_jobs().await;
    let admin = app.sign_in(&admin.phone).await;
    let [left] = entries(&admin).await.try_into().unwrap();
    assert!(left.request.contains("new"), "{}", left.request);
}

#[tokio::test]
async fn an_entry_costs_one_statement() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let client = app.customer().await;
    let mut costs = Vec::new();
    for who in [&admin, &client] {
        who.users().get_me(GetMeRequest {}).await.unwrap();
        let done = who.ops().enqueue_test_job(keyed("k", job("x"))).await;
        costs.push(statements(&done.unwrap()));
    }
    assert_eq!(costs[0], costs[1] + 1);
    let all = ListAuditLogRequest::default();
    let read = admin.ops().list_audit_log(all).await.unwrap();
    assert_eq!(statements(&read), 1);
}

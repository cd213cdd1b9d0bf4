//! What one process does, the others know at once.

use serde_json::json;
use souk::pb::souk::catalog::v1::{
    GetProductRequest, ListFeaturedProductsRequest, UpdateProductRequest,
};
use souk::pb::souk::ops::v1::{HelloRequest, ListJobsRequest};
use souk::pb::souk::orders::v1::WatchOrderRequest;
use souk::pb::souk::orders::v1::order::Status;
use tonic::Code;

use super::away::is_left_out;
use super::{NEVER, Pair};
use crate::support::{Client, reason, until};

/// No poll finds anything: what arrives came by a hint.
async fn pair(settings: &[(&str, &str)]) -> Pair {
    Pair::start(settings, |overrides| overrides.events.poll = NEVER).await
}

async fn name(by: &Client, id: &str) -> String {
    let request = GetProductRequest { id: id.into() };
    let product = by.catalog().get_product(request).await.unwrap();
    product.into_inner().product.unwrap().name
}

#[tokio::test]
async fn a_change_in_one_process_reaches_a_stream_of_another() {
    if is_left_out() {
        return;
    }
    let Pair {
        redis: _redis,
        here,
        there,
    } = pair(&[]).await;
    let seller = here.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let buyer = here.customer().await;
    let order = buyer.order(&product.id, 1).await.id;
    let request = WatchOrderRequest {
        id: order.clone(),
        ..Default::default()
    };
    let stream = there.recall(&buyer).orders().watch_order(request).await;
    let mut stream = stream.unwrap().into_inner();
    let snapshot = stream.message().await.unwrap().unwrap();
    assert_eq!(snapshot.order.unwrap().version, 1);
    for (step, version) in [(Status::Confirmed, 2), (Status::Processing, 3)] {
        seller.client.step(&order, step).await.unwrap();
        let change = tokio::time::timeout(std::time::Duration::from_secs(20), stream.message());
        let change = change.await.expect("a hint comes").unwrap().unwrap();
        assert_eq!(change.order.unwrap().version, version);
    }
}

#[tokio::test]
async fn a_product_changed_in_one_process_is_new_in_all() {
    if is_left_out() {
        return;
    }
    let Pair { redis, here, there } = pair(&[]).await;
    let seller = here.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let (guest, far) = (here.guest().await, there.guest().await);
    let rename = async |new: &str| {
        let change = UpdateProductRequest {
            id: product.id.clone(),
            name: Some(new.to_owned()),
            ..Default::default()
        };
        let changed = seller.client.catalog().update_product(change).await;
        changed.unwrap();
        assert_eq!(name(&guest, &product.id).await, new, "where it was changed");
        until("elsewhere", async || name(&far, &product.id).await == new).await;
    };
    for round in 0..5 {
        rename(&format!("Argan oil {round}")).await;
    }
    // Whoever read before every process had seen the change left nothing in Redis.
    let mut round = 5;
    until("the product is shared", async || {
        rename(&format!("Argan oil {round}")).await;
        round += 1;
        let keys = redis.command(&["KEYS", "*cache}:products:*"]).await;
        keys.lines().any(|key| key.len() > 60)
    })
    .await;
}

#[tokio::test]
async fn a_featured_page_of_another_process_is_found_and_forgotten() {
    if is_left_out() {
        return;
    }
    let Pair { redis, here, there } = pair(&[]).await;
    let seller = here.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let feature = "UPDATE products SET featured = TRUE";
    here.execute(feature, []).await;
    let page = async |by: &Client, limit: i32| {
        let request = ListFeaturedProductsRequest {
            limit,
            ..Default::default()
        };
        let page = by.catalog().list_featured_products(request).await.unwrap();
        let products = page.into_inner().products.into_iter();
        products.map(|product| product.name).collect::<Vec<_>>()
    };
    let names = async |by: &Client| page(by, 0).await;
    let (guest, far) = (here.guest().await, there.guest().await);
    assert_eq!(names(&guest).await, ["Argan oil"]);
    let mut limit = 0;
    until("a page comes from Redis", async || {
        limit += 1;
        assert_eq!(page(&guest, limit).await, ["Argan oil"]);
        let keys = async || redis.command(&["KEYS", "*:products:featured:*"]).await;
        until("the page is shared", async || !keys().await.is_empty()).await;
        // Taken away behind everybody's back: only Redis has the page still. It may have
        // lost it to a process that has only now seen what came before; then once more.
        here.execute("UPDATE products SET featured = FALSE", [])
            .await;
        let found = page(&far, limit).await;
        here.execute(feature, []).await;
        found == ["Argan oil"]
    })
    .await;
    let change = UpdateProductRequest {
        id: product.id,
        name: Some("Argan oil, cold pressed".into()),
        ..Default::default()
    };
    seller
        .client
        .catalog()
        .update_product(change)
        .await
        .unwrap();
    assert_eq!(names(&guest).await, ["Argan oil, cold pressed"]);
    until("elsewhere", async || {
        names(&far).await == ["Argan oil, cold pressed"]
    })
    .await;
}

#[tokio::test]
async fn a_job_of_one_process_is_run_by_another_at_once() {
    if is_left_out() {
        return;
    }
    let pair = pair(&[]).await;
    let admin = pair.here.admin().await;
    pair.here.run_jobs().await;
    let url = pair.redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("JOBS_POLL", "1m")];
    let worker = pair.here.beside_with(&settings, |overrides| {
        overrides.background = true;
    });
    let _worker = worker.await;
    for count in 1..=3 {
        let message = json!({"message": "hello"}).to_string();
        admin
            .call("OpsService/EnqueueTestJob", &message)
            .await
            .unwrap();
        until("the job is done", async || {
            let request = ListJobsRequest {
                kind: "ops.test".into(),
                ..Default::default()
            };
            let jobs = admin.ops().list_jobs(request).await.unwrap().into_inner();
            let done = jobs.jobs.iter().filter(|job| job.finished_at.is_some());
            done.count() == count
        })
        .await;
    }
}

#[tokio::test]
async fn all_processes_count_one_allowance() {
    if is_left_out() {
        return;
    }
    let Pair {
        redis: _redis,
        here,
        there,
    } = pair(&[("RATE_READ", "7/60s")]).await;
    let guests = [here.guest().await, there.guest().await];
    let mut passed = 0;
    for call in 0..20 {
        match guests[call % 2].ops().hello(HelloRequest {}).await {
            Ok(_) => passed += 1,
            Err(refused) => {
                assert_eq!(refused.code(), Code::ResourceExhausted);
                assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED");
            }
        }
    }
    assert_eq!(passed, 7);
    // The allowance comes back with the clock of the test.
    here.advance(std::time::Duration::from_secs(60));
    guests[1].ops().hello(HelloRequest {}).await.unwrap();
}

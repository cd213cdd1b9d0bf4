//! Redis goes and comes back: nothing is lost, and everybody is told.

use std::time::{Duration, Instant};

use souk::pb::souk::auth::v1::RequestOtpRequest;
use souk::pb::souk::catalog::v1::GetProductRequest;
use souk::pb::souk::ops::v1::check_health_response::Status as Health;
use souk::pb::souk::ops::v1::{
    CheckHealthRequest, CheckReadinessRequest, HelloRequest, PingCacheRequest,
};
use souk::pb::souk::orders::v1::order::Status;
use souk::pb::souk::orders::v1::{WatchOrderRequest, WatchOrderResponse};
use tonic::{Code, Streaming};

use super::Pair;
use crate::support::redis::is_at_hand;
use crate::support::{Client, RedisServer, Seller, TestApp, reason, until};

/// How late streams may be without hints, with room for a busy machine.
const LATE: Duration = Duration::from_secs(4);

/// Whether these tests are left out since there is no Redis; where one is needed that
/// fails.
pub(super) fn is_left_out() -> bool {
    if is_at_hand() {
        return false;
    }
    let is_needed = std::env::var("SOUK_NEEDS_REDIS").is_ok_and(|word| word == "1");
    assert!(!is_needed, "TEST_REDIS_URL is not set");
    eprintln!("left out: TEST_REDIS_URL is not set");
    true
}

/// How the server says it is: as a whole, and its cache.
async fn health(by: &Client) -> (Health, Health) {
    let answer = by.ops().check_health(CheckHealthRequest {}).await.unwrap();
    let answer = answer.into_inner();
    let cache = answer.components.iter().find(|part| part.name == "cache");
    (answer.status(), cache.unwrap().status())
}

async fn watch(by: &Client, order: &str) -> Streaming<WatchOrderResponse> {
    let request = WatchOrderRequest {
        id: order.into(),
        ..Default::default()
    };
    let mut stream = by.orders().watch_order(request).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    stream
}

/// Takes a step at one process and waits for it in a stream of the other.
async fn follow(
    seller: &Seller,
    order: &str,
    step: Status,
    stream: &mut Streaming<WatchOrderResponse>,
) -> Duration {
    seller.client.step(order, step).await.unwrap();
    let began = Instant::now();
    let change = tokio::time::timeout(Duration::from_secs(20), stream.message()).await;
    let change = change.expect("late, but it comes").unwrap().unwrap();
    assert_eq!(change.change.unwrap().status(), step);
    began.elapsed()
}

/// How many of so many calls for one-time passwords pass, taken in turn by both.
async fn passwords(pair: &Pair, phones: std::ops::Range<u32>) -> usize {
    let guests = [pair.here.guest().await, pair.there.guest().await];
    let mut passed = 0;
    for number in phones {
        let phone = format!("05559{number:05}");
        let wish = RequestOtpRequest { phone };
        let asked = guests[number as usize % 2].auth().request_otp(wish).await;
        match asked {
            Ok(_) => passed += 1,
            Err(refused) => assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED"),
        }
    }
    passed
}

#[tokio::test]
async fn without_redis_trade_goes_on_a_little_later_and_health_says_so() {
    if is_left_out() {
        return;
    }
    let mut pair = Pair::start(&[], |_| {}).await;
    let seller = pair.here.seller().await;
    let product = seller.product("Argan oil", 90_000, 9).await;
    let buyer = pair.here.customer().await;
    let order = buyer.order(&product.id, 1).await.id;
    let mut stream = watch(&pair.there.recall(&buyer), &order).await;
    follow(&seller, &order, Status::Confirmed, &mut stream).await;
    assert_eq!(health(&buyer).await, (Health::Up, Health::Up));

    pair.redis.kill();
    // Nobody waits for it, not even the first one who misses it.
    let mut waits = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let id = product.id.clone();
        let request = GetProductRequest { id };
        buyer.catalog().get_product(request).await.unwrap();
        waits.push(began.elapsed());
    }
    let longest = *waits.iter().max().unwrap();
    assert!(longest < Duration::from_secs(1), "{waits:?}");
    let late = follow(&seller, &order, Status::Processing, &mut stream).await;
    assert!(late < LATE, "{late:?}");
    until("health tells", async || {
        health(&buyer).await == (Health::Degraded, Health::Down)
    })
    .await;
    let ping = buyer.ops().ping_cache(PingCacheRequest {}).await;
    let ping = ping.unwrap_err();
    assert_eq!(
        (ping.code(), reason(&ping)),
        (Code::Unavailable, "UNAVAILABLE".into())
    );
    let ready = buyer.ops().check_readiness(CheckReadinessRequest {}).await;
    ready.unwrap();
    // A new buyer signs in at the other process and orders.
    let second = pair.there.customer().await;
    let placed = second.order(&product.id, 2).await.id;
    let mut late_stream = watch(&pair.here.recall(&second), &placed).await;
    let late = follow(&seller, &placed, Status::Confirmed, &mut late_stream).await;
    assert!(late < LATE, "{late:?}");

    pair.redis.restart().await;
    for app in [&pair.here, &pair.there] {
        let guest = app.guest().await;
        until("health is back", async || {
            health(&guest).await == (Health::Up, Health::Up)
        })
        .await;
        guest.ops().ping_cache(PingCacheRequest {}).await.unwrap();
    }
    follow(&seller, &order, Status::Ready, &mut stream).await;
    pair.here.assert_sound().await;
}

#[tokio::test]
async fn sign_in_is_bounded_for_all_processes_together_with_redis_or_without() {
    if is_left_out() {
        return;
    }
    let limits = [("RATE_OTP", "6/60s"), ("RATE_READ", "5/60s")];
    let mut pair = Pair::start(&limits, |_| {}).await;
    assert_eq!(passwords(&pair, 0..20).await, 6);

    pair.redis.kill();
    // The count goes on in the database, for both together.
    assert_eq!(passwords(&pair, 20..40).await, 6);
    // And what is not strict is counted by each process for itself.
    for app in [&pair.here, &pair.there] {
        let guest = app.guest().await;
        let mut passed = 0;
        for _ in 0..10 {
            match guest.ops().hello(HelloRequest {}).await {
                Ok(_) => passed += 1,
                Err(refused) => assert_eq!(reason(&refused), "RATE_LIMIT_EXCEEDED"),
            }
        }
        assert_eq!(passed, 5);
    }

    pair.redis.restart().await;
    // An hour of the test's clock brings every allowance back.
    pair.here.advance(Duration::from_secs(60 * 60));
    pair.here.run_jobs().await;
    for app in [&pair.here, &pair.there] {
        let guest = app.guest().await;
        until("Redis is found", async || {
            health(&guest).await == (Health::Up, Health::Up)
        })
        .await;
    }
    let before = pair.here.number("SELECT count(*) FROM rate_windows").await;
    assert_eq!(passwords(&pair, 40..60).await, 6);
    let after = pair.here.number("SELECT count(*) FROM rate_windows").await;
    assert_eq!(after, before, "counted in Redis, not in the database");
}

#[tokio::test]
async fn a_redis_that_hangs_is_as_good_as_away() {
    if is_left_out() {
        return;
    }
    let pair = Pair::start(&[], |_| {}).await;
    let guest = pair.here.guest().await;
    assert_eq!(health(&guest).await, (Health::Up, Health::Up));
    pair.redis.freeze();
    guest.ops().hello(HelloRequest {}).await.unwrap();
    let began = Instant::now();
    for _ in 0..50 {
        guest.ops().hello(HelloRequest {}).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(2), "calls wait");
    until("health tells", async || {
        health(&guest).await == (Health::Degraded, Health::Down)
    })
    .await;
    pair.redis.thaw();
    until("health is back", async || {
        health(&guest).await == (Health::Up, Health::Up)
    })
    .await;
}

#[tokio::test]
async fn a_process_starts_without_redis_and_finds_it_later() {
    if is_left_out() {
        return;
    }
    let mut redis = RedisServer::start().await;
    redis.kill();
    let url = redis.url();
    let app = TestApp::with(&[("REDIS_URL", &url)]).await;
    let guest = app.guest().await;
    assert_eq!(health(&guest).await, (Health::Degraded, Health::Down));
    app.customer().await;
    redis.restart().await;
    until("Redis is found", async || {
        health(&guest).await == (Health::Up, Health::Up)
    })
    .await;
    app.customer().await;
    let keys = redis.command(&["KEYS", "*"]).await;
    assert!(keys.contains("rate:"), "{keys}");
}

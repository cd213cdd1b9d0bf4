//! Redis for tests beside the code: the server that `TEST_REDIS_URL` names, where it is
//! set, with a prefix of its own for each test; and servers that a test may break. Where
//! it is not set these tests are left out, unless `SOUK_NEEDS_REDIS` forbids that.

use std::future::Future;

use super::{Redis, RedisConfig};
use crate::kernel::random;
use crate::kernel::task::Tasks;

#[path = "../../tests/rig/redis.rs"]
mod server;

pub(crate) use server::RedisServer;

/// Runs a test on the Redis at hand, where there is one.
pub(crate) async fn with_redis<F, Fut>(test: F)
where
    F: FnOnce(Redis) -> Fut,
    Fut: Future<Output = ()>,
{
    if let Some(url) = url() {
        let tasks = Tasks::default();
        let redis = connect(&url, &prefix(), &tasks).await;
        test(redis).await;
        tasks.stop(std::time::Duration::from_secs(5)).await;
    }
}

/// Runs a test on a server of its own, where Redis is at hand at all.
pub(crate) async fn with_server<F, Fut>(test: F)
where
    F: FnOnce(RedisServer, Redis, Tasks) -> Fut,
    Fut: Future<Output = ()>,
{
    if url().is_some() {
        let tasks = Tasks::default();
        let server = RedisServer::start().await;
        let redis = connect(&server.url(), &prefix(), &tasks).await;
        test(server, redis, tasks.clone()).await;
        tasks.stop(std::time::Duration::from_secs(5)).await;
    }
}

/// One more process on the same Redis.
pub(crate) async fn connect(url: &str, prefix: &str, tasks: &Tasks) -> Redis {
    let config = RedisConfig::new(url, prefix).unwrap();
    Redis::connect(&config, tasks).await.unwrap()
}

/// Waits until something holds; the test fails when it never does.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let met = async {
        let mut pace = tokio::time::interval(std::time::Duration::from_millis(2));
        while !condition().await {
            pace.tick().await;
        }
    };
    let met = tokio::time::timeout(std::time::Duration::from_secs(20), met).await;
    assert!(met.is_ok(), "{what}: never");
}

/// A prefix that nobody else has.
pub(crate) fn prefix() -> String {
    format!("souk-test-{}:", random::code(16))
}

/// The Redis at hand; without one the test that asks is left out, and says so.
#[expect(
    clippy::disallowed_methods,
    reason = "names the server to test against; nothing else is configured"
)]
pub(crate) fn url() -> Option<String> {
    let url = std::env::var("TEST_REDIS_URL").ok();
    if url.is_none() {
        let is_needed = std::env::var("SOUK_NEEDS_REDIS").is_ok_and(|word| word == "1");
        assert!(!is_needed, "TEST_REDIS_URL is not set");
        eprintln!("left out: TEST_REDIS_URL is not set");
    }
    url
}

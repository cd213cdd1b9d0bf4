//! Processes that share a Redis, and what becomes of them when it goes. These tests start
//! servers of their own; they run where `TEST_REDIS_URL` shows that there is a Redis.

mod away;
mod shared;

use std::time::Duration;

use souk::app::Overrides;

use crate::support::{RedisServer, TestApp};

/// So seldom that nothing in these tests can be due to it.
const NEVER: Duration = Duration::from_secs(60 * 60);

/// Two processes on one database and one Redis of their own.
struct Pair {
    redis: RedisServer,
    here: TestApp,
    there: TestApp,
}

impl Pair {
    async fn start(settings: &[(&str, &str)], adjust: impl Fn(&mut Overrides)) -> Self {
        let redis = RedisServer::start().await;
        let url = redis.url();
        let mut settings = settings.to_vec();
        settings.push(("REDIS_URL", &url));
        let here = TestApp::adjusted(&settings, &adjust).await;
        let there = here.beside_with(&settings, &adjust).await;
        Self { redis, here, there }
    }
}

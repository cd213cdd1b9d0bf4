//! Redis: the one that the whole suite may use, and servers that a test may break.

#[path = "../../rig/redis.rs"]
mod server;

pub use server::RedisServer;

/// The Redis that every server of the suite uses: what `TEST_REDIS_URL` names, where
/// `SOUK_TEST_REDIS` is on.
pub fn shared_redis() -> Option<String> {
    let is_on = std::env::var("SOUK_TEST_REDIS").is_ok_and(|word| word == "on");
    is_on.then(|| std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL names a server"))
}

/// Whether there is a Redis at all, so that a test may start one of its own.
pub fn is_at_hand() -> bool {
    std::env::var("TEST_REDIS_URL").is_ok()
}

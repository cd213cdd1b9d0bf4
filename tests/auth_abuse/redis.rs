//! The same with a Redis between the processes, and when it is gone: Redis carries hints
//! and counts, so that losing it opens no door.

use super::rig::{RedisServer, Souk, setting};
use super::sessions::Site;
use super::{SETTINGS, assert_five_count};

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_and_guesses_are_counted_with_redis_and_when_it_is_gone() {
    // Two processes meet in PostgreSQL, and a server of this test's own can be killed
    // only where there is one at all.
    let is_at_hand = !setting("TEST_REDIS_URL", String::new()).is_empty();
    let souk = Souk::install("redis").await;
    if !is_at_hand || !souk.database.is_postgres() {
        return souk.remove().await;
    }
    let mut redis = RedisServer::start().await;
    let site = Site::of(souk.with(SETTINGS).on_redis(redis.url())).await;
    for (is_gone, digit) in [(false, 2), (true, 3), (false, 4)] {
        if is_gone {
            redis.kill();
        } else if digit > 2 {
            redis.restart().await;
        }
        site.assert_reuse_ends(&format!("05500{digit}0001")).await;
        site.assert_endings(&format!("05500{digit}01")).await;
        assert_five_count(&site.here, &format!("05500{digit}0002")).await;
    }
    site.close().await;
}

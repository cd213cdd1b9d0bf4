use std::time::Instant;

use super::*;
use crate::cache::testing::{until, with_server};

/// How long a script takes, and whether it was answered.
async fn timed(redis: &Redis) -> (bool, Duration) {
    let began = Instant::now();
    let script = Script::from_lua("return 1");
    let answer = redis.run::<i64>(&script, vec![redis.key("one")], Vec::new());
    let is_answered = answer.await.is_ok();
    (is_answered, began.elapsed())
}

#[tokio::test]
async fn a_command_waits_for_nobody_while_redis_is_away() {
    with_server(async |mut server, redis: Redis, _tasks| {
        for round in 0..3 {
            until("it answers", async || redis.ping().await.is_ok()).await;
            server.kill();
            let (is_answered, took) = timed(&redis).await;
            assert!(
                !is_answered && took < Duration::from_millis(600),
                "{took:?}"
            );
            for _ in 0..1000 {
                let (is_answered, took) = timed(&redis).await;
                assert!(!is_answered, "round {round}");
                assert!(took < Duration::from_millis(100), "{took:?}");
            }
            server.restart().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_hangs_costs_one_wait() {
    with_server(async |server, redis: Redis, _tasks| {
        server.freeze();
        let (is_answered, took) = timed(&redis).await;
        assert!(!is_answered && took < PATIENCE * 2, "{took:?}");
        for _ in 0..1000 {
            let (is_answered, took) = timed(&redis).await;
            assert!(
                !is_answered && took < Duration::from_millis(100),
                "{took:?}"
            );
        }
        server.thaw();
        until("it answers", async || redis.ping().await.is_ok()).await;
    })
    .await;
}

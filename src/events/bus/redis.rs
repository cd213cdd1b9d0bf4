//! The bus over Redis: one channel, one word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Bus, Hint};
use crate::cache::{Heard, Redis};
use crate::kernel::random;
use crate::kernel::task::Tasks;

/// The channel of all hints.
const CHANNEL: &str = "hints";

/// Carries hints over Redis. While Redis is away they are lost; when it is back, or a
/// message may have been missed, every hint is taken as given once.
pub struct RedisBus(Arc<Shared>);

struct Shared {
    redis: Redis,
    /// The sender's name, before the hint: a process needs no hints of its own.
    name: String,
    lines: [Line; 2],
    /// Wakes the task that publishes.
    leave: Notify,
}

/// One hint on its way.
#[derive(Default)]
struct Line {
    /// To be published; many announcements while one is under way become one more.
    is_due: AtomicBool,
    came: Notify,
}

impl RedisBus {
    /// A bus over Redis; tasks of `tasks` publish and listen.
    pub fn start(redis: Redis, tasks: &Tasks) -> Self {
        let shared = Arc::new(Shared {
            redis: redis.clone(),
            name: random::code(16),
            lines: Default::default(),
            leave: Notify::new(),
        });
        let listening = shared.clone();
        redis.listen(CHANNEL, tasks, move |heard| listening.hear(heard));
        let (publishing, stopping) = (shared.clone(), tasks.stopping());
        tasks.spawn(async move { publishing.publish(&stopping).await });
        Self(shared)
    }
}

#[async_trait::async_trait]
impl Bus for RedisBus {
    fn announce(&self, hint: Hint) {
        self.0.line(hint).is_due.store(true, Ordering::SeqCst);
        self.0.leave.notify_one();
    }

    async fn announced(&self, hint: Hint) {
        self.0.line(hint).came.notified().await;
    }
}

impl Shared {
    const fn line(&self, hint: Hint) -> &Line {
        &self.lines[hint as usize]
    }

    fn hear(&self, heard: Heard<'_>) {
        match heard {
            Heard::Gap => {
                for line in &self.lines {
                    line.came.notify_one();
                }
            }
            Heard::Message(text) => {
                let (sender, word) = text.split_once(' ').unwrap_or_default();
                let hint = Hint::ALL.into_iter().find(|hint| hint.as_str() == word);
                if let Some(hint) = hint.filter(|_| sender != self.name) {
                    self.line(hint).came.notify_one();
                }
            }
        }
    }

    async fn publish(&self, stopping: &CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.leave.notified() => {}
            }
            for hint in Hint::ALL {
                if self.line(hint).is_due.swap(false, Ordering::SeqCst) {
                    let message = format!("{} {}", self.name, hint.as_str());
                    // A hint that is lost is made up for by the others' poll.
                    drop(self.redis.publish(CHANNEL, message).await);
                }
            }
        }
    }
}

impl std::fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisBus").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cache::testing::{RedisServer, connect, prefix, until, url, with_server};

    /// Two processes on one Redis, past the hint that each gets when it begins to listen.
    async fn pair(url: &str, tasks: &Tasks) -> [RedisBus; 2] {
        let prefix = prefix();
        let buses = [
            RedisBus::start(connect(url, &prefix, tasks).await, tasks),
            RedisBus::start(connect(url, &prefix, tasks).await, tasks),
        ];
        for bus in &buses {
            for hint in Hint::ALL {
                assert!(comes(bus, hint).await, "the first {hint:?}");
            }
        }
        buses
    }

    /// Whether a hint comes, at the longest in a few seconds.
    async fn comes(bus: &RedisBus, hint: Hint) -> bool {
        let patience = Duration::from_secs(20);
        let hint = tokio::time::timeout(patience, bus.announced(hint));
        hint.await.is_ok()
    }

    #[tokio::test]
    async fn a_hint_comes_to_the_others_and_not_back() {
        let Some(url) = url() else { return };
        let tasks = Tasks::default();
        let [left, right] = pair(&url, &tasks).await;
        for hint in Hint::ALL {
            left.announce(hint);
            assert!(comes(&right, hint).await);
        }
        // An answer proves that what was said before has been heard.
        right.announce(Hint::Jobs);
        assert!(comes(&left, Hint::Jobs).await);
        let own = tokio::time::timeout(Duration::ZERO, left.announced(Hint::Events)).await;
        assert!(own.is_err(), "a process hears itself");
        tasks.stop(Duration::from_secs(5)).await;
    }

    #[tokio::test]
    async fn hints_come_again_after_redis_was_killed_and_after_the_line_was_cut() {
        with_server(
            async |mut server: RedisServer, redis: Redis, tasks: Tasks| {
                let [left, right] = pair(&server.url(), &tasks).await;
                server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
                // The gap itself is a hint.
                assert!(comes(&right, Hint::Events).await);
                left.announce(Hint::Events);
                assert!(comes(&right, Hint::Events).await);

                server.kill();
                for _ in 0..1000 {
                    left.announce(Hint::Events);
                }
                until("the loss is noticed", async || redis.ping().await.is_err()).await;
                server.restart().await;
                assert!(comes(&right, Hint::Events).await);
                assert!(comes(&right, Hint::Jobs).await);
                until("it is found", async || !left.0.redis.is_away()).await;
                left.announce(Hint::Jobs);
                assert!(comes(&right, Hint::Jobs).await);
            },
        )
        .await;
    }
}

use std::sync::atomic::AtomicU32;

use futures_util::future::join_all;

use super::*;
use crate::cache::redis::CONNECTIONS;
use crate::cache::testing::{connect, prefix, until, url, with_server};
use crate::cache::{Cache, Freshness};
use crate::kernel::Reason;

/// A value and the form it is written in.
impl Portable for u32 {
    const FORM: u8 = 1;

    fn to_bytes(&self) -> Option<Vec<u8>> {
        Some(self.to_string().into_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok()?.parse().ok()
    }
}

/// The same values as the next version writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Next(u32);

impl Portable for Next {
    const FORM: u8 = 2;

    fn to_bytes(&self) -> Option<Vec<u8>> {
        Some(vec![self.0 as u8])
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(u32::from(*bytes.first()?)))
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// One process.
struct Process {
    shared: SharedCache,
    redis: Redis,
    tasks: Tasks,
}

impl Process {
    async fn start(url: &str, prefix: &str) -> Self {
        let tasks = Tasks::default();
        let redis = connect(url, prefix, &tasks).await;
        let shared = SharedCache::start(redis.clone(), &tasks);
        let process = Self {
            shared,
            redis,
            tasks,
        };
        process.settle().await;
        process
    }

    /// Waits until all connections stand, of which each begins a generation, the process
    /// believes what it finds, and all it had to say is said.
    async fn settle(&self) {
        let is_settled =
            async || self.redis.finds() > CONNECTIONS as u64 && self.shared.is_right_about("1");
        until("in step", is_settled).await;
    }

    fn cache<V: Portable + Clone + Send + Sync + 'static>(&self, fresh: Duration) -> Cache<u32, V> {
        let freshness = Freshness {
            fresh,
            stale: MINUTE,
        };
        let key = |key: &u32| format!("numbers:{key}");
        let tier = Tier::new(&self.shared, freshness, key, u32::to_string);
        Cache::tiered("test", 10, freshness, Some(tier))
    }

    /// Waits until a value lies in the shared cache.
    async fn until_kept(&self) {
        let kept = async || {
            let found = self.shared.look("1", "numbers:1", MINUTE).await;
            found.is_ok_and(|found| found.value.is_some())
        };
        until("kept", kept).await;
    }
}

/// Two processes on the Redis at hand, where there is one.
async fn pair() -> Option<[Process; 2]> {
    let (url, prefix) = (url()?, prefix());
    Some([
        Process::start(&url, &prefix).await,
        Process::start(&url, &prefix).await,
    ])
}

async fn give(value: u32) -> Result<u32> {
    Ok(value)
}

async fn never() -> Result<u32> {
    panic!("loaded although it was kept")
}

#[tokio::test]
async fn what_one_process_loaded_the_others_find() {
    let Some([left, right]) = pair().await else {
        return;
    };
    let (left_numbers, right_numbers) = (left.cache::<u32>(MINUTE), right.cache::<u32>(MINUTE));
    assert_eq!(left_numbers.get_or_load(&1, || give(7)).await.unwrap(), 7);
    left.until_kept().await;
    assert_eq!(right_numbers.get_or_load(&1, never).await.unwrap(), 7);
    // Another version has its own form, and what it cannot read it loads.
    let next = right.cache::<Next>(MINUTE);
    let loaded = next.get_or_load(&1, || async { Ok(Next(8)) }).await;
    assert_eq!(loaded.unwrap(), Next(8));
}

#[tokio::test]
async fn after_an_event_neither_process_gets_the_older_value() {
    let Some([left, right]) = pair().await else {
        return;
    };
    let (here, there) = (left.cache::<u32>(MINUTE), right.cache::<u32>(MINUTE));
    assert_eq!(here.get_or_load(&1, || give(1)).await.unwrap(), 1);
    left.until_kept().await;
    assert_eq!(there.get_or_load(&1, never).await.unwrap(), 1);
    for new in 2..50 {
        // The writer at once, and the other one from when it hears of it.
        here.invalidate(&1);
        assert_eq!(here.get_or_load(&1, || give(new)).await.unwrap(), new);
        there.invalidate(&1);
        assert_eq!(there.get_or_load(&1, || give(new)).await.unwrap(), new);
    }
}

#[tokio::test]
async fn a_slow_loader_leaves_no_old_value_behind() {
    let Some([left, right]) = pair().await else {
        return;
    };
    let slow = left.shared.look("1", "numbers:1", MINUTE).await.unwrap();
    assert!(slow.value.is_none() && slow.is_turn);
    // Meanwhile the value changes, and another process says so.
    right.shared.forget("1".to_owned());
    right.settle().await;
    let value = b"old".to_vec();
    left.shared
        .keep("1", "numbers:1", slow.mark, value.clone(), MINUTE);
    // The turn is given up in the same step.
    let after = async || {
        let found = right.shared.look("1", "numbers:1", MINUTE).await.unwrap();
        assert_eq!(found.value, None);
        found.is_turn
    };
    until("the slow loader is done", after).await;
}

#[tokio::test]
async fn one_of_all_processes_loads_a_stale_value_anew() {
    let Some([left, right]) = pair().await else {
        return;
    };
    let loads = AtomicU32::new(0);
    let load = || async { Ok(loads.fetch_add(1, Ordering::SeqCst)) };
    let first = left.cache::<u32>(Duration::ZERO);
    assert_eq!(first.get_or_load(&1, load).await.unwrap(), 0);
    left.until_kept().await;
    // Each has an empty cache of its own in front.
    let caches: Vec<_> = (0..10)
        .map(|n| [&left, &right][n % 2].cache::<u32>(Duration::ZERO))
        .collect();
    let turn = left.shared.look("1", "numbers:1", Duration::ZERO).await;
    assert!(turn.unwrap().is_turn, "this process has the turn");
    let reads = join_all(caches.iter().map(|cache| cache.get_or_load(&1, load))).await;
    for read in reads {
        assert_eq!(read.unwrap(), 0, "the stale one, without waiting");
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn those_who_miss_together_load_once_in_all_processes() {
    let Some([left, right]) = pair().await else {
        return;
    };
    let loads = AtomicU32::new(0);
    let load = || async { Ok(loads.fetch_add(1, Ordering::SeqCst)) };
    let (here, there) = (left.cache::<u32>(MINUTE), right.cache::<u32>(MINUTE));
    let reads = (0..20).map(|n| [&here, &there][n % 2].get_or_load(&1, load));
    for read in join_all(reads).await {
        assert_eq!(read.unwrap(), 0);
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_failed_loading_gives_up_its_turn() {
    let Some([left, _right]) = pair().await else {
        return;
    };
    let cache = left.cache::<u32>(MINUTE);
    let gone = || async { Err(Error::not_found("number")) };
    let refused = cache.get_or_load(&1, gone).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::NotFound);
    let free = async || {
        let found = left.shared.look("1", "numbers:1", MINUTE).await.unwrap();
        found.is_turn
    };
    until("the turn is free", free).await;
}

#[tokio::test]
async fn without_redis_the_cache_goes_on_and_nothing_waits() {
    with_server(async |mut server, redis: Redis, tasks: Tasks| {
        let shared = SharedCache::start(redis.clone(), &tasks);
        let process = Process {
            shared,
            redis,
            tasks,
        };
        process.settle().await;
        let cache = process.cache::<u32>(MINUTE);
        assert_eq!(cache.get_or_load(&1, || give(1)).await.unwrap(), 1);
        process.until_kept().await;
        server.kill();
        // The event cannot be told, and still wins.
        cache.invalidate(&1);
        assert_eq!(cache.get_or_load(&1, || give(2)).await.unwrap(), 2);
        until("the loss is noticed", async || process.redis.is_away()).await;
        let began = std::time::Instant::now();
        for key in 2..1002 {
            let read = cache.get_or_load(&key, || give(key)).await;
            assert_eq!(read.unwrap(), key);
        }
        assert!(began.elapsed() < Duration::from_secs(2), "reads wait");
        server.restart().await;
        process.settle().await;
        // Each connection that comes back begins a generation, so one value may be lost.
        let mut key = 2000;
        let kept = async || {
            let name = format!("numbers:{key}");
            let found = process.shared.look(&key.to_string(), &name, MINUTE).await;
            key += 1;
            assert_eq!(cache.get_or_load(&key, || give(5)).await.unwrap(), 5);
            found.is_ok_and(|found| found.value.is_some())
        };
        until("values are kept again", kept).await;
    })
    .await;
}

#[tokio::test]
async fn what_could_not_be_told_is_forgotten_with_everything_else() {
    with_server(async |server, redis: Redis, tasks: Tasks| {
        let prefix = prefix();
        let _unused = (redis, tasks);
        let left = Process::start(&server.url(), &prefix).await;
        let right = Process::start(&server.url(), &prefix).await;
        let (here, there) = (left.cache::<u32>(MINUTE), right.cache::<u32>(MINUTE));
        assert_eq!(here.get_or_load(&1, || give(1)).await.unwrap(), 1);
        left.until_kept().await;
        // Redis keeps its memory, but answers nobody while the value changes.
        server.freeze();
        here.invalidate(&1);
        let read = here.get_or_load(&1, || give(2));
        let began = std::time::Instant::now();
        assert_eq!(read.await.unwrap(), 2);
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "one command waits"
        );
        until("the loss is noticed", async || left.redis.is_away()).await;
        server.thaw();
        left.settle().await;
        right.settle().await;
        // The other process has not heard of the change, and the old value is gone.
        let found = right.shared.look("1", "numbers:1", MINUTE).await;
        assert_eq!(found.unwrap().value, None);
        let read = there.get_or_load(&1, || give(2)).await;
        assert_eq!(read.unwrap(), 2);
        left.tasks.stop(MINUTE).await;
        right.tasks.stop(MINUTE).await;
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_forgot_everything_takes_no_value_from_before() {
    with_server(async |server, redis: Redis, tasks: Tasks| {
        let shared = SharedCache::start(redis.clone(), &tasks);
        let process = Process {
            shared,
            redis,
            tasks,
        };
        process.settle().await;
        let before = process.shared.look("1", "numbers:1", MINUTE).await.unwrap();
        server.command(&["FLUSHALL"]).await;
        process
            .shared
            .keep("1", "numbers:1", before.mark, b"1".to_vec(), MINUTE);
        let after = async || {
            let found = process.shared.look("1", "numbers:1", MINUTE).await;
            found.unwrap().value.is_none()
        };
        until("nothing there", after).await;
        // And what is loaded now is kept.
        let cache = process.cache::<u32>(MINUTE);
        assert_eq!(cache.get_or_load(&1, || give(2)).await.unwrap(), 2);
        process.until_kept().await;
    })
    .await;
}

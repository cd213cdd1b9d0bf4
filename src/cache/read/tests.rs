use std::sync::atomic::AtomicU32;

use tokio::sync::Notify;

use super::*;
use crate::kernel::Reason;

fn cache() -> Cache<u32, u32> {
    Cache::new("test", 10, Duration::from_secs(60))
}

#[tokio::test]
async fn readers_who_miss_together_load_once() {
    let (cache, loads) = (cache(), AtomicU32::new(0));
    let read = || {
        cache.get_or_load(&1, || async {
            tokio::task::yield_now().await;
            Ok(loads.fetch_add(1, Ordering::SeqCst))
        })
    };
    let (left, right) = tokio::join!(read(), read());
    assert_eq!((left.unwrap(), right.unwrap()), (0, 0));
    assert_eq!(read().await.unwrap(), 0);
    cache.invalidate(&1);
    assert_eq!(read().await.unwrap(), 1);
    assert_eq!(read().await.unwrap(), 1);
}

#[tokio::test]
async fn a_value_whose_loading_began_before_an_invalidation_is_not_given() {
    let (cache, source, go_on) = (cache(), AtomicU32::new(1), Notify::new());
    let reading = cache.get_or_load(&1, || async {
        let value = source.load(Ordering::SeqCst);
        if value == 1 {
            go_on.notified().await;
        }
        Ok(value)
    });
    let writing = async {
        source.store(2, Ordering::SeqCst);
        cache.invalidate(&1);
        go_on.notify_one();
    };
    let (read, ()) = tokio::join!(biased; reading, writing);
    assert_eq!(read.unwrap(), 2);
    let kept = cache.get_or_load(&1, || async { Ok(9) }).await;
    assert_eq!(kept.unwrap(), 2);
}

#[tokio::test]
async fn a_failure_reaches_everyone_who_waited_and_is_not_kept() {
    let cache = cache();
    let read = || {
        cache.get_or_load(&1, || async {
            tokio::task::yield_now().await;
            Err(Error::not_found("store"))
        })
    };
    let (left, right) = tokio::join!(read(), read());
    for refused in [left, right] {
        let error = refused.unwrap_err();
        assert_eq!(error.reason(), Reason::NotFound);
        assert_eq!(error.message(), "store not found");
    }
    let loaded = cache.get_or_load(&1, || async { Ok(3) }).await;
    assert_eq!(loaded.unwrap(), 3);
}

/// A value that is never fresh, and stale for a minute.
fn stale() -> Cache<u32, u32> {
    let freshness = Freshness {
        fresh: Duration::ZERO,
        stale: Duration::from_secs(60),
    };
    Cache::tiered("test", 10, freshness, None)
}

#[tokio::test]
async fn one_reader_loads_a_stale_value_anew_and_the_others_go_on_with_it() {
    let (cache, loads, go_on) = (stale(), AtomicU32::new(0), Notify::new());
    let load = || async {
        let load = loads.fetch_add(1, Ordering::SeqCst);
        if load == 1 {
            go_on.notified().await;
        }
        Ok(load)
    };
    assert_eq!(cache.get_or_load(&1, load).await.unwrap(), 0);
    let renewing = cache.get_or_load(&1, load);
    let reading = async {
        for _ in 0..3 {
            assert_eq!(cache.get_or_load(&1, load).await.unwrap(), 0);
        }
        go_on.notify_one();
    };
    let (renewed, ()) = tokio::join!(biased; renewing, reading);
    assert_eq!(renewed.unwrap(), 1);
    assert_eq!(loads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_stale_value_is_used_when_loading_fails_but_not_when_it_is_gone() {
    let cache = stale();
    let good = cache.get_or_load(&1, || async { Ok(7) }).await;
    assert_eq!(good.unwrap(), 7);
    let fails = || async { Err(Error::unavailable("away", "no answer")) };
    assert_eq!(cache.get_or_load(&1, fails).await.unwrap(), 7);
    // Not tried again at once, so that those who read do not wait each in turn.
    let never = || async { panic!("loaded again") };
    assert_eq!(cache.get_or_load(&1, never).await.unwrap(), 7);

    let gone = || async { Err(Error::not_found("store")) };
    let cache = stale();
    cache.get_or_load(&1, || async { Ok(7) }).await.unwrap();
    let refused = cache.get_or_load(&1, gone).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::NotFound);
    let refused = cache.get_or_load(&1, gone).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::NotFound);
}

#[tokio::test]
async fn who_loads_a_stale_value_anew_does_not_wait_for_long() {
    let cache = stale();
    cache.get_or_load(&1, || async { Ok(7) }).await.unwrap();
    let never = || std::future::pending();
    assert_eq!(cache.get_or_load(&1, never).await.unwrap(), 7);
}

#[tokio::test]
async fn a_value_invalidated_while_it_is_loaded_anew_is_not_given() {
    let (cache, source, go_on) = (stale(), AtomicU32::new(1), Notify::new());
    let read = |waits: bool| {
        let (source, go_on) = (&source, &go_on);
        cache.get_or_load(&1, move || async move {
            let value = source.load(Ordering::SeqCst);
            if waits && value == 1 {
                go_on.notified().await;
            }
            Ok(value)
        })
    };
    assert_eq!(read(false).await.unwrap(), 1);
    let writing = async {
        source.store(2, Ordering::SeqCst);
        cache.invalidate(&1);
        assert_eq!(read(false).await.unwrap(), 2);
        go_on.notify_one();
    };
    let (read, ()) = tokio::join!(biased; read(true), writing);
    assert_eq!(read.unwrap(), 2);
}

#[tokio::test]
async fn past_its_stale_time_a_value_is_loaded() {
    let cache = Cache::new("test", 10, Duration::ZERO);
    for expected in 0..3 {
        let read = cache.get_or_load(&1, || async move { Ok(expected) });
        assert_eq!(read.await.unwrap(), expected);
    }
}

//! How values are shared, and when they are told.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::FutureExt;

use super::groups::MOST;
use super::pace::{PACE_LEAST, pace, turn};
use super::*;

const MANY: usize = 10_000;

#[test]
fn messages_are_further_apart_the_more_streams_there_are() {
    let cases = [
        (0, 250),
        (1, 250),
        (3_125, 250),
        (5_000, 400),
        (MANY, 800),
        (90_000, 800),
    ];
    for (watchers, millis) in cases {
        assert_eq!(pace(watchers), Duration::from_millis(millis), "{watchers}");
    }
}

#[test]
fn a_stream_has_one_turn_in_each_period_and_the_turns_of_many_are_spread() {
    let born = Instant::now();
    let period = Duration::from_millis(800);
    for phase in [0, 1, 40_000, 65_535] {
        let mut now = born + Duration::from_secs(7);
        let first = turn(born, now, period, phase);
        assert!(first >= now && first < now + period, "{phase}");
        for _ in 0..10 {
            // Asked right after a turn, the next one is a period later.
            now = turn(born, now, period, phase) + Duration::from_micros(1);
            let next = turn(born, now, period, phase);
            assert_eq!(next + Duration::from_micros(1), now + period, "{phase}");
        }
    }
    let now = born + Duration::from_secs(7);
    let quarter = |phase: u32| {
        let wait = turn(born, now, period, phase) - now;
        (wait.as_millis() / 200) as usize
    };
    let mut quarters = [0; 4];
    for number in 0..1000 {
        quarters[quarter(number * 65_536 / 1000)] += 1;
    }
    assert!(
        quarters.iter().all(|some| (230..270).contains(some)),
        "{quarters:?}"
    );
}

async fn join(latest: &Latest<u8, u32>, value: u32) -> Watcher<u8, u32> {
    latest.join(7, async { Ok(value) }).await.unwrap()
}

/// As many watchers as fill so many groups.
async fn join_groups(latest: &Latest<u8, u32>, groups: usize) -> Vec<Watcher<u8, u32>> {
    let mut watchers = Vec::new();
    for _ in 0..groups * MOST {
        watchers.push(join(latest, 1).await);
    }
    watchers
}

/// What a watcher is told until `at`, if anything.
fn told_at(latest: &Latest<u8, u32>, watcher: &mut Watcher<u8, u32>, at: Instant) -> Option<u32> {
    latest.0.groups().tell(at);
    let is_new = watcher.told.has_changed().unwrap();
    let told = watcher.told.borrow_and_update();
    is_new.then(|| told.as_deref().copied()).flatten()
}

#[tokio::test]
async fn all_watchers_share_one_value_which_goes_with_the_last() {
    let latest = Latest::new("number");
    let mut waiting = Box::pin(latest.any());
    assert!(waiting.as_mut().now_or_never().is_none());
    let mut first = join(&latest, 1).await;
    waiting.await;
    let second = join(&latest, 2).await;
    assert_eq!(second.first.as_deref(), Some(&1));
    latest.set(7, 3);
    assert_eq!(latest.get(7).as_deref(), Some(&3));
    let soon = Instant::now() + PACE_LEAST;
    assert_eq!(told_at(&latest, &mut first, soon), Some(3));
    drop(first);
    assert!(latest.is_watched(7));
    drop(second);
    assert!(!latest.is_watched(7));
    latest.set(7, 4);
    assert_eq!(latest.get(7), None);
}

#[tokio::test]
async fn each_group_is_told_the_newest_once_in_a_turn_of_its_own() {
    let latest = Latest::new("number");
    let mut watchers = join_groups(&latest, 4).await;
    latest.set(7, 2);
    latest.set(7, 3);
    let (mut told, began) = (Vec::new(), Instant::now());
    for step in 0..=5 {
        let (all, at) = (watchers.iter_mut(), began + PACE_LEAST / 5 * step);
        let told_now = all.filter_map(|it| told_at(&latest, it, at));
        told.push(told_now.collect::<Vec<_>>());
    }
    assert!(told.iter().flatten().all(|value| *value == 3));
    let sizes: Vec<usize> = told.iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 4 * MOST, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size <= 2 * MOST), "{sizes:?}");
    assert!(latest.0.groups().next_turn().is_none());
}

#[tokio::test]
async fn two_messages_are_never_nearer_than_the_shortest_pace() {
    let latest = Latest::new("number");
    let mut watcher = join(&latest, 1).await;
    let (mut at, mut last) = (Instant::now(), None);
    for value in 2..6 {
        latest.set(7, value);
        while told_at(&latest, &mut watcher, at).is_none() {
            at += Duration::from_millis(10);
        }
        assert!(last.is_none_or(|last| at >= last + PACE_LEAST));
        last = Some(at);
    }
}

#[tokio::test]
async fn a_place_that_is_free_is_taken_again() {
    let latest = Latest::new("number");
    let mut watchers = join_groups(&latest, 2).await;
    let left = watchers.remove(3).group;
    assert_eq!(join(&latest, 1).await.group, left);
    let groups: BTreeSet<u64> = watchers.iter().map(|it| it.group).collect();
    assert_eq!(groups.len(), 2);
}

#[tokio::test]
async fn what_is_gone_may_come_again_and_old_watchers_do_not_take_it_along() {
    let latest = Latest::new("number");
    let old = join(&latest, 1).await;
    latest.end(7);
    assert!(old.told.has_changed().unwrap_or(true));
    assert_eq!(*old.told.borrow(), None);
    let new = join(&latest, 2).await;
    drop(old);
    assert_eq!(latest.get(7).as_deref(), Some(&2));
    drop(new);
    assert!(!latest.is_watched(7));
}

#[tokio::test]
async fn what_cannot_be_read_is_not_watched() {
    let latest: Latest<u8, u32> = Latest::new("number");
    let refused = latest
        .join(7, async { Err(Error::not_found("number")) })
        .await;
    assert!(refused.is_err());
    assert!(!latest.is_watched(7));
}

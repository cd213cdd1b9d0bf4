//! Who watches what. Watchers of one thing stand in groups, and a group is told at once:
//! that wakes a stream once a message, and streams of one connection are written together.
//! Groups have turns that lie apart, so that nothing else waits for all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::pace::{PACE_LEAST, pace, turn};

/// Watchers of one group at the most: what one turn wakes should not take a millisecond.
pub(super) const MOST: usize = 64;

/// What a group was told last; nothing once it is gone.
pub(super) type Told<V> = Option<Arc<V>>;

/// The things that are watched, and the groups that watch them.
pub(super) struct Groups<K, V> {
    born: Instant,
    things: HashMap<K, Thing<V>>,
    /// Whose turn comes when, of those that were not told the newest.
    turns: BTreeSet<(Instant, K, u64)>,
    watchers: usize,
    /// How many groups there ever were; the number of the next one.
    begun: u64,
}

struct Thing<V> {
    newest: Arc<V>,
    groups: BTreeMap<u64, Group<V>>,
}

struct Group<V> {
    watchers: usize,
    told: watch::Sender<Told<V>>,
    told_at: Option<Instant>,
    has_turn: bool,
}

/// A new watcher's place.
pub(super) struct Place<V> {
    pub(super) group: u64,
    /// How it is now.
    pub(super) newest: Arc<V>,
    /// What it becomes.
    pub(super) told: watch::Receiver<Told<V>>,
}

impl<K: Hash + Ord + Copy, V> Groups<K, V> {
    pub(super) fn new() -> Self {
        Self {
            born: Instant::now(),
            things: HashMap::new(),
            turns: BTreeSet::new(),
            watchers: 0,
            begun: 0,
        }
    }

    pub(super) fn keys(&self) -> Vec<K> {
        self.things.keys().copied().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    pub(super) fn newest(&self, key: K) -> Option<&Arc<V>> {
        self.things.get(&key).map(|thing| &thing.newest)
    }

    /// A place among the watchers of a thing, if there are any.
    pub(super) fn join(&mut self, key: K) -> Option<Place<V>> {
        let thing = self.things.get_mut(&key)?;
        self.watchers += 1;
        Some(thing.seat(&mut self.begun))
    }

    /// The first place. Where somebody was faster, that value is no older than what is told
    /// next.
    pub(super) fn begin(&mut self, key: K, value: V) -> Place<V> {
        let thing = self.things.entry(key).or_insert_with(|| Thing {
            newest: Arc::new(value),
            groups: BTreeMap::new(),
        });
        self.watchers += 1;
        thing.seat(&mut self.begun)
    }

    /// Gives a place back. With the last one the value is forgotten.
    pub(super) fn leave(&mut self, key: K, number: u64) {
        self.watchers -= 1;
        let Some(thing) = self.things.get_mut(&key) else {
            return;
        };
        // The thing may have gone and begun anew meanwhile, with other groups.
        if let Some(group) = thing.groups.get_mut(&number) {
            group.watchers -= 1;
            if group.watchers == 0 {
                thing.groups.remove(&number);
            }
        }
        if thing.groups.is_empty() {
            self.things.remove(&key);
        }
    }

    /// Says what a thing has become; its groups are told in their turns.
    pub(super) fn set(&mut self, key: K, value: V, now: Instant) {
        let Some(thing) = self.things.get_mut(&key) else {
            return;
        };
        thing.newest = Arc::new(value);
        let pace = pace(self.watchers);
        for (number, group) in &mut thing.groups {
            if group.has_turn {
                continue;
            }
            group.has_turn = true;
            let turn = turn(self.born, now, pace, phase(*number));
            // Where the pace has changed, two turns may lie too near.
            let at = group
                .told_at
                .map_or(turn, |told_at| Ord::max(turn, told_at + PACE_LEAST));
            self.turns.insert((at, key, *number));
        }
    }

    /// Tells every group that a thing is gone.
    pub(super) fn end(&mut self, key: K) {
        let groups = self.things.remove(&key).map(|thing| thing.groups);
        for group in groups.into_iter().flat_map(BTreeMap::into_values) {
            group.told.send_replace(None);
        }
    }

    /// When the next group has its turn.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        self.turns.first().map(|(at, ..)| *at)
    }

    /// Tells the groups whose turn has come. One whose watchers have left is none any more.
    pub(super) fn tell(&mut self, now: Instant) {
        while self.next_turn().is_some_and(|at| at <= now) {
            let Some((_, key, number)) = self.turns.pop_first() else {
                return;
            };
            let thing = self.things.get_mut(&key);
            let group = thing.and_then(|it| Some((&it.newest, it.groups.get_mut(&number)?)));
            if let Some((newest, group)) = group {
                group.has_turn = false;
                group.told_at = Some(now);
                group.told.send_replace(Some(newest.clone()));
            }
        }
    }
}

impl<V> Thing<V> {
    /// A place in the first group that has room.
    fn seat(&mut self, begun: &mut u64) -> Place<V> {
        let mut groups = self.groups.iter();
        let found = groups.find(|(_, group)| group.watchers < MOST);
        let number = found.map_or(*begun, |(number, _)| *number);
        let group = self.groups.entry(number).or_insert_with(|| {
            *begun += 1;
            Group {
                watchers: 0,
                told: watch::Sender::new(None),
                told_at: None,
                has_turn: false,
            }
        });
        group.watchers += 1;
        Place {
            group: number,
            newest: self.newest.clone(),
            told: group.told.subscribe(),
        }
    }
}

/// Where in the pace a group has its turn, of 65,536: multiples of the golden ratio lie
/// apart, however many there are.
const fn phase(number: u64) -> u32 {
    (number.wrapping_mul(40_503) % 65_536) as u32
}

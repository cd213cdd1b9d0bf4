//! Who sees events, so that caches forget what they made stale.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use uuid::Uuid;

use super::outbox::NewEvent;

/// Events remembered at the most between their commit and their place in the log;
/// beyond, observers see some twice.
const COMMITTED_MAX: usize = 4096;

/// An event as observers see it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Who hears it.
    pub topic: &'a str,
    /// What happened.
    pub kind: &'a str,
    /// The record that changed.
    pub aggregate: Uuid,
    /// The record's version after the change.
    pub version: i64,
    /// An encoded protobuf message.
    pub payload: &'a [u8],
}

/// Sees every event: those of this process before the call that made them answers, so that
/// a caller reads what it wrote; those of others when they are read from the log. Now and
/// then an event is seen twice.
pub type Observer = Box<dyn Fn(Seen<'_>) + Send + Sync>;

/// What names an event: topic, aggregate, version.
type Key = (String, Uuid, i64);

/// The observers of one process.
#[derive(Default)]
pub(super) struct Observers {
    all: OnceLock<Vec<Observer>>,
    /// Shown at their commit; the log has yet to come to them.
    committed: Mutex<HashSet<Key>>,
}

impl Observers {
    /// Registers them, once.
    pub(super) fn set(&self, all: Vec<Observer>) {
        // A second call would mean two start-ups in one process; the first one stays.
        drop(self.all.set(all));
    }

    /// Shows an event that this process has just committed.
    pub(super) fn committed(&self, event: &NewEvent) {
        self.show(Seen {
            topic: &event.topic,
            kind: event.kind,
            aggregate: event.aggregate,
            version: event.version,
            payload: &event.payload,
        });
        let key = (event.topic.clone(), event.aggregate, event.version);
        self.with_committed(|committed| {
            // Where nobody reads the log, nobody takes them out.
            if committed.len() >= COMMITTED_MAX {
                committed.clear();
            }
            committed.insert(key)
        });
    }

    /// Shows an event of the log, unless it was shown at its commit.
    pub(super) fn logged(&self, event: Seen<'_>) {
        let key = (event.topic.to_owned(), event.aggregate, event.version);
        if !self.with_committed(|committed| committed.remove(&key)) {
            self.show(event);
        }
    }

    fn show(&self, event: Seen<'_>) {
        for observer in self.all.get().into_iter().flatten() {
            observer(event);
        }
    }

    fn with_committed<T>(&self, work: impl FnOnce(&mut HashSet<Key>) -> T) -> T {
        work(
            &mut self
                .committed
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn an_event_is_shown_once_whichever_process_made_it() {
        let (observers, shown) = (Observers::default(), Arc::new(AtomicUsize::new(0)));
        let counted = shown.clone();
        let count = move |_: Seen<'_>| {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        observers.set(vec![Box::new(count)]);
        let own = NewEvent {
            topic: "store/1".to_owned(),
            kind: "store.changed",
            aggregate: Uuid::from_u128(1),
            version: 1,
            payload: Vec::new(),
        };
        let logged = |version| Seen {
            topic: "store/1",
            kind: "store.changed",
            aggregate: Uuid::from_u128(1),
            version,
            payload: &[],
        };
        observers.committed(&own);
        assert_eq!(shown.load(Ordering::Relaxed), 1);
        observers.logged(logged(1));
        assert_eq!(shown.load(Ordering::Relaxed), 1);
        observers.logged(logged(2));
        assert_eq!(shown.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_waits_for_the_log_is_bounded() {
        let observers = Observers::default();
        for version in 0..10_000 {
            observers.committed(&NewEvent {
                topic: String::new(),
                kind: "",
                aggregate: Uuid::nil(),
                version,
                payload: Vec::new(),
            });
        }
        assert!(observers.with_committed(|committed| committed.len()) <= COMMITTED_MAX);
    }
}

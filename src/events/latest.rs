//! Streams that tell how something is now: the newest value whenever it has changed, not
//! every value between. A reader that sleeps misses nothing but the way there, so nothing
//! is buffered for it and nothing has to be resumed.
//!
//! All watchers of one thing in a process share one value. Whoever keeps the values reads
//! those that are watched and says what they have become.

mod pace;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use self::pace::{PACE_LEAST, pace, turn};
use super::hub::Attended;
use super::meter::{Ending, StreamMeter};
use super::watch::session_revoked;
use super::{Events, Shared, store};
use crate::kernel::{Call, Caller, Error, Result, random};

/// The values that somebody in this process watches. Clones share them.
pub struct Latest<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    /// What is watched, in the words of a refusal.
    what: &'static str,
    born: Instant,
    values: Mutex<HashMap<K, watch::Sender<Option<Arc<V>>>>>,
    watchers: AtomicUsize,
    /// Woken when the first watcher comes.
    begun: Notify,
}

impl<K: Hash + Eq + Copy, V> Latest<K, V> {
    /// Nothing is watched yet. When a value is gone its streams end with "`what` not
    /// found".
    pub fn new(what: &'static str) -> Self {
        Self(Arc::new(Inner {
            what,
            born: Instant::now(),
            values: Mutex::default(),
            watchers: AtomicUsize::new(0),
            begun: Notify::new(),
        }))
    }

    /// What is watched now.
    pub fn keys(&self) -> Vec<K> {
        self.0.values().keys().copied().collect()
    }

    /// Returns once anything is watched.
    pub async fn any(&self) {
        loop {
            let begun = self.0.begun.notified();
            if !self.0.values().is_empty() {
                return;
            }
            begun.await;
        }
    }

    /// Whether a key is watched.
    pub fn is_watched(&self, key: K) -> bool {
        self.0.values().contains_key(&key)
    }

    /// The value of a key, when it is watched.
    pub fn get(&self, key: K) -> Option<Arc<V>> {
        let values = self.0.values();
        values.get(&key).and_then(|value| value.borrow().clone())
    }

    /// Tells the watchers of a key what it has become.
    pub fn set(&self, key: K, value: V) {
        if let Some(watched) = self.0.values().get(&key) {
            watched.send_replace(Some(Arc::new(value)));
        }
    }

    /// Ends the streams of a key: it is gone.
    pub fn end(&self, key: K) {
        // Whoever comes now asks whether it is there, and begins anew.
        if let Some(watched) = self.0.values().remove(&key) {
            watched.send_replace(None);
        }
    }

    /// A place among the watchers of a key; `load` reads the value when nobody watches it
    /// yet.
    ///
    /// # Errors
    /// What `load` refuses.
    pub async fn join(
        &self,
        key: K,
        load: impl Future<Output = Result<V>>,
    ) -> Result<Watcher<K, V>> {
        if let Some(watcher) = self.join_others(key) {
            return Ok(watcher);
        }
        let value = load.await?;
        let mut values = self.0.values();
        // Somebody may have been faster; that value is no older than what is told next.
        let fresh = || watch::Sender::new(Some(Arc::new(value)));
        let watched = values.entry(key).or_insert_with(fresh).subscribe();
        drop(values);
        self.0.begun.notify_waiters();
        Ok(self.watcher(key, watched))
    }

    fn join_others(&self, key: K) -> Option<Watcher<K, V>> {
        let watched = self.0.values().get(&key)?.subscribe();
        Some(self.watcher(key, watched))
    }

    fn watcher(&self, key: K, watched: watch::Receiver<Option<Arc<V>>>) -> Watcher<K, V> {
        self.0.watchers.fetch_add(1, Ordering::Relaxed);
        Watcher {
            latest: self.clone(),
            key,
            watched,
            phase: random::below(1 << 16),
        }
    }

    /// The time between two messages of one stream, now that there are so many.
    fn pace(&self) -> Duration {
        pace(self.0.watchers.load(Ordering::Relaxed))
    }
}

impl<K, V> Inner<K, V> {
    fn values(&self) -> MutexGuard<'_, HashMap<K, watch::Sender<Option<Arc<V>>>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Clone for Latest<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> std::fmt::Debug for Latest<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Latest").finish_non_exhaustive()
    }
}

/// A place among the watchers of a value. With the last one the value is forgotten.
pub struct Watcher<K: Hash + Eq + Copy, V> {
    latest: Latest<K, V>,
    key: K,
    watched: watch::Receiver<Option<Arc<V>>>,
    phase: u32,
}

impl<K: Hash + Eq + Copy, V> Drop for Watcher<K, V> {
    fn drop(&mut self) {
        let inner = &self.latest.0;
        inner.watchers.fetch_sub(1, Ordering::Relaxed);
        let mut values = inner.values();
        let is_last = |value: &watch::Sender<_>| {
            // The key may have begun anew with others after this one's value was gone.
            value.receiver_count() == 1 && self.watched.same_channel(&value.subscribe())
        };
        if values.get(&self.key).is_some_and(is_last) {
            values.remove(&self.key);
        }
    }
}

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Newest<V> {
    /// How it is now; the first message, and whenever it has changed.
    Value(Arc<V>),
    /// Nothing happened.
    Heartbeat,
}

impl Events {
    /// Tells how something is now, and again when it has changed, in turns that are further
    /// apart the more streams there are.
    ///
    /// The stream ends cleanly, its last message a heartbeat, at its maximum age and when
    /// the process stops.
    ///
    /// # Errors
    /// At once: SESSION_REVOKED. As the last item: SESSION_REVOKED, and NOT_FOUND when it
    /// is gone.
    pub async fn latest<K, V>(
        &self,
        call: &Call,
        watcher: Watcher<K, V>,
    ) -> Result<BoxStream<'static, Result<Newest<V>>>>
    where
        K: Hash + Eq + Copy + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        let shared = self.0.clone();
        let session = match call.caller {
            Caller::User { id, session, .. } => Some((id.uuid(), session.uuid())),
            Caller::Anonymous | Caller::System => None,
        };
        // Attending comes first: an end is then either in the log or will be told.
        let attended = shared.hub.attend(session.map(|(_, session)| session));
        if let Some((user, session)) = session
            && store::session_ended(&shared.db, user, session).await?
        {
            return Err(session_revoked());
        }
        let now = Instant::now();
        let following = Following {
            attended,
            watcher,
            ends_at: now + shared.config.max_age,
            last_at: None,
            due: Some(now),
            over: false,
            meter: StreamMeter::open(call.method),
            shared,
        };
        let messages = stream::unfold(following, |mut following| async move {
            following.next().await.map(|message| (message, following))
        });
        Ok(messages.boxed())
    }
}

/// A running stream.
struct Following<K: Hash + Eq + Copy, V> {
    shared: Arc<Shared>,
    attended: Attended,
    watcher: Watcher<K, V>,
    ends_at: Instant,
    /// When the last value was told.
    last_at: Option<Instant>,
    /// When a value is to be told; none while there is nothing new.
    due: Option<Instant>,
    over: bool,
    meter: StreamMeter,
}

impl<K: Hash + Eq + Copy, V> Following<K, V> {
    async fn next(&mut self) -> Option<Result<Newest<V>>> {
        if self.over {
            return None;
        }
        let heartbeat_at = Instant::now() + self.shared.config.heartbeat;
        loop {
            if self.attended.ended().is_cancelled() {
                return Some(Err(self.fail(session_revoked())));
            }
            if self.shared.stopping.is_cancelled() || Instant::now() >= self.ends_at {
                self.over = true;
                self.meter.ends(match self.shared.stopping.is_cancelled() {
                    true => Ending::Drain,
                    false => Ending::Age,
                });
                return Some(Ok(Newest::Heartbeat));
            }
            if self.due.is_some_and(|due| Instant::now() >= due) {
                return Some(self.tell());
            }
            let next = self.due.unwrap_or(heartbeat_at);
            tokio::select! {
                biased;
                () = self.attended.ended().cancelled() => {}
                () = self.shared.stopping.cancelled() => {}
                () = tokio::time::sleep_until(self.ends_at) => {}
                changed = self.watcher.watched.changed(), if self.due.is_none() => {
                    self.due = Some(match changed {
                        Ok(()) => self.turn(),
                        // Not before this watcher is gone itself.
                        Err(_) => Instant::now(),
                    });
                }
                () = tokio::time::sleep_until(next) => {
                    if self.due.is_none() {
                        return Some(Ok(Newest::Heartbeat));
                    }
                }
            }
        }
    }

    /// When the value that has just changed is told. The end is told at once.
    fn turn(&self) -> Instant {
        let now = Instant::now();
        if self.watcher.watched.borrow().is_none() {
            return now;
        }
        let latest = &self.watcher.latest;
        let turn = turn(latest.0.born, now, latest.pace(), self.watcher.phase);
        // Where the pace has changed, two turns may lie too near.
        match self.last_at {
            Some(last) => Ord::max(turn, last + PACE_LEAST),
            None => turn,
        }
    }

    fn tell(&mut self) -> Result<Newest<V>> {
        self.due = None;
        self.last_at = Some(Instant::now());
        let value = self.watcher.watched.borrow_and_update().clone();
        value.map(Newest::Value).ok_or_else(|| {
            let what = self.watcher.latest.0.what;
            self.fail(Error::not_found(what))
        })
    }

    fn fail(&mut self, error: Error) -> Error {
        self.over = true;
        self.meter.ends(Ending::of(error.reason()));
        error
    }
}

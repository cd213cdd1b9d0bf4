//! Streams that tell how something is now: the newest value whenever it has changed, not
//! every value between. A reader that sleeps misses nothing but the way there, so nothing
//! is buffered for it and nothing has to be resumed.
//!
//! All watchers of one thing in a process share one value. Whoever keeps the values reads
//! those that are watched and says what they have become; groups of watchers are then told
//! in their turns.

mod groups;
mod pace;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use self::groups::{Groups, Place, Told};
use super::hub::Attended;
use super::meter::{Ending, StreamMeter};
use super::watch::session_revoked;
use super::{Events, Shared, store};
use crate::kernel::{Call, Caller, Error, Result};

/// The values that somebody in this process watches. Clones share them.
pub struct Latest<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    /// What is watched, in the words of a refusal.
    what: &'static str,
    groups: Mutex<Groups<K, V>>,
    /// Woken when the first watcher comes.
    begun: Notify,
    /// Woken when something has changed.
    changed: Notify,
}

impl<K: Hash + Ord + Copy, V> Latest<K, V> {
    /// Nothing is watched yet. When a value is gone its streams end with "`what` not
    /// found".
    pub fn new(what: &'static str) -> Self {
        Self(Arc::new(Inner {
            what,
            groups: Mutex::new(Groups::new()),
            begun: Notify::new(),
            changed: Notify::new(),
        }))
    }

    /// What is watched now.
    pub fn keys(&self) -> Vec<K> {
        self.0.groups().keys()
    }

    /// Returns once anything is watched.
    pub async fn any(&self) {
        loop {
            let begun = self.0.begun.notified();
            if !self.0.groups().is_empty() {
                return;
            }
            begun.await;
        }
    }

    /// Whether a key is watched.
    pub fn is_watched(&self, key: K) -> bool {
        self.0.groups().newest(key).is_some()
    }

    /// The value of a key, when it is watched.
    pub fn get(&self, key: K) -> Option<Arc<V>> {
        self.0.groups().newest(key).cloned()
    }

    /// Says what a key has become; its watchers are told in their turns.
    pub fn set(&self, key: K, value: V) {
        self.0.groups().set(key, value, Instant::now());
        self.0.changed.notify_one();
    }

    /// Ends the streams of a key: it is gone.
    pub fn end(&self, key: K) {
        // Whoever comes now asks whether it is there, and begins anew.
        self.0.groups().end(key);
    }

    /// Tells watchers in their turns until the process stops.
    pub async fn tell(self, stopping: CancellationToken) {
        while stopping.run_until_cancelled(self.turn()).await.is_some() {
            self.0.groups().tell(Instant::now());
        }
    }

    /// Until somebody's turn comes, or the turns have changed.
    async fn turn(&self) {
        let next = self.0.groups().next_turn();
        match next {
            None => self.0.changed.notified().await,
            Some(at) => tokio::select! {
                () = sleep_until(at) => {}
                () = self.0.changed.notified() => {}
            },
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
        let joined = self.0.groups().join(key);
        if let Some(place) = joined {
            return Ok(self.watcher(key, place));
        }
        let value = load.await?;
        let place = self.0.groups().begin(key, value);
        self.0.begun.notify_waiters();
        Ok(self.watcher(key, place))
    }

    fn watcher(&self, key: K, place: Place<V>) -> Watcher<K, V> {
        Watcher {
            latest: self.clone(),
            key,
            group: place.group,
            first: Some(place.newest),
            told: place.told,
        }
    }
}

impl<K, V> Inner<K, V> {
    fn groups(&self) -> MutexGuard<'_, Groups<K, V>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
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
pub struct Watcher<K: Hash + Ord + Copy, V> {
    latest: Latest<K, V>,
    key: K,
    group: u64,
    /// What has not been told yet of how it was in the beginning.
    first: Option<Arc<V>>,
    told: watch::Receiver<Told<V>>,
}

impl<K: Hash + Ord + Copy, V> Watcher<K, V> {
    /// How it is in the beginning, then what it becomes; nothing once it is gone.
    async fn newest(&mut self) -> Option<Arc<V>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        // That it is gone was told before the sender went.
        self.told.changed().await.ok();
        self.told.borrow_and_update().clone()
    }
}

impl<K: Hash + Ord + Copy, V> Drop for Watcher<K, V> {
    fn drop(&mut self) {
        self.latest.0.groups().leave(self.key, self.group);
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
        K: Hash + Ord + Copy + Send + Sync + 'static,
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
        let ends_at = Instant::now() + shared.config.max_age;
        let following = Following {
            attended,
            watcher,
            ends_at,
            quiet: Box::pin(sleep_until(ends_at)),
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
struct Following<K: Hash + Ord + Copy, V> {
    shared: Arc<Shared>,
    attended: Attended,
    watcher: Watcher<K, V>,
    ends_at: Instant,
    /// How long nothing may be told. Kept from one message to the next: to put it off
    /// costs less than to set another one.
    quiet: Pin<Box<Sleep>>,
    over: bool,
    meter: StreamMeter,
}

impl<K: Hash + Ord + Copy, V> Following<K, V> {
    async fn next(&mut self) -> Option<Result<Newest<V>>> {
        if self.over {
            return None;
        }
        let heartbeat_at = Instant::now() + self.shared.config.heartbeat;
        self.quiet
            .as_mut()
            .reset(Ord::min(heartbeat_at, self.ends_at));
        tokio::select! {
            biased;
            () = self.attended.ended().cancelled() => {
                Some(Err(self.fail(session_revoked())))
            }
            () = self.shared.stopping.cancelled() => self.end(Ending::Drain),
            () = self.quiet.as_mut() => match Instant::now() >= self.ends_at {
                true => self.end(Ending::Age),
                false => Some(Ok(Newest::Heartbeat)),
            },
            newest = self.watcher.newest() => Some(newest.map(Newest::Value).ok_or_else(|| {
                let what = self.watcher.latest.0.what;
                self.fail(Error::not_found(what))
            })),
        }
    }

    fn end(&mut self, ending: Ending) -> Option<Result<Newest<V>>> {
        self.over = true;
        self.meter.ends(ending);
        Some(Ok(Newest::Heartbeat))
    }

    fn fail(&mut self, error: Error) -> Error {
        self.over = true;
        self.meter.ends(Ending::of(error.reason()));
        error
    }
}

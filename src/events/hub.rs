//! Hands events to the local watchers of their topic through bounded buffers. A watcher
//! that falls behind loses its place; nobody waits for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{Counter, counter};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::event::{Event, Position, SESSION_ENDED};

/// Events that wait for one watcher at the most.
pub(super) const BUFFER_EVENTS: usize = 256;
/// Bytes of payload that wait for one watcher at the most.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// The watchers of this process, and how often they were handed something.
pub(super) struct Hub(Mutex<State>, Counter);

struct State {
    /// Everything up to here has been handed out.
    position: Position,
    next_id: u64,
    topics: HashMap<String, Vec<Seat>>,
    sessions: HashMap<Uuid, Vec<(u64, CancellationToken)>>,
}

/// The hub's end of a subscription.
struct Seat {
    id: u64,
    buffer: mpsc::Sender<Arc<Event>>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Seat {
    /// Says whether there was room.
    fn hand(&self, event: &Arc<Event>) -> bool {
        let size = event.payload.len();
        let waiting = self.waiting_bytes.fetch_add(size, Ordering::Relaxed);
        // A single large event must fit into an empty buffer.
        let room = waiting == 0 || waiting + size <= BUFFER_BYTES;
        room && self.buffer.try_send(event.clone()).is_ok()
    }
}

impl Hub {
    pub(super) fn new(position: Position) -> Self {
        let state = State {
            position,
            next_id: 0,
            topics: HashMap::new(),
            sessions: HashMap::new(),
        };
        Self(Mutex::new(state), counter!("souk_events_delivered_total"))
    }

    /// Hands out settled events, which follow the last ones in the log's order.
    pub(super) fn publish(&self, events: Vec<Event>) {
        let mut state = self.state();
        let mut delivered = 0;
        for event in events {
            state.position = event.position;
            if event.kind == SESSION_ENDED {
                state.end_session(event.aggregate);
            }
            let event = Arc::new(event);
            let Some(seats) = state.topics.get_mut(&event.topic) else {
                continue;
            };
            seats.retain(|seat| seat.hand(&event));
            delivered += seats.len() as u64;
            if seats.is_empty() {
                state.topics.remove(&event.topic);
            }
        }
        self.1.increment(delivered);
    }

    /// Ends the streams of a session.
    pub(super) fn end_session(&self, session: Uuid) {
        self.state().end_session(session);
    }

    /// Everything up to here has been handed out.
    pub(super) fn position(&self) -> Position {
        self.state().position
    }

    /// Every event of `topic` after the returned position will come.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        topic: &str,
        session: Option<Uuid>,
    ) -> (Subscription, Position) {
        let (sender, receiver) = mpsc::channel(BUFFER_EVENTS);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let session = self.attend(session);
        let mut state = self.state();
        state.next_id += 1;
        let id = state.next_id;
        state
            .topics
            .entry(topic.to_owned())
            .or_default()
            .push(Seat {
                id,
                buffer: sender,
                waiting_bytes: waiting_bytes.clone(),
            });
        let subscription = Subscription {
            hub: self.clone(),
            id,
            topic: topic.to_owned(),
            session,
            buffer: receiver,
            waiting_bytes,
        };
        (subscription, state.position)
    }

    /// Learns when a session ends; nobody's never does.
    pub(super) fn attend(self: &Arc<Self>, session: Option<Uuid>) -> Attended {
        let ended = CancellationToken::new();
        let session = session.map(|session| {
            let mut state = self.state();
            state.next_id += 1;
            let id = state.next_id;
            let watchers = state.sessions.entry(session).or_default();
            watchers.push((id, ended.clone()));
            (self.clone(), id, session)
        });
        Attended { ended, session }
    }

    /// How many watchers there are.
    #[cfg(test)]
    pub(super) fn watchers(&self) -> usize {
        self.state().topics.values().map(Vec::len).sum()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end_session(&mut self, session: Uuid) {
        for (_, ended) in self.sessions.remove(&session).into_iter().flatten() {
            ended.cancel();
        }
    }
}

/// A watcher's place in the hub; dropped, it is gone.
pub(super) struct Subscription {
    hub: Arc<Hub>,
    id: u64,
    topic: String,
    session: Attended,
    buffer: mpsc::Receiver<Arc<Event>>,
    waiting_bytes: Arc<AtomicUsize>,
}

impl Subscription {
    /// The next event; nothing when the buffer overflowed and what was in it is taken.
    pub(super) async fn next(&mut self) -> Option<Arc<Event>> {
        let event = self.buffer.recv().await?;
        self.took(&event);
        Some(event)
    }

    /// The next event, if one waits.
    pub(super) fn try_next(&mut self) -> Option<Arc<Event>> {
        let event = self.buffer.try_recv().ok()?;
        self.took(&event);
        Some(event)
    }

    /// Whether events were lost because the buffer was full.
    pub(super) fn overflowed(&self) -> bool {
        self.buffer.is_closed()
    }

    /// Fires when the watcher's session has ended.
    pub(super) const fn session_ended(&self) -> &CancellationToken {
        self.session.ended()
    }

    fn took(&self, event: &Event) {
        self.waiting_bytes
            .fetch_sub(event.payload.len(), Ordering::Relaxed);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.hub.state();
        if let Some(seats) = state.topics.get_mut(&self.topic) {
            seats.retain(|seat| seat.id != self.id);
            if seats.is_empty() {
                state.topics.remove(&self.topic);
            }
        }
    }
}

/// Somebody who learns when a session ends; dropped, nobody.
pub(super) struct Attended {
    ended: CancellationToken,
    session: Option<(Arc<Hub>, u64, Uuid)>,
}

impl Attended {
    /// Fires when the session has ended.
    pub(super) const fn ended(&self) -> &CancellationToken {
        &self.ended
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        let Some((hub, id, session)) = self.session.take() else {
            return;
        };
        let mut state = hub.state();
        if let Some(watchers) = state.sessions.get_mut(&session) {
            watchers.retain(|(other, _)| *other != id);
            if watchers.is_empty() {
                state.sessions.remove(&session);
            }
        }
    }
}

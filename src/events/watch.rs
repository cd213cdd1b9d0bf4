//! The one helper behind every server stream: a snapshot or a resume, then every change
//! once, in order, until the stream's time is up.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::future::Future;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::Instant;
use uuid::Uuid;

use super::event::{Event, Position};
use super::hub::Subscription;
use super::meter::{Ending, StreamMeter};
use super::store;
use super::token::{Place, Tokens};
use super::{Events, Shared};
use crate::kernel::{Call, Caller, Error, Reason, Result};

/// Events of a backlog that one query reads.
const PAGE: usize = 256;
/// Events between the tailer and a snapshot that a token can name.
const MAX_SHOWN: usize = 128;

/// The state that a stream begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<S> {
    /// What the caller receives.
    pub value: S,
    /// The versions of the records that it shows; their events up to that version are
    /// not sent again.
    pub versions: HashMap<Uuid, i64>,
}

/// One message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<S> {
    /// What happened.
    pub update: Update<S>,
    /// Continues the stream right after this message, in any process.
    pub resume_token: String,
}

/// What a message of a stream tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update<S> {
    /// The state that the stream begins with.
    Snapshot(S),
    /// A change.
    Event(Arc<Event>),
    /// Nothing happened; the token has moved on.
    Heartbeat,
}

/// A stream of changes. Dropped, it leaves nothing behind.
pub type Steps<S> = BoxStream<'static, Result<Step<S>>>;

impl Events {
    /// Watches a topic.
    ///
    /// Without a token the stream begins with the snapshot; with one it continues right
    /// after it, and `snapshot` is not called. The stream ends cleanly, its last message
    /// a heartbeat, at its maximum age and when the process stops.
    ///
    /// # Errors
    /// At once: RESUME_TOKEN_INVALID, RESUME_TOKEN_EXPIRED, SESSION_REVOKED, and what
    /// `snapshot` refuses. As the last item, with the metadata `resumeToken`:
    /// STREAM_TOO_SLOW when the reader fell behind, SESSION_REVOKED, UNAVAILABLE.
    pub async fn watch<S, F, Fut>(
        &self,
        call: &Call,
        topic: &str,
        resume_token: Option<&str>,
        snapshot: F,
    ) -> Result<Steps<S>>
    where
        S: Send + 'static,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Snapshot<S>>> + Send,
    {
        let shared = self.0.clone();
        let tokens = Tokens::new(shared.sealer.clone(), topic, &call.caller);
        let resumed = resume_token.filter(|token| !token.is_empty());
        let resumed = resumed.map(|token| tokens.open(token)).transpose()?;
        let session = match call.caller {
            Caller::User { id, session, .. } => Some((id.uuid(), session.uuid())),
            Caller::Anonymous | Caller::System => None,
        };
        let session_id = session.map(|(_, session)| session);
        // Subscribing comes first: what is read afterwards from the database and what
        // the subscription brings overlap, and nothing falls between them.
        let (subscription, head) = shared.hub.subscribe(topic, session_id);
        if let Some((user, session)) = session
            && store::session_ended(&shared.db, user, session).await?
        {
            return Err(session_revoked());
        }
        let mut first = None;
        let (place, behind) = match resumed {
            Some(place) => {
                check_kept(&shared, place.position).await?;
                let behind = (place.position < head).then_some(head);
                (place, behind)
            }
            None => {
                let Snapshot { value, versions } = snapshot().await?;
                first = Some(value);
                let shown = shown(&shared, topic, head, &versions).await?;
                let place = Place {
                    position: head,
                    shown,
                };
                (place, None)
            }
        };
        let watch = Watch {
            tokens,
            topic: topic.to_owned(),
            session: session_id,
            subscription,
            place,
            behind,
            backlog: VecDeque::new(),
            ends_at: Instant::now() + shared.config.max_age,
            over: false,
            first,
            shared,
            meter: StreamMeter::open(call.method),
        };
        let steps = stream::unfold(watch, |mut watch| async move {
            watch.next().await.map(|step| (step, watch))
        });
        Ok(steps.boxed())
    }
}

/// Which events that are committed but not handed out yet the snapshot shows already.
async fn shown(
    shared: &Shared,
    topic: &str,
    head: Position,
    versions: &HashMap<Uuid, i64>,
) -> Result<BTreeSet<i64>> {
    // Every change that the snapshot can show was committed before this query.
    let ahead = store::topic_ahead(&shared.db, topic, head, MAX_SHOWN as i64 + 1).await?;
    if ahead.len() > MAX_SHOWN {
        return Err(Error::unavailable(
            "too much is changing at the moment, try again",
            "the tailer is far behind the log",
        ));
    }
    let shown = ahead
        .into_iter()
        .filter(|event| versions.get(&event.aggregate) >= Some(&event.version));
    Ok(shown.map(|event| event.id).collect())
}

async fn check_kept(shared: &Shared, position: Position) -> Result<()> {
    let bounds = store::bounds(&shared.db).await?;
    // Past the ceiling: the database was restored from an older copy.
    if position < bounds.horizon || position >= bounds.ceiling {
        return Err(Error::new(
            Reason::ResumeTokenExpired,
            "the changes since this token are not kept; read again, then watch",
        ));
    }
    Ok(())
}

pub(super) fn session_revoked() -> Error {
    Error::new(Reason::SessionRevoked, "the session has ended")
}

/// A running stream.
struct Watch<S> {
    shared: Arc<Shared>,
    tokens: Tokens,
    topic: String,
    session: Option<Uuid>,
    subscription: Subscription,
    place: Place,
    /// While set, the events up to here are read from the database.
    behind: Option<Position>,
    backlog: VecDeque<Event>,
    ends_at: Instant,
    over: bool,
    first: Option<S>,
    meter: StreamMeter,
}

impl<S> Watch<S> {
    async fn next(&mut self) -> Option<Result<Step<S>>> {
        if self.over {
            return None;
        }
        if let Some(value) = self.first.take() {
            return Some(self.step(Update::Snapshot(value)));
        }
        let heartbeat_at = Instant::now() + self.shared.config.heartbeat;
        loop {
            if self.subscription.session_ended().is_cancelled() {
                return Some(self.fail(session_revoked()));
            }
            if self.shared.stopping.is_cancelled() || Instant::now() >= self.ends_at {
                self.over = true;
                self.meter.ends(match self.shared.stopping.is_cancelled() {
                    true => Ending::Drain,
                    false => Ending::Age,
                });
                return Some(self.step(Update::Heartbeat));
            }
            if let Some(event) = self.backlog.pop_front() {
                if self.place.pass(event.position) {
                    return Some(self.step(Update::Event(Arc::new(event))));
                }
            } else if let Some(until) = self.behind {
                if let Err(error) = self.read_backlog(until).await {
                    return Some(self.fail(error));
                }
            } else if let Some(step) = self.live(heartbeat_at).await {
                return Some(step);
            }
        }
    }

    /// Waits for the next event; nothing when the loop must look around again.
    async fn live(&mut self, heartbeat_at: Instant) -> Option<Result<Step<S>>> {
        let stopping = self.shared.stopping.clone();
        let session_ended = self.subscription.session_ended().clone();
        tokio::select! {
            biased;
            () = session_ended.cancelled() => None,
            () = stopping.cancelled() => None,
            () = tokio::time::sleep_until(self.ends_at) => None,
            event = self.subscription.next() => match event {
                Some(event) => self.give(event),
                None => Some(self.fail(Error::new(
                    Reason::StreamTooSlow,
                    "the stream was not read fast enough; resume it",
                ))),
            },
            () = tokio::time::sleep_until(heartbeat_at) => self.heartbeat(),
        }
    }

    fn heartbeat(&mut self) -> Option<Result<Step<S>>> {
        // Read before the look into the buffer: whatever stands at or before it has
        // then either been given or is in the buffer.
        let head = self.shared.hub.position();
        if let Some(event) = self.subscription.try_next() {
            return self.give(event);
        }
        if !self.subscription.overflowed() {
            self.place.position = Ord::max(self.place.position, head);
        }
        Some(self.step(Update::Heartbeat))
    }

    fn give(&mut self, event: Arc<Event>) -> Option<Result<Step<S>>> {
        let unseen = self.place.pass(event.position);
        unseen.then(|| self.step(Update::Event(event)))
    }

    /// Reads the next page of the backlog. A reader catches up at its own pace: when the
    /// live buffer overflows meanwhile, the backlog simply reaches further.
    async fn read_backlog(&mut self, until: Position) -> Result<()> {
        let from = self.place.position;
        let db = &self.shared.db;
        let page = store::topic_after(db, &self.topic, from, until, PAGE as i64).await?;
        // Asked after the page, so that a page with holes is never given.
        check_kept(&self.shared, from).await?;
        if page.len() < PAGE {
            self.behind = None;
            if self.subscription.overflowed() {
                let hub = &self.shared.hub;
                let (fresh, head) = hub.subscribe(&self.topic, self.session);
                let stale = std::mem::replace(&mut self.subscription, fresh);
                if stale.session_ended().is_cancelled() {
                    return Err(session_revoked());
                }
                self.behind = Some(head);
            }
        }
        self.backlog = page.into();
        Ok(())
    }

    fn step(&self, update: Update<S>) -> Result<Step<S>> {
        Ok(Step {
            update,
            resume_token: self.tokens.seal(&self.place),
        })
    }

    fn fail(&mut self, error: Error) -> Result<Step<S>> {
        self.over = true;
        self.meter.ends(Ending::of(error.reason()));
        Err(error.with("resumeToken", self.tokens.seal(&self.place)))
    }
}

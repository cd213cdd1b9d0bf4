//! The one reader of new events in a process.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::bus::{Bus, Hint};
use super::event::{Position, SESSION_ENDED};
use super::hub::Hub;
use super::meter::TailMeter;
use super::store;
use crate::db::{Db, Seen};
use crate::kernel::Result;

/// Events that one query reads.
const PAGE: usize = 512;
/// How soon the tailer looks again when an open transaction holds events back.
const SOON: Duration = Duration::from_millis(5);
/// The longest pause while events are held back.
const NOT_LATER: Duration = Duration::from_millis(100);

/// Reads each event once and gives it to the hub.
pub(super) struct Tailer {
    db: Db,
    hub: Arc<Hub>,
    cursor: Mutex<Position>,
    meter: TailMeter,
}

/// Whether committed events had to be left for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeldBack {
    /// All were read.
    Nothing,
    /// Some follow a transaction that is still open.
    Some,
}

impl Tailer {
    pub(super) fn new(db: Db, hub: Arc<Hub>, head: Position) -> Self {
        Self {
            db,
            hub,
            cursor: Mutex::new(head),
            meter: TailMeter::default(),
        }
    }

    /// Reads on until the log's settled end.
    pub(super) async fn advance(&self) -> Result<HeldBack> {
        let mut cursor = self.cursor.lock().await;
        loop {
            let page = store::after(&self.db, *cursor, PAGE as i64);
            let page = self.db.in_time(page).await?;
            let more = page.len() == PAGE;
            // No await between moving on and handing out: a caller that gives up here
            // must not lose events.
            if let Some(last) = page.last() {
                for event in &page {
                    // Caches first, so that a watcher who reads again reads the new state.
                    self.db.observe_logged(Seen {
                        topic: &event.topic,
                        kind: &event.kind,
                        aggregate: event.aggregate,
                        version: event.version,
                        payload: &event.payload,
                    });
                }
                *cursor = last.position;
                self.meter.read(&page, self.db.clock().now());
                self.hub.publish(page);
            }
            if !more {
                break;
            }
        }
        let unsettled = store::unsettled(&self.db, *cursor);
        let unsettled = self.db.in_time(unsettled).await?;
        for session in unsettled.ended_sessions {
            // Caches first here too: where a stream has ended, its token is dead.
            self.db.observe_logged(Seen {
                topic: "",
                kind: SESSION_ENDED,
                aggregate: session,
                version: 0,
                payload: &[],
            });
            self.hub.end_session(session);
        }
        Ok(if unsettled.any {
            HeldBack::Some
        } else {
            HeldBack::Nothing
        })
    }

    /// Reads until `target` is settled and handed out.
    pub(super) async fn advance_to(&self, target: Position) -> Result<()> {
        loop {
            self.advance().await?;
            if self.hub.position() >= target {
                return Ok(());
            }
            tokio::time::sleep(SOON).await;
        }
    }

    /// Follows the log until the process stops.
    pub(super) async fn follow(&self, bus: &dyn Bus, poll: Duration, stopping: &CancellationToken) {
        let mut soon = SOON;
        loop {
            let wait = match self.advance().await {
                Ok(HeldBack::Nothing) => {
                    soon = SOON;
                    poll
                }
                Ok(HeldBack::Some) => {
                    // The transaction in the way may end without a sign of its own.
                    soon = Ord::min(soon * 2, NOT_LATER);
                    Ord::min(soon, poll)
                }
                Err(error) => {
                    tracing::warn!(error = ?error, "the event log cannot be read, streams wait");
                    poll
                }
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.db.events_appended().notified() => bus.announce(Hint::Events),
                () = bus.announced(Hint::Events) => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

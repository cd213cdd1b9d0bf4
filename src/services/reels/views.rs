//! Views: each viewer counts once an hour.
//!
//! A view is noted in this process and written soon, with others; the database decides
//! which ones are new. A process that is killed loses those of the last moments.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Counter, counter};
use tokio_util::sync::CancellationToken;

use super::Reels;
use super::live::Watched;
use super::store::{stats, views};
use crate::db::{Db, Tx};
use crate::kernel::id::ReelId;
use crate::kernel::network::network;
use crate::kernel::seal::Sealer;
use crate::kernel::{Call, Error, Reason, Result, Time};

/// How often views are written.
const PERIOD: Duration = Duration::from_secs(2);
/// Views that one transaction writes.
const BATCH: usize = 1_000;
/// Views that wait to be written at the most.
const WAITING: usize = 20_000;
/// Views that are remembered at the most, so that most repeats cost nothing.
const KNOWN: usize = 100_000;
/// When a caller may ask again for whom there was no room.
const AGAIN: Duration = Duration::from_secs(1);
/// Hours that views are kept besides the present one: long enough for those that were
/// written late.
const HOURS_KEPT: i64 = 2;
const HOUR_SECONDS: i64 = 60 * 60;
/// Rows that one transaction forgets.
const PURGED: u64 = 5_000;

/// Somebody saw a reel within an hour.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct View {
    pub(super) reel: ReelId,
    /// Hours since the Unix epoch.
    pub(super) hour: i64,
    /// The user's id, or the keyed hash of a guest's address, which nobody turns back.
    pub(super) viewer: Arc<str>,
}

/// The views of this process.
pub(super) struct Views {
    db: Db,
    watched: Watched,
    noted: Mutex<Noted>,
    counted: Counter,
}

#[derive(Default)]
struct Noted {
    /// The hour of `known`.
    hour: i64,
    /// Views of this hour that were noted already.
    known: HashSet<View>,
    /// Views that are not written yet, oldest first.
    waiting: Vec<View>,
    /// Nobody writes them any more, the process stops.
    is_closed: bool,
}

impl Noted {
    /// Notes a view; says whether it is new here.
    fn note(&mut self, view: View) -> Result<bool> {
        if self.hour != view.hour {
            self.hour = view.hour;
            self.known.clear();
        }
        if self.known.contains(&view) {
            return Ok(false);
        }
        if self.waiting.len() >= WAITING {
            return Err(Error::new(
                Reason::Unavailable,
                "too many views at once, try again in a moment",
            )
            .retry_after(AGAIN));
        }
        if self.known.len() >= KNOWN {
            // The database still knows them.
            self.known.clear();
        }
        self.known.insert(view.clone());
        self.waiting.push(view);
        Ok(true)
    }
}

impl Views {
    pub(super) fn new(db: Db, watched: Watched) -> Self {
        Self {
            db,
            watched,
            noted: Mutex::default(),
            counted: counter!("souk_reel_views_total"),
        }
    }

    /// Notes a view; says whether it counts, as far as this process knows.
    ///
    /// # Errors
    /// UNAVAILABLE when too many wait to be written.
    pub(super) async fn note(&self, view: View) -> Result<bool> {
        let (is_new, is_closed) = {
            let mut noted = self.noted();
            (noted.note(view)?, noted.is_closed)
        };
        if is_closed {
            self.write().await?;
        }
        Ok(is_new)
    }

    /// Writes what was noted, again and again until the process stops, and then the rest.
    pub(super) async fn keep_writing(self: Arc<Self>, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let goes_on = stopping.run_until_cancelled(ticks.tick()).await.is_some();
            if !goes_on {
                self.noted().is_closed = true;
            }
            if let Err(error) = self.write().await {
                tracing::warn!(error = ?error, "views are not written for now");
            }
            if !goes_on {
                return;
            }
        }
    }

    /// Writes what was noted. What cannot be written waits for the next time.
    async fn write(&self) -> Result<()> {
        loop {
            let batch = &{
                let mut noted = self.noted();
                let some = Ord::min(noted.waiting.len(), BATCH);
                noted.waiting.drain(..some).collect::<Vec<_>>()
            };
            if batch.is_empty() {
                return Ok(());
            }
            let written = self.db.transact(|tx| async move {
                let deltas = views::add(&tx, batch).await?;
                stats::count(&tx, &deltas).await?;
                Ok(deltas)
            });
            match written.await {
                Ok(deltas) => {
                    let views: i64 = deltas.values().map(|it| it.viewed).sum();
                    self.counted.increment(views.unsigned_abs());
                    let reels: Vec<ReelId> = deltas.into_keys().collect();
                    self.watched.changed(&reels);
                }
                Err(error) => {
                    self.noted().waiting.splice(..0, batch.iter().cloned());
                    return Err(error);
                }
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reels {
    /// Counts a view of the caller, once an hour; says whether this one counts. The owner's
    /// own never do, nor those of whom nothing is known.
    ///
    /// # Errors
    /// NOT_FOUND, REEL_NOT_READY, UNAVAILABLE when too many wait.
    pub(super) async fn record_view(&self, call: &Call, reel: ReelId) -> Result<bool> {
        let seen = self.open(call, reel).await?;
        if call.caller.user_id() == Some(seen.seller) {
            return Ok(false);
        }
        let hour = hour(self.0.db.clock().now());
        let Some(viewer) = viewer(call, hour, &self.0.sealer) else {
            return Ok(false);
        };
        self.0.views.note(View { reel, hour, viewer }).await
    }

    /// Forgets the views of hours that are over, which nothing can repeat.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn purge_views(&self) -> Result<()> {
        let purge =
            |tx: Tx| async move { views::purge(&tx, hour(tx.now()) - HOURS_KEPT, PURGED).await };
        while self.0.db.transact(purge).await? == PURGED {}
        Ok(())
    }
}

const fn hour(at: Time) -> i64 {
    at.seconds().div_euclid(HOUR_SECONDS)
}

/// Who views: a user, or an address, of which only a keyed hash of this hour is kept.
fn viewer(call: &Call, hour: i64, sealer: &Sealer) -> Option<Arc<str>> {
    match (call.caller.user_id(), call.ip) {
        (Some(user), _) => Some(user.uuid().simple().to_string().into()),
        (None, Some(ip)) => Some(hashed(ip, hour, sealer)),
        (None, None) => None,
    }
}

fn hashed(ip: IpAddr, hour: i64, sealer: &Sealer) -> Arc<str> {
    let purpose = format!("reel-viewer:{hour}:{}", network(ip));
    sealer.seal(&purpose, &[]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Secret;

    fn view(viewer: &str, hour: i64) -> View {
        View {
            reel: uuid::Uuid::from_u128(1).into(),
            hour,
            viewer: viewer.into(),
        }
    }

    #[test]
    fn a_viewer_is_new_once_an_hour() {
        let mut noted = Noted::default();
        let mut note = |viewer, hour| noted.note(view(viewer, hour)).unwrap();
        assert!(note("a", 7) && !note("a", 7) && note("b", 7));
        assert!(note("a", 8) && !note("a", 8));
        assert_eq!(noted.waiting.len(), 3);
    }

    #[test]
    fn what_waits_and_what_is_known_are_bounded() {
        let mut noted = Noted::default();
        for number in 0..WAITING {
            noted.note(view(&number.to_string(), 7)).unwrap();
        }
        let refused = noted.note(view("one more", 7)).unwrap_err();
        assert_eq!(refused.reason(), Reason::Unavailable);
        for number in 0..KNOWN * 2 {
            noted.waiting.clear();
            noted.note(view(&format!("later {number}"), 7)).unwrap();
        }
        assert!(noted.known.len() <= KNOWN);
    }

    #[test]
    fn an_address_is_the_same_viewer_within_an_hour_and_nobody_else_ever() {
        let sealer = Sealer::new(Secret::new(vec![1; 32]));
        let hash = |ip: &str, hour| hashed(ip.parse().unwrap(), hour, &sealer);
        assert_eq!(hash("192.0.2.1", 7), hash("192.0.2.1", 7));
        assert_ne!(hash("192.0.2.1", 7), hash("192.0.2.1", 8));
        assert_ne!(hash("192.0.2.1", 7), hash("192.0.2.2", 7));
        assert_eq!(hash("2001:db8::1", 7), hash("2001:db8::2", 7));
        assert!(!hash("192.0.2.1", 7).contains("192"));
    }
}

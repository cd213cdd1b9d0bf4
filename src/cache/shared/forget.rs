//! Telling Redis what has become stale.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fred::types::Value;
use tokio_util::sync::CancellationToken;

use super::{EPOCH_KEPT, SharedCache, millis};
use crate::kernel::Result;

/// Groups that wait at the most; beyond, everything is forgotten together.
const UNSENT: usize = 10_000;
/// Stands for every group.
pub(super) const EVERYTHING: &str = "";
/// New epochs that one script gives.
const BATCH: usize = 128;
/// The pause after Redis gave no answer.
const AGAIN: Duration = Duration::from_millis(200);

impl SharedCache {
    /// From this call on this process finds no value of the group that was loaded before,
    /// and every other one soon.
    pub(in crate::cache) fn forget(&self, group: String) {
        let event = self.0.events.fetch_add(1, Ordering::SeqCst) + 1;
        self.with_unsent(|unsent| {
            let group = match unsent.len() {
                UNSENT.. => EVERYTHING.to_owned(),
                _ => group,
            };
            unsent.insert(group, event);
        });
        self.0.wake.notify_one();
    }

    /// Sends new epochs, and begins a generation where one is due, until the process
    /// stops; then what is left is sent if that can be done at once.
    pub(super) async fn send_epochs(&self, stopping: &CancellationToken) {
        loop {
            let is_sent = self.send().await.is_ok();
            if stopping.is_cancelled() {
                return;
            }
            let again = async {
                match is_sent {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(AGAIN).await,
                }
            };
            tokio::select! {
                () = stopping.cancelled() => {}
                () = self.0.wake.notified() => {}
                () = self.0.redis.found() => {}
                () = again => {}
            }
        }
    }

    async fn send(&self) -> Result<()> {
        let inner = &self.0;
        loop {
            let find = inner.redis.finds();
            let is_doubtful = inner.trusted.load(Ordering::SeqCst) != find;
            if is_doubtful || self.with_unsent(|unsent| unsent.contains_key(EVERYTHING)) {
                // Whatever waits now is forgotten with everything else.
                let covered = inner.events.load(Ordering::SeqCst);
                self.renew(vec![self.generation()], None).await?;
                self.with_unsent(|unsent| unsent.retain(|_, event| *event > covered));
                inner.trusted.store(find, Ordering::SeqCst);
                continue;
            }
            let batch: Vec<(String, u64)> = self.with_unsent(|unsent| {
                let some = unsent.iter().take(BATCH);
                some.map(|(group, event)| (group.clone(), *event)).collect()
            });
            if batch.is_empty() {
                return Ok(());
            }
            let keys = batch.iter().map(|(group, _)| self.epoch(group)).collect();
            // Should it fail, Redis is found anew before anybody looks there again.
            self.renew(keys, Some(EPOCH_KEPT)).await?;
            self.with_unsent(|unsent| {
                for (group, event) in batch {
                    // Another event may have come meanwhile: then once more.
                    if unsent.get(&group) == Some(&event) {
                        unsent.remove(&group);
                    }
                }
            });
        }
    }

    async fn renew(&self, keys: Vec<String>, keep: Option<Duration>) -> Result<()> {
        let keep = keep.map_or_else(|| "".into(), millis);
        let args: Vec<Value> = vec![keep];
        self.0
            .redis
            .run::<i64>(&self.0.renew, keys, args)
            .await
            .map(drop)
    }
}

//! What reels do by themselves: proving their counts, and forgetting old views.

use std::time::Duration;

use super::Reels;
use crate::jobs::Registry;

const QUEUE: &str = "maintenance";
const PROVE_COUNTS: &str = "reels.prove-counts";
const PURGE_VIEWS: &str = "reels.purge-views";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Registers the jobs of reels.
#[must_use]
pub fn register(registry: Registry, reels: &Reels) -> Registry {
    let (proving, purging) = (reels.clone(), reels.clone());
    registry
        .register(PROVE_COUNTS, move |_run| {
            let reels = proving.clone();
            async move { reels.prove_counts().await }
        })
        .every(PROVE_COUNTS, DAY, QUEUE, PROVE_COUNTS)
        .register(PURGE_VIEWS, move |_run| {
            let reels = purging.clone();
            async move { reels.purge_views().await }
        })
        .every(PURGE_VIEWS, HOUR, QUEUE, PURGE_VIEWS)
}

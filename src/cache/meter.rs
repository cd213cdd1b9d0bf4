//! What is counted of caches.

use metrics::{Counter, counter};

/// Counts the reads of one cache.
pub(super) struct Reads {
    hits: Counter,
    misses: Counter,
}

impl Reads {
    pub(super) fn of(cache: &'static str) -> Self {
        let reads = |outcome| {
            let labels = [("cache", cache), ("outcome", outcome)];
            counter!("souk_cache_reads_total", &labels)
        };
        Self {
            hits: reads("hit"),
            misses: reads("miss"),
        }
    }

    /// One read, which found the value or had it loaded.
    pub(super) fn count(&self, has_missed: bool) {
        match has_missed {
            true => self.misses.increment(1),
            false => self.hits.increment(1),
        }
    }
}

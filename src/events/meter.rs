//! What is counted of the event log and of the streams that tell it.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::event::Event;
use crate::kernel::{Reason, Time};

/// Counts what the tailer reads, and how late.
pub(super) struct TailMeter {
    read: Counter,
    lag: Histogram,
}

impl Default for TailMeter {
    fn default() -> Self {
        Self {
            read: counter!("souk_events_read_total"),
            lag: histogram!("souk_events_lag_seconds"),
        }
    }
}

impl TailMeter {
    /// Events were read. Those of other processes bear the time of their clocks.
    pub(super) fn read(&self, page: &[Event], now: Time) {
        self.read.increment(page.len() as u64);
        for event in page {
            self.lag.record(now.since(event.at));
        }
    }
}

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was open for as long as streams may be.
    Age,
    /// The process stops.
    Drain,
    /// Its session has ended.
    Revoked,
    /// Its reader fell behind.
    Slow,
    /// What it tells of is gone.
    Removed,
    /// A part was away.
    Failed,
    /// The client went away.
    Gone,
}

impl Ending {
    /// The ending that a refusal means.
    pub(super) const fn of(reason: Reason) -> Self {
        match reason {
            Reason::SessionRevoked => Self::Revoked,
            Reason::StreamTooSlow => Self::Slow,
            Reason::NotFound => Self::Removed,
            _ => Self::Failed,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Drain => "drain",
            Self::Revoked => "revoked",
            Self::Slow => "slow",
            Self::Removed => "removed",
            Self::Failed => "failed",
            Self::Gone => "gone",
        }
    }
}

/// Counts a stream as open until it is dropped.
pub(super) struct StreamMeter {
    method: &'static str,
    open: Gauge,
    ending: Ending,
}

impl StreamMeter {
    pub(super) fn open(path: &'static str) -> Self {
        let method = path.trim_start_matches('/');
        let open = gauge!("souk_streams_open", "method" => method);
        open.increment(1.0);
        Self {
            method,
            open,
            ending: Ending::Gone,
        }
    }

    /// Says why the stream is about to end.
    pub(super) const fn ends(&mut self, ending: Ending) {
        self.ending = ending;
    }
}

impl Drop for StreamMeter {
    fn drop(&mut self) {
        self.open.decrement(1.0);
        let labels = [("method", self.method), ("reason", self.ending.word())];
        counter!("souk_streams_ended_total", &labels).increment(1);
    }
}

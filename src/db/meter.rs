//! What is counted of the database, and the log of slow statements.

use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use crate::kernel::trace;

/// Characters of a slow statement that the log keeps.
const LOGGED: usize = 2000;

/// How a pool of connections is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Which pool: "read", "write", or "all" where there is one.
    pub name: &'static str,
    /// Connections that are open.
    pub open: u32,
    /// Of these, those that nobody uses.
    pub idle: usize,
}

impl PoolState {
    pub(super) const fn new(name: &'static str, open: u32, idle: usize) -> Self {
        Self { name, open, idle }
    }
}

/// Counts statements, and logs slow ones.
pub(super) struct StatementMeter {
    slow: Option<Duration>,
    ran: Counter,
    slow_ran: Counter,
}

impl StatementMeter {
    pub(super) fn new(slow: Option<Duration>) -> Self {
        Self {
            slow,
            ran: counter!("souk_db_statements_total"),
            slow_ran: counter!("souk_db_slow_statements_total"),
        }
    }

    /// Called by the driver for every statement. `sql` names values by their places.
    pub(super) fn ran(&self, sql: &str, took: Duration) {
        self.ran.increment(1);
        if self.slow.is_none_or(|slow| took < slow) {
            return;
        }
        self.slow_ran.increment(1);
        let sql = sql.get(..sql.floor_char_boundary(LOGGED)).unwrap_or(sql);
        let duration_ms = took.as_micros() as f64 / 1000.0;
        let request = trace::request_id();
        tracing::warn!(
            request.id = request.as_deref(),
            trace.id = trace::current_trace_id(),
            duration_ms,
            sql,
            "slow statement"
        );
    }
}

/// Counts what write transactions do.
pub(super) struct WriteMeter {
    begin: Histogram,
    again: Counter,
    appended: Counter,
}

impl Default for WriteMeter {
    fn default() -> Self {
        Self {
            begin: histogram!("souk_db_begin_seconds"),
            again: counter!("souk_db_retries_total"),
            appended: counter!("souk_events_appended_total"),
        }
    }
}

impl WriteMeter {
    /// A transaction has begun after so long a wait for its connection.
    pub(super) fn begun(&self, waited: Duration) {
        self.begin.record(waited);
    }

    /// A transaction that lost a deadlock runs again.
    pub(super) fn again(&self) {
        self.again.increment(1);
    }

    /// Events were committed.
    pub(super) fn appended(&self, events: usize) {
        if events > 0 {
            self.appended.increment(events as u64);
        }
    }
}

/// No connection of the pool was free in time. Rare enough to be looked up.
pub(super) fn not_acquired() {
    counter!("souk_db_acquire_timeouts_total").increment(1);
}

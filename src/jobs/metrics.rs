//! What is counted and measured of jobs. Without a recorder in the process it costs next
//! to nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};
use metrics::{gauge, histogram};

use super::store::lease::Verdict;
use super::store::{QueueCounts, queues};
use crate::db::Db;
use crate::kernel::{Result, Time};

/// How often the gauges are read from the database.
pub(super) const PERIOD: Duration = Duration::from_secs(10);

const DONE: &str = "souk_jobs_done_total";
const FAILED: &str = "souk_jobs_failed_total";
const DEAD_TOTAL: &str = "souk_jobs_dead_total";
const RUN_SECONDS: &str = "souk_jobs_run_seconds";
const WAITING: &str = "souk_jobs_waiting";
const DUE: &str = "souk_jobs_due";
const RUNNING: &str = "souk_jobs_running";
const DEAD: &str = "souk_jobs_dead";
const OLDEST_DUE: &str = "souk_jobs_oldest_due_seconds";

/// Tells the recorder, if there is one, what each name means.
pub(super) fn describe() {
    describe_counter!(DONE, "Jobs that succeeded, by kind.");
    describe_counter!(FAILED, "Tries that failed, by kind; the last ones too.");
    describe_counter!(DEAD_TOTAL, "Jobs that failed for the last time, by kind.");
    describe_histogram!(RUN_SECONDS, Unit::Seconds, "How long tries took, by kind.");
    describe_gauge!(WAITING, "Jobs that wait, for whatever, by queue.");
    describe_gauge!(
        DUE,
        "Jobs that could run now and wait for a worker, by queue."
    );
    describe_gauge!(RUNNING, "Jobs that run, in any process, by queue.");
    describe_gauge!(DEAD, "Jobs that are dead, by queue.");
    describe_gauge!(
        OLDEST_DUE,
        Unit::Seconds,
        "The longest that a due job waits, by queue."
    );
}

/// Counts a try whose outcome was recorded.
pub(super) fn tried(kind: &str, verdict: &Verdict, took: Duration) {
    let kind = || kind.to_owned();
    match verdict {
        Verdict::Done => counter!(DONE, "kind" => kind()).increment(1),
        Verdict::Again(..) => counter!(FAILED, "kind" => kind()).increment(1),
        Verdict::Dead(_) => {
            counter!(FAILED, "kind" => kind()).increment(1);
            counter!(DEAD_TOTAL, "kind" => kind()).increment(1);
        }
        Verdict::GivenBack => return,
    }
    histogram!(RUN_SECONDS, "kind" => kind()).record(took);
}

/// Counts a try whose worker vanished.
pub(super) fn vanished(kind: &str, is_dead: bool) {
    counter!(FAILED, "kind" => kind.to_owned()).increment(1);
    if is_dead {
        counter!(DEAD_TOTAL, "kind" => kind.to_owned()).increment(1);
    }
}

/// The gauges of the queues. Every process tells the same figures, those of the database,
/// whether it runs jobs or not: that nobody does is what they must show.
#[derive(Default)]
pub(super) struct Gauges {
    known: BTreeSet<String>,
}

impl Gauges {
    /// Reads the gauges anew.
    pub(super) async fn refresh(&mut self, db: &Db) -> Result<()> {
        let counts = queues(db).await?;
        let present: BTreeSet<String> = counts.iter().map(|queue| queue.name.clone()).collect();
        // A queue in which nothing stands any more is not told of by the database.
        for name in self.known.difference(&present) {
            show(&QueueCounts::empty(name.clone()), db.clock().now());
        }
        for queue in &counts {
            show(queue, db.clock().now());
        }
        self.known.extend(present);
        Ok(())
    }
}

fn show(queue: &QueueCounts, now: Time) {
    let set = |gauge: &'static str, value: f64| {
        gauge!(gauge, "queue" => queue.name.clone()).set(value);
    };
    set(WAITING, queue.pending as f64);
    set(DUE, queue.due as f64);
    set(RUNNING, queue.running as f64);
    set(DEAD, queue.dead as f64);
    set(OLDEST_DUE, queue.oldest_due_age(now).as_secs_f64());
}

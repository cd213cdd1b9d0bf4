//! What is counted and measured of jobs.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

use super::leases::vanish;
use super::*;
use crate::jobs::metrics::Gauges;

/// Keeps the last value of each name and label.
#[derive(Default)]
struct Noted(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Noted {
    fn of(&self, key: &Key) -> Arc<AtomicU64> {
        let labels = key.labels().map(|label| format!(" {}", label.value()));
        let name = format!("{}{}", key.name(), labels.collect::<String>());
        self.0.lock().unwrap().entry(name).or_default().clone()
    }

    fn bits(&self, name: &str) -> u64 {
        let noted = self.0.lock().unwrap();
        let value = noted.get(name).unwrap_or_else(|| panic!("no {name}"));
        value.load(Ordering::SeqCst)
    }

    fn count(&self, name: &str) -> u64 {
        self.bits(name)
    }

    fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.bits(name))
    }
}

/// Counts how often it was told something.
struct Times(Arc<AtomicU64>);

impl HistogramFn for Times {
    fn record(&self, _value: f64) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Recorder for Noted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(Times(self.of(key))))
    }
}

/// A job that fails once and then dies, one that is done, one whose worker vanishes in its
/// only try, and one that waits.
async fn play(db: Db) {
    let runs = Arc::new(AtomicI32::new(0));
    let worker = Jobs::new(db.clone(), failing(&runs, 2), quiet());
    let twice = NewJob {
        max_attempts: 2,
        ..new("work")
    };
    enqueue(&db, twice).await;
    worker.run_due().await.unwrap();
    db.clock().advance(Duration::from_secs(60));
    worker.run_due().await.unwrap();
    enqueue(&db, new("work")).await;
    worker.run_due().await.unwrap();
    let once = NewJob {
        max_attempts: 1,
        ..new("work")
    };
    enqueue(&db, once).await;
    assert_eq!(vanish(&db).await, 1);
    assert_eq!(worker.run_due().await.unwrap(), 0);
    enqueue(&db, new("of another process")).await;
    db.clock().advance(Duration::from_secs(5));
    Gauges::default().refresh(&db).await.unwrap();
}

#[test]
fn tries_are_counted_by_kind_and_what_stands_is_measured_by_queue() {
    let noted = Noted::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let runs = AtomicI32::new(0);
    metrics::with_local_recorder(&noted, || {
        runtime.block_on(on_each(clock(), |db| {
            runs.fetch_add(1, Ordering::SeqCst);
            play(db)
        }));
    });
    let databases = runs.into_inner() as u64;
    assert_eq!(noted.count("souk_jobs_done_total work"), databases);
    assert_eq!(noted.count("souk_jobs_failed_total work"), 3 * databases);
    assert_eq!(noted.count("souk_jobs_dead_total work"), 2 * databases);
    assert_eq!(noted.count("souk_jobs_run_seconds work"), 3 * databases);
    for (name, expected) in [
        ("souk_jobs_waiting test", 1.0),
        ("souk_jobs_due test", 1.0),
        ("souk_jobs_running test", 0.0),
        ("souk_jobs_dead test", 2.0),
        ("souk_jobs_oldest_due_seconds test", 5.0),
    ] {
        assert!(
            (noted.gauge(name) - expected).abs() < f64::EPSILON,
            "{name}"
        );
    }
}

//! The metrics: one recorder for the process, told in the text format of Prometheus when
//! somebody asks. Whoever counts looks a counter up once, by the macros of `metrics`, and
//! keeps it; `catalogue` says what each means. See docs/adr/0017.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use super::{catalogue, process};
use crate::kernel::{Error, Result};

pub use super::catalogue::{CATALOGUE, Kind, Metric};

/// Seconds at which the buckets of histograms end.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Numbers of things at which the buckets of sizes end.
const SIZES: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
/// Metrics of sizes end so.
const SIZE: &str = "_size";
/// How often what was measured is gathered into buckets, which bounds the memory it takes.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process; two servers in one process share it, also when they start
/// at once.
static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Sets gauges to what is so now.
pub type Look = Box<dyn Fn() + Send + Sync>;

/// Tells the metrics. Clones share it.
#[derive(Clone)]
pub struct Metrics(Arc<Shared>);

struct Shared {
    handle: PrometheusHandle,
    looks: OnceLock<Vec<Look>>,
}

impl Metrics {
    /// Begins to count. Counters that were looked up before count nothing.
    ///
    /// # Errors
    /// INTERNAL when somebody else counts already.
    pub fn start() -> Result<Self> {
        let mut recorder = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = match &*recorder {
            Some(handle) => handle.clone(),
            None => recorder.insert(install()?).clone(),
        };
        Ok(Self(Arc::new(Shared {
            handle,
            looks: OnceLock::new(),
        })))
    }

    /// Names, once, what looks around before the metrics are told.
    pub fn set_looks(&self, looks: Vec<Look>) {
        // A second call would mean two start-ups of one server; the first one stays.
        drop(self.0.looks.set(looks));
    }

    /// The metrics in the text format of Prometheus.
    pub fn render(&self) -> String {
        process::look();
        for look in self.0.looks.get().into_iter().flatten() {
            look();
        }
        self.0.handle.render()
    }

    /// Gathers what was measured, until the process stops.
    pub async fn keep_house(self, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP);
        while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            self.0.handle.run_upkeep();
        }
    }
}

fn install() -> Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix(SIZE.to_owned()), &SIZES)
        })
        .map_err(Error::internal)?;
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|_| Error::internal("another recorder of metrics is installed"))?;
    process::begin();
    catalogue::describe();
    gauge!("souk_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_start_at_once_share_one_recorder() {
        let starting: Vec<_> = (0..8).map(|_| std::thread::spawn(Metrics::start)).collect();
        for started in starting {
            let told = started.join().unwrap().unwrap().render();
            assert!(told.contains("souk_build_info"));
        }
    }
}

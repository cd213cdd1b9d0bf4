//! What is seen of a process from outside: the log, metrics, traces, reports of faults.
//! Nothing personal and no secret is in any of them; types that hold either do not print.

mod catalogue;
pub mod metrics;
mod process;
#[cfg(feature = "sentry")]
mod reports;
mod traces;

use std::io::{self, IsTerminal};
use std::time::Duration;

use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::{Config, Format, Log};
use crate::kernel::Result;
use traces::Tracing;

/// How long the last spans, and then the last reports, may take to leave when the process
/// ends; app::Running::stop counts with it.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// What runs until the process ends.
#[must_use]
pub struct Telemetry {
    traces: Option<Tracing>,
    #[cfg(feature = "sentry")]
    reports: Option<reports::Reports>,
}

/// Begins to write the log, to standard error, which leaves standard output to what a
/// command answers; to send traces and to report faults, where they are on. A second call
/// in one process changes nothing. Called within the runtime.
///
/// # Errors
/// INTERNAL when the collector's address is none.
pub fn start(config: &Config) -> Result<Telemetry> {
    if config.metrics.enabled {
        metrics::Metrics::start()?;
    }
    let traces = match &config.traces {
        Some(traces) => Some(Tracing::start(traces)?),
        None => None,
    };
    #[cfg(feature = "sentry")]
    let reports = config
        .sentry_dsn
        .as_ref()
        .and_then(|dsn| reports::Reports::start(dsn, config.environment.as_str()));

    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![lines(&config.log)];
    layers.extend(traces.as_ref().map(Tracing::layer));
    #[cfg(feature = "sentry")]
    layers.extend(reports.as_ref().map(|_| reports::layer()));
    if tracing_subscriber::registry()
        .with(layers)
        .try_init()
        .is_ok()
    {
        log_panics();
    }
    Ok(Telemetry {
        traces,
        #[cfg(feature = "sentry")]
        reports,
    })
}

impl Telemetry {
    /// Sends what is left, within a bound. Blocks; the runtime must still run.
    pub fn stop(self) {
        if let Some(traces) = self.traces {
            traces.stop(FLUSH_LIMIT);
        }
        #[cfg(feature = "sentry")]
        if let Some(reports) = self.reports {
            reports.stop(FLUSH_LIMIT);
        }
    }
}

/// The log.
fn lines<S>(log: &Log) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match log.format {
        Format::Text => lines
            .with_ansi(io::stderr().is_terminal())
            .with_filter(filter)
            .boxed(),
        Format::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    }
}

/// A panic is a line of the log like any other, with its place.
fn log_panics() {
    let panics = ::metrics::counter!("souk_panics_total");
    std::panic::set_hook(Box::new(move |panic| {
        panics.increment(1);
        let place = panic.location().map(ToString::to_string);
        let message = panic.payload_as_str().unwrap_or("without a message");
        let request = crate::kernel::trace::request_id();
        tracing::error!(request.id = request.as_deref(), place, message, "panic");
    }));
}

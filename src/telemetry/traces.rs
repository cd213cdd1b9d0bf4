//! Traces over OTLP: spans gather in a bounded queue, and one thread sends them in batches.
//! A collector that is away costs spans, never a call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{Counter, counter};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter as Otlp, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Traces;
use crate::kernel::trace::SPANS;
use crate::kernel::{Error, Result};

/// How long the collector may take to accept a batch.
const EXPORT_LIMIT: Duration = Duration::from_secs(3);

/// The traces of this process.
pub(super) struct Tracing {
    provider: SdkTracerProvider,
}

impl Tracing {
    /// Prepares to send. The connection is opened when there is something to send.
    ///
    /// # Errors
    /// INTERNAL when the address is none.
    pub(super) fn start(config: &Traces) -> Result<Self> {
        let exporter = Otlp::builder()
            .with_tonic()
            .with_endpoint(&config.endpoint)
            .with_timeout(EXPORT_LIMIT)
            .build()
            .map_err(Error::internal)?;
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Told::new(exporter))
            .with_sampler(sampler(config))
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// Takes the spans of souk, and nothing else.
    pub(super) fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("souk"))
            .with_location(false)
            .with_threads(false)
            .with_filter(filter_fn(|metadata| {
                metadata.is_span() && metadata.target() == SPANS
            }))
            .boxed()
    }

    /// Sends what is left.
    pub(super) fn stop(self, limit: Duration) {
        if let Err(error) = self.provider.shutdown_with_timeout(limit) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

fn sampler(config: &Traces) -> Sampler {
    let own = Sampler::TraceIdRatioBased(config.ratio);
    match config.follows_caller {
        true => Sampler::ParentBased(Box::new(own)),
        false => own,
    }
}

/// An exporter that says when the collector goes and when it comes back, not with every
/// batch, and counts what became of the spans.
#[derive(Debug)]
struct Told {
    inner: Otlp,
    is_away: AtomicBool,
    sent: Counter,
    lost: Counter,
}

impl Told {
    fn new(inner: Otlp) -> Self {
        Self {
            inner,
            is_away: AtomicBool::new(false),
            sent: counter!("souk_trace_spans_total", "outcome" => "sent"),
            lost: counter!("souk_trace_spans_total", "outcome" => "lost"),
        }
    }
}

impl SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        let outcome = self.inner.export(batch).await;
        match &outcome {
            Ok(()) => self.sent.increment(count),
            Err(_) => self.lost.increment(count),
        }
        let is_away = outcome.is_err();
        if self.is_away.swap(is_away, Ordering::Relaxed) != is_away {
            match &outcome {
                Ok(()) => tracing::info!("the collector of traces is back"),
                Err(error) => {
                    tracing::warn!(%error, "the collector of traces is away, spans are lost");
                }
            }
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

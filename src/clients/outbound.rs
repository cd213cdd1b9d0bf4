//! What is counted of calls to the outside, and their spans.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use metrics::{Counter, Histogram, counter, histogram};
use tracing::Span;

use super::http::Answer;
use crate::kernel::{Result, trace};

/// Counts the calls to one provider.
#[derive(Debug, Clone)]
pub(super) struct Outbound {
    provider: &'static str,
    seconds: Histogram,
    ok: Counter,
    refused: Counter,
    failed: Counter,
}

impl Outbound {
    pub(super) fn to(provider: &'static str) -> Self {
        let calls = |outcome| {
            let labels = [("provider", provider), ("outcome", outcome)];
            counter!("souk_outbound_calls_total", &labels)
        };
        Self {
            provider,
            seconds: histogram!("souk_outbound_seconds", "provider" => provider),
            ok: calls("ok"),
            refused: calls("refused"),
            failed: calls("failed"),
        }
    }

    /// The span of a call that begins.
    pub(super) fn span(&self) -> Span {
        tracing::trace_span!(
            target: trace::SPANS,
            "outbound",
            otel.name = self.provider,
            otel.kind = "client",
            peer.service = self.provider,
        )
    }

    /// Counts an HTTP call by what came of it.
    pub(super) fn count(&self, took: Duration, outcome: &Result<Answer>) {
        match outcome {
            Ok(answer) if answer.status.is_server_error() => self.failed(took),
            Ok(answer) if answer.status.is_client_error() => self.refused(took),
            Ok(_) => self.ok(took),
            Err(_) => self.failed(took),
        }
    }

    /// The provider did what was asked.
    pub(super) fn ok(&self, took: Duration) {
        self.seconds.record(took);
        self.ok.increment(1);
    }

    /// The provider works, but did not want this.
    pub(super) fn refused(&self, took: Duration) {
        self.seconds.record(took);
        self.refused.increment(1);
    }

    /// The provider did not do its part.
    pub(super) fn failed(&self, took: Duration) {
        self.seconds.record(took);
        self.failed.increment(1);
    }
}

/// Makes what is called a part of a span's trace.
pub(super) fn pass_on(span: &Span, headers: &mut HeaderMap) {
    for (name, value) in trace::headers(span) {
        let name = name.parse::<HeaderName>().ok();
        if let (Some(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
}

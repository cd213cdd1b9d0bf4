//! What correlates all that one call does: its request id, and its trace where traces are
//! on. Where they are off, spans are disabled and every function here does nothing.

use std::future::Future;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of every span. The log does not show it; traces show nothing else.
pub const SPANS: &str = "souk::span";

/// The header that names a trace and the caller's place in it (W3C Trace Context).
pub const TRACEPARENT: &str = "traceparent";
/// The header that goes with it.
pub const TRACESTATE: &str = "tracestate";

tokio::task_local! {
    static REQUEST: Arc<str>;
}

/// The request id of the call that runs now, if one does.
pub fn request_id() -> Option<Arc<str>> {
    REQUEST.try_with(Arc::clone).ok()
}

/// Runs a call under its request id.
pub async fn scope<T>(id: Arc<str>, work: impl Future<Output = T>) -> T {
    REQUEST.scope(id, work).await
}

/// Does something small under the request id of a call whose future has ended.
pub fn with<T>(id: &Arc<str>, work: impl FnOnce() -> T) -> T {
    REQUEST.sync_scope(id.clone(), work)
}

/// Makes a new span a part of the trace that a caller's headers name.
pub fn join(span: &Span, traceparent: Option<&str>, tracestate: Option<&str>) {
    if span.is_disabled() {
        return;
    }
    let Some(traceparent) = traceparent else {
        return;
    };
    let headers = Headers {
        traceparent,
        tracestate: tracestate.unwrap_or_default(),
    };
    let parent = propagator().extract_with_context(&Context::new(), &headers);
    if parent.span().span_context().is_valid() && span.set_parent(parent).is_err() {
        tracing::debug!("a span began before its parent was known");
    }
}

/// The trace of a span, in 32 hexadecimal digits.
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}

/// The trace of what runs now.
pub fn current_trace_id() -> Option<String> {
    trace_id(&Span::current())
}

/// The headers that make what is called a part of a span's trace; none where there is none.
pub fn headers(span: &Span) -> Vec<(String, String)> {
    let mut found = Found::default();
    if !span.is_disabled() {
        propagator().inject_context(&span.context(), &mut found);
    }
    found.0
}

fn propagator() -> opentelemetry_sdk::propagation::TraceContextPropagator {
    opentelemetry_sdk::propagation::TraceContextPropagator::new()
}

struct Headers<'a> {
    traceparent: &'a str,
    tracestate: &'a str,
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => Some(self.traceparent),
            TRACESTATE => Some(self.tracestate),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

#[derive(Default)]
struct Found(Vec<(String, String)>);

impl Injector for Found {
    fn set(&mut self, key: &str, value: String) {
        // An empty tracestate says nothing.
        if !value.is_empty() {
            self.0.push((key.to_owned(), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_traces_there_is_no_trace() {
        let span = Span::none();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        join(&span, Some(parent), None);
        assert_eq!(trace_id(&span), None);
        assert!(headers(&span).is_empty());
    }

    #[tokio::test]
    async fn the_request_id_is_known_while_the_call_runs() {
        assert_eq!(request_id(), None);
        let seen = scope("req-1".into(), async { request_id() }).await;
        assert_eq!(seen.as_deref(), Some("req-1"));
    }
}

//! What is written down of a call: its span, and one line when it is answered.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use http::header::USER_AGENT;
use tonic::Code;
use tracing::{Span, field};

use crate::kernel::trace;
use crate::pb::policy::{Idempotency, MethodPolicy};

/// What a client says about itself is kept to this length.
const USER_AGENT_LEN: usize = 200;

/// What the client says that it is.
pub(super) fn user_agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    // Header text is ASCII here, so every byte ends a character.
    Some(text.get(..USER_AGENT_LEN).unwrap_or(text).into())
}

/// The span of a call, a part of its caller's trace where the caller names one.
pub(super) fn span(policy: &MethodPolicy, id: &str, headers: &HeaderMap) -> Span {
    let span = tracing::trace_span!(
        target: trace::SPANS,
        "call",
        otel.name = policy.path.trim_start_matches('/'),
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.grpc.status_code = field::Empty,
        request.id = id,
    );
    if !span.is_disabled() {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        trace::join(&span, text(trace::TRACEPARENT), text(trace::TRACESTATE));
    }
    span
}

/// One line a call: writes and refusals always, reads that went well only on demand,
/// because they are nearly all there is.
pub(super) fn log(policy: &MethodPolicy, id: &str, span: &Span, started: Instant, code: Code) {
    let quiet = code == Code::Ok && policy.idempotency == Idempotency::Safe;
    if quiet && !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let duration_ms = started.elapsed().as_micros() as f64 / 1000.0;
    let trace_id = trace::trace_id(span);
    if quiet {
        tracing::debug!(rpc.method = policy.path, rpc.code = ?code, request.id = id, trace.id = trace_id, duration_ms, "answered");
    } else {
        tracing::info!(rpc.method = policy.path, rpc.code = ?code, request.id = id, trace.id = trace_id, duration_ms, "answered");
    }
}

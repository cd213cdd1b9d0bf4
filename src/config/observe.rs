//! How the server is seen from outside: metrics, traces, reports of faults.

use std::net::IpAddr;

use super::read::{Name, Problem, Reader, refused};
use crate::kernel::Secret;

const TOKEN: Name = ("METRICS_TOKEN", "metrics.token");
const ENDPOINT: Name = ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint");
const DSN: Name = ("SENTRY_DSN", "sentry.dsn");

/// The metrics.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Whether anything is counted and told.
    pub enabled: bool,
    /// A port of their own, which also tells in detail how the server is.
    pub port: Option<MetricsPort>,
}

/// The port of metrics.
#[derive(Debug, Clone)]
pub struct MetricsPort {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port; 0 takes any free one.
    pub port: u16,
    /// The Bearer token that opens metrics and details; unset, they are open.
    pub token: Option<Secret<String>>,
}

/// Where traces go, and how many of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    /// The collector's gRPC address, `http://host:4317`.
    pub endpoint: String,
    /// What the collector calls this process.
    pub service_name: String,
    /// Whether a caller's own decision to record a trace counts.
    pub follows_caller: bool,
    /// The part of all other traces that is recorded, from 0 to 1.
    pub ratio: f64,
}

pub(super) fn metrics(reader: &mut Reader) -> Metrics {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let host = reader.value(
        ("METRICS_HOST", "metrics.host"),
        loopback,
        "an IP address to listen on",
    );
    let token = reader.text(TOKEN).map(Secret::new);
    let short = |token: &Secret<String>| token.expose().len() < 16;
    if token.as_ref().is_some_and(short) {
        reader.problem(TOKEN, "must have at least 16 characters");
    }
    let port = reader.with(
        ("METRICS_PORT", "metrics.port"),
        None,
        "a port number",
        |text| text.parse().ok().map(Some),
    );
    Metrics {
        enabled: reader.flag(("ENABLE_METRICS", "metrics.enabled"), true),
        port: port.map(|port| MetricsPort { host, port, token }),
    }
}

/// What production must not start with.
pub(super) fn refusals(metrics: &Metrics) -> Vec<Problem> {
    let is_open = |port: &MetricsPort| !port.host.is_loopback() && port.token.is_none();
    refused([(
        metrics.port.as_ref().is_some_and(is_open),
        TOKEN.0,
        "must be set where METRICS_HOST is not this host: metrics tell much",
    )])
}

/// The traces, where a collector is named.
pub(super) fn traces(reader: &mut Reader) -> Option<Traces> {
    let endpoint = reader.text(ENDPOINT);
    let service_name = reader.text(("OTEL_SERVICE_NAME", "traces.service_name"));
    let sampler = reader.with(
        ("OTEL_TRACES_SAMPLER", "traces.sampler"),
        (true, None),
        "parentbased_traceidratio, traceidratio, always_on, always_off or one of these two \
         after parentbased_",
        sampler,
    );
    let share = reader.with(
        ("OTEL_TRACES_SAMPLER_ARG", "traces.sampler_arg"),
        1.0,
        "a part from 0 to 1, such as 0.1",
        |text| {
            text.parse()
                .ok()
                .filter(|ratio| (0.0..=1.0).contains(ratio))
        },
    );
    let endpoint = endpoint?;
    let host = endpoint.strip_prefix("http://");
    if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
        reader.problem(
            ENDPOINT,
            "must be http://host:port of a collector that speaks gRPC, best beside this process",
        );
    }
    let (follows_caller, fixed) = sampler;
    Some(Traces {
        endpoint,
        service_name: service_name.unwrap_or_else(|| "souk".to_owned()),
        follows_caller,
        ratio: fixed.unwrap_or(share),
    })
}

/// Whether a caller's decision counts, and the ratio where the name fixes it.
fn sampler(name: &str) -> Option<(bool, Option<f64>)> {
    let (follows, name) = match name.strip_prefix("parentbased_") {
        Some(name) => (true, name),
        None => (false, name),
    };
    let fixed = match name {
        "always_on" => Some(1.0),
        "always_off" => Some(0.0),
        "traceidratio" => None,
        _ => return None,
    };
    Some((follows, fixed))
}

/// Where faults are reported, if they are.
pub(super) fn sentry(reader: &mut Reader, notes: &mut Vec<String>) -> Option<Secret<String>> {
    let dsn = reader.text(DSN)?;
    if !cfg!(feature = "sentry") {
        notes.push(
            "SENTRY_DSN is set, but this build reports nothing: build it with the feature sentry"
                .to_owned(),
        );
    }
    let is_url = ["https://", "http://"]
        .iter()
        .any(|scheme| dsn.starts_with(scheme));
    if !is_url || !dsn.contains('@') {
        reader.problem(DSN, "must be a DSN such as https://key@host/1");
    }
    Some(Secret::new(dsn))
}

//! Every metric of souk: its name, what it means, and the labels whose values are known
//! beforehand, which are told from the start, so that a rate sees the first increment.

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Seconds, or a size, in buckets.
    Histogram,
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name, its unit last.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it tells.
    pub help: &'static str,
    /// Labels that are told from the start.
    known: Known,
}

#[derive(Debug, Clone, Copy)]
enum Known {
    /// It has no labels.
    Plain,
    /// One label with these values.
    Label(&'static str, &'static [&'static str]),
    /// Told when it first happens.
    Later,
}

use Kind::{Counter, Gauge, Histogram};
use Known::{Label, Later, Plain};

const fn metric(name: &'static str, kind: Kind, known: Known, help: &'static str) -> Metric {
    Metric {
        name,
        kind,
        help,
        known,
    }
}

const CLASSES: &[&str] = &[
    "RATE_READ",
    "RATE_WRITE",
    "RATE_OTP",
    "RATE_LOGIN",
    "RATE_CHECKOUT",
    "RATE_STREAM",
    "RATE_WEBHOOK_CALLS",
    "RATE_ADMIN_CALLS",
    "RATE_LIKE",
    "RATE_COMMENT",
    "RATE_VIEW",
    "RATE_UPLOAD",
    "RATE_BID",
];

/// All of them.
pub const CATALOGUE: &[Metric] = &[
    metric(
        "souk_build_info",
        Gauge,
        Later,
        "The version that runs; always 1.",
    ),
    metric(
        "souk_process_uptime_seconds",
        Gauge,
        Plain,
        "How long the process has run.",
    ),
    metric(
        "souk_process_resident_bytes",
        Gauge,
        Plain,
        "Memory that the process holds.",
    ),
    metric(
        "souk_process_open_fds",
        Gauge,
        Plain,
        "Open files and sockets.",
    ),
    metric(
        "souk_process_max_fds",
        Gauge,
        Plain,
        "Files and sockets that may be open.",
    ),
    metric(
        "souk_panics_total",
        Counter,
        Plain,
        "Panics; each is a fault.",
    ),
    metric(
        "souk_rpc_calls_total",
        Counter,
        Later,
        "Calls that were answered, by method and code; for a stream, its opening.",
    ),
    metric(
        "souk_rpc_seconds",
        Histogram,
        Later,
        "How long calls took, by method; for a stream, its opening.",
    ),
    metric(
        "souk_rpc_in_flight",
        Gauge,
        Later,
        "Calls under way, by method.",
    ),
    metric(
        "souk_rpc_draining_total",
        Counter,
        Plain,
        "Calls that came while the server stopped.",
    ),
    metric(
        "souk_rate_refusals_total",
        Counter,
        Label("class", CLASSES),
        "Calls over their caller's rate, by class.",
    ),
    metric(
        "souk_shed_seconds",
        Histogram,
        Label(
            "lane",
            &["reads", "changes", "likes", "bids", "sign_in", "large"],
        ),
        "How long calls waited that were turned away because the server was full, by lane.",
    ),
    metric("souk_connections_open", Gauge, Plain, "Open connections."),
    metric(
        "souk_connections_total",
        Counter,
        Plain,
        "Connections that were let in.",
    ),
    metric(
        "souk_connections_refused_total",
        Counter,
        Label("reason", &["total", "address", "handshake"]),
        "Connections closed before their first call: too many in all, too many of one address, or silent too long.",
    ),
    metric(
        "souk_streams_open",
        Gauge,
        Later,
        "Open server streams, by method.",
    ),
    metric(
        "souk_streams_ended_total",
        Counter,
        Later,
        "Server streams that ended, by method and reason: age, drain, revoked, slow, removed (what it told of), failed, or gone (the client).",
    ),
    metric(
        "souk_events_appended_total",
        Counter,
        Plain,
        "Events that this process committed.",
    ),
    metric(
        "souk_events_read_total",
        Counter,
        Plain,
        "Events that the tailer read.",
    ),
    metric(
        "souk_events_delivered_total",
        Counter,
        Plain,
        "Events handed to watchers, each watcher counted.",
    ),
    metric(
        "souk_events_lag_seconds",
        Histogram,
        Plain,
        "From the change to the tailer's reading of its event.",
    ),
    metric(
        "souk_cache_reads_total",
        Counter,
        Later,
        "Reads of caches, by cache and outcome: hit or miss.",
    ),
    metric("souk_db_statements_total", Counter, Plain, "Statements."),
    metric(
        "souk_db_slow_statements_total",
        Counter,
        Plain,
        "Statements over SLOW_QUERY_MS; each is in the log.",
    ),
    metric(
        "souk_db_acquire_timeouts_total",
        Counter,
        Plain,
        "Times that no connection of the pool was free in time.",
    ),
    metric(
        "souk_db_begin_seconds",
        Histogram,
        Plain,
        "How long write transactions waited to begin.",
    ),
    metric(
        "souk_db_retries_total",
        Counter,
        Plain,
        "Transactions that lost a deadlock and ran again.",
    ),
    metric(
        "souk_db_connections_open",
        Gauge,
        Later,
        "Open database connections, by pool.",
    ),
    metric(
        "souk_db_connections_idle",
        Gauge,
        Later,
        "Of these, those that nobody uses, by pool.",
    ),
    metric(
        "souk_outbound_calls_total",
        Counter,
        Later,
        "Calls to the outside, by provider and outcome: ok, refused or failed.",
    ),
    metric(
        "souk_outbound_seconds",
        Histogram,
        Later,
        "How long calls to the outside took, by provider.",
    ),
    metric(
        "souk_breaker_state",
        Gauge,
        Later,
        "Whether a provider is called: 0 yes, 1 one tries, 2 no.",
    ),
    metric(
        "souk_trace_spans_total",
        Counter,
        Later,
        "Spans given to the collector of traces, by outcome: sent or lost.",
    ),
    metric(
        "souk_otp_sent_total",
        Counter,
        Plain,
        "One-time passwords sent.",
    ),
    metric(
        "souk_otp_verified_total",
        Counter,
        Plain,
        "One-time passwords that were right.",
    ),
    metric("souk_orders_placed_total", Counter, Plain, "Orders placed."),
    metric(
        "souk_reel_likes_total",
        Counter,
        Plain,
        "Likes that this process committed.",
    ),
    metric(
        "souk_reel_unlikes_total",
        Counter,
        Plain,
        "Likes taken back that this process committed.",
    ),
    metric(
        "souk_reel_likes_batch_size",
        Histogram,
        Plain,
        "Likes and likes taken back that went into one transaction.",
    ),
    metric(
        "souk_reel_views_total",
        Counter,
        Plain,
        "Views that this process wrote and that counted.",
    ),
    metric(
        "souk_reel_fold_seconds",
        Histogram,
        Plain,
        "How long it took to take over all counts that changes had left.",
    ),
    metric(
        "souk_reel_counts_repaired_total",
        Counter,
        Plain,
        "Reels whose counts differed from their rows; each is a fault.",
    ),
    metric(
        "souk_reels_watched",
        Gauge,
        Plain,
        "Reels that somebody watches in this process.",
    ),
    metric(
        "souk_jobs_done_total",
        Counter,
        Later,
        "Jobs that succeeded, by kind.",
    ),
    metric(
        "souk_jobs_failed_total",
        Counter,
        Later,
        "Tries of jobs that failed, by kind.",
    ),
    metric(
        "souk_jobs_dead_total",
        Counter,
        Later,
        "Jobs that were given up, by kind.",
    ),
    metric(
        "souk_jobs_run_seconds",
        Histogram,
        Later,
        "How long tries of jobs took, by kind.",
    ),
    metric(
        "souk_jobs_waiting",
        Gauge,
        Later,
        "Jobs that wait, for whatever, by queue; every process tells the same.",
    ),
    metric(
        "souk_jobs_due",
        Gauge,
        Later,
        "Jobs that could run now and wait for a worker, by queue; every process tells the same.",
    ),
    metric(
        "souk_jobs_running",
        Gauge,
        Later,
        "Jobs that run in any process, by queue; every process tells the same.",
    ),
    metric(
        "souk_jobs_dead",
        Gauge,
        Later,
        "Jobs that are dead, by queue; every process tells the same.",
    ),
    metric(
        "souk_jobs_oldest_due_seconds",
        Gauge,
        Later,
        "The longest that a due job waits, by queue; every process tells the same.",
    ),
];

/// Tells the recorder what each means, and of those whose labels are known that they exist.
pub(super) fn describe() {
    for metric in CATALOGUE {
        let unit = match metric.name {
            name if name.ends_with("_seconds") => Unit::Seconds,
            name if name.ends_with("_bytes") => Unit::Bytes,
            _ => Unit::Count,
        };
        match metric.kind {
            Counter => describe_counter!(metric.name, unit, metric.help),
            Gauge => describe_gauge!(metric.name, unit, metric.help),
            Histogram => describe_histogram!(metric.name, unit, metric.help),
        }
        announce(metric);
    }
}

fn announce(metric: &Metric) {
    let labels: Vec<Vec<(&'static str, &'static str)>> = match metric.known {
        Plain => vec![Vec::new()],
        Label(name, values) => values.iter().map(|value| vec![(name, *value)]).collect(),
        Later => Vec::new(),
    };
    for labels in &labels {
        // Looking one up makes it exist.
        match metric.kind {
            Counter => drop(counter!(metric.name, labels)),
            Gauge => drop(gauge!(metric.name, labels)),
            Histogram => drop(histogram!(metric.name, labels)),
        }
    }
}

//! The port: where it listens, whom it believes, and its limits.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::read::{Name, Problem, Reader, refused, span};
use crate::cache::Limit;
use crate::grpc::{Class, Limits, Origins, Rates, ServerConfig, TlsFiles};

const HOST: Name = ("HOST", "server.host");
const TRUST: Name = ("TRUST_PROXY", "server.trust_proxy");
const ORIGINS: Name = ("CORS_ORIGIN", "server.cors_origin");
const CERT: Name = ("TLS_CERT_FILE", "server.tls_cert_file");
const KEY: Name = ("TLS_KEY_FILE", "server.tls_key_file");
/// Together with the drain of connections this stays below the 30 s that supervisors wait.
const MAX_PAUSE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_secs(5);

pub(super) fn read(reader: &mut Reader, production: bool) -> ServerConfig {
    let host = if production {
        IpAddr::from([0, 0, 0, 0])
    } else {
        IpAddr::from([127, 0, 0, 1])
    };
    let limits = Limits::default();
    ServerConfig {
        host: reader.value(HOST, host, "an IP address to listen on"),
        port: reader.value(("PORT", "server.port"), 4000, "a port number"),
        tls: tls(reader),
        tls_at_proxy: reader.flag(("TLS_AT_PROXY", "server.tls_at_proxy"), false),
        trusted_proxies: trusted(reader),
        origins: origins(reader, production),
        credentials: reader.flag(("CORS_CREDENTIALS", "server.cors_credentials"), false),
        reflection: reader.flag(("REFLECTION", "server.reflection"), !production),
        development: !production,
        limits: Limits {
            connections: reader.number(
                ("MAX_CONNECTIONS", "server.max_connections"),
                limits.connections,
                1,
                1_000_000,
            ),
            connections_per_ip: reader.number(
                ("MAX_CONNECTIONS_PER_IP", "server.max_connections_per_ip"),
                limits.connections_per_ip,
                1,
                1_000_000,
            ),
            calls: reader.number(("MAX_CALLS", "server.max_calls"), limits.calls, 1, 100_000),
            ..bounds_of_streams(reader, production)
        },
        rates: rates(reader),
    }
}

/// What production must not start with.
pub(super) fn refusals(server: &ServerConfig) -> Vec<Problem> {
    let public = !server.host.is_loopback();
    let any_origin = matches!(server.origins, Origins::Any);
    refused([
        (
            server.reflection,
            "REFLECTION",
            "must be off: it shows every method to everybody",
        ),
        (
            any_origin && server.credentials,
            ORIGINS.0,
            "must list origins: * together with CORS_CREDENTIALS lets every site act for its visitors",
        ),
        (
            public && server.tls.is_none() && !server.tls_at_proxy,
            CERT.0,
            "must be set to listen on a public address; where a proxy ends TLS, say TLS_AT_PROXY=true",
        ),
        (
            server.tls_at_proxy && server.trusted_proxies.is_empty(),
            TRUST.0,
            "must name the proxy that ends TLS: without it every client has the proxy's address",
        ),
    ])
}

/// How many streams may be open, and how long they and others are served on at shutdown.
fn bounds_of_streams(reader: &mut Reader, production: bool) -> Limits {
    let limits = Limits::default();
    let mut number = |name, default| reader.number(name, default, 1, 1_000_000);
    let streams = number(("STREAMS_MAX", "server.streams_max"), limits.streams);
    let streams_per_user = number(
        ("STREAMS_PER_USER", "server.streams_per_user"),
        limits.streams_per_user,
    );
    let streams_per_ip = number(
        ("STREAMS_PER_IP", "server.streams_per_ip"),
        limits.streams_per_ip,
    );
    // A load balancer in front needs a moment to notice; on a desk there is none.
    let pause = if production { PAUSE } else { limits.pause };
    let must_be = format!("a span up to {} s, such as 5s or 0", MAX_PAUSE.as_secs());
    let pause = reader.with(
        ("SHUTDOWN_DELAY", "server.shutdown_delay"),
        pause,
        &must_be,
        |text| span(text).filter(|pause| *pause <= MAX_PAUSE),
    );
    Limits {
        streams,
        streams_per_user,
        streams_per_ip,
        pause,
        ..limits
    }
}

fn tls(reader: &mut Reader) -> Option<TlsFiles> {
    match (reader.text(CERT), reader.text(KEY)) {
        (Some(cert), Some(key)) => Some(TlsFiles {
            cert: PathBuf::from(cert),
            key: PathBuf::from(key),
        }),
        (None, None) => None,
        (Some(_), None) => {
            reader.problem(KEY, "must be set together with TLS_CERT_FILE");
            None
        }
        (None, Some(_)) => {
            reader.problem(CERT, "must be set together with TLS_KEY_FILE");
            None
        }
    }
}

/// Networks, or single addresses.
fn trusted(reader: &mut Reader) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for item in reader.list(TRUST) {
        let address = || item.parse::<IpAddr>().map(IpNet::from);
        match item.parse::<IpNet>().or_else(|_| address()) {
            Ok(network) => networks.push(network),
            Err(_) => reader.problem(
                TRUST,
                format!("lists {item:?}, which is no address or network such as 10.0.0.0/8"),
            ),
        }
    }
    networks
}

/// The browsers' origins: `CORS_ORIGIN`, and `FRONTEND_URL` besides. In development any
/// page may read answers unless a list says otherwise.
fn origins(reader: &mut Reader, production: bool) -> Origins {
    let mut origins = reader.list(ORIGINS);
    origins.extend(reader.list(("FRONTEND_URL", "server.frontend_url")));
    if origins.iter().any(|origin| origin == "*") || (origins.is_empty() && !production) {
        return Origins::Any;
    }
    for origin in &mut origins {
        origin.truncate(origin.trim_end_matches('/').len());
        let rest = origin.split_once("://").filter(|(scheme, rest)| {
            ["http", "https"].contains(scheme)
                && !rest.is_empty()
                && !rest.contains(['/', '?', '#'])
        });
        if rest.is_none() {
            reader.problem(
                ORIGINS,
                format!("lists {origin:?}, which is no origin such as https://shop.example.com"),
            );
        }
    }
    Origins::List(origins)
}

/// `RATE_READ=1200/60s`, `RATE_OTP=off`; `RATE_LIMITS=off` for all of them.
fn rates(reader: &mut Reader) -> Rates {
    let mut rates = Rates::default();
    for class in Class::ALL {
        let (variable, key) = class.setting();
        let limit = reader.text((variable, key)).map(|text| limit(class, &text));
        match limit {
            None => {}
            Some(Some(limit)) => rates.set(class, limit),
            Some(None) => reader.problem(
                (variable, key),
                "must be calls per span, such as 120/60s, or off",
            ),
        }
    }
    if reader.flag(("RATE_LIMITS", "rates.limits"), true) {
        rates
    } else {
        Rates::off()
    }
}

/// `Some(None)` is a limit that is off.
fn limit(class: Class, text: &str) -> Option<Option<Limit>> {
    if text.eq_ignore_ascii_case("off") {
        return Some(None);
    }
    let (count, period) = text.split_once('/')?;
    let count: NonZeroU32 = count.trim().parse().ok()?;
    let period = span(period.trim()).filter(|period| *period >= Duration::from_secs(1))?;
    Some(Some(class.limit(count, period)))
}

//! The port for those who run souk: metrics, and how the server is, in detail. It listens
//! on this host unless told otherwise; then a token opens it.
//!
//! `GET /metrics`, `GET /health/live`, `GET /health/ready`. A probe without the token learns
//! of readiness its status alone.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::gauge;
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::App;
use crate::config::MetricsPort;
use crate::db::Db;
use crate::kernel::task::Tasks;
use crate::kernel::{Error, Reason, Result, Secret};
use crate::services::ops::Health;
use crate::telemetry::metrics::{Look, Metrics};

/// How long a client may take to send the head of a request, and idle before the next.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at once: scrapers and probes are few.
const CONNECTIONS: usize = 64;
/// The text format of Prometheus.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A bound port that serves nothing yet.
pub(super) struct OpsPort {
    listener: StdListener,
    token: Option<Secret<String>>,
}

impl OpsPort {
    /// Binds the port, where the settings name one.
    ///
    /// # Errors
    /// UNAVAILABLE when it cannot be opened.
    pub(super) fn bind(port: Option<&MetricsPort>) -> Result<Option<Self>> {
        let Some(MetricsPort { host, port, token }) = port else {
            return Ok(None);
        };
        let open = || -> io::Result<StdListener> {
            let listener = StdListener::bind(SocketAddr::new(*host, *port))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let listener = open().map_err(|error| {
            let message = format!("port {port} of {host} cannot be opened for metrics");
            Error::new(Reason::Unavailable, message).caused_by(error)
        })?;
        Ok(Some(Self {
            listener,
            token: token.clone(),
        }))
    }
}

impl App {
    /// Serves the port for those who run souk, and says where it is.
    pub(super) fn open_ops_port(
        &self,
        port: Option<OpsPort>,
        tasks: &Tasks,
    ) -> Result<Option<SocketAddr>> {
        let Some(OpsPort { listener, token }) = port else {
            return Ok(None);
        };
        let address = listener.local_addr().map_err(Error::internal)?;
        let listener = TcpListener::from_std(listener).map_err(Error::internal)?;
        let answers = Arc::new(Answers {
            token,
            health: self.health.clone(),
            metrics: self.metrics.clone(),
        });
        tasks.spawn(accept(listener, answers, tasks.clone()));
        tracing::info!(%address, "metrics and health are told");
        Ok(Some(address))
    }
}

/// Sets the gauges of the database's connections.
pub(super) fn look_at_pools(db: Db) -> Look {
    Box::new(move || {
        for pool in db.pools() {
            gauge!("souk_db_connections_open", "pool" => pool.name).set(f64::from(pool.open));
            gauge!("souk_db_connections_idle", "pool" => pool.name).set(pool.idle as f64);
        }
    })
}

async fn accept(listener: TcpListener, answers: Arc<Answers>, tasks: Tasks) {
    let stopping = tasks.stopping();
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (Ok((stream, _)), Ok(place)) = (accepted, places.clone().try_acquire_owned()) else {
            // Out of file handles, or full: a pause, then the next.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (answers, stopping) = (answers.clone(), stopping.clone());
        tasks.spawn(async move {
            serve(stream, answers, stopping).await;
            drop(place);
        });
    }
}

async fn serve(stream: TcpStream, answers: Arc<Answers>, stopping: CancellationToken) {
    let service = service_fn(move |request| {
        let answers = answers.clone();
        async move { Ok::<_, Infallible>(answers.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    if let Some(Err(error)) = stopping.run_until_cancelled(connection).await {
        tracing::debug!(%error, "a connection for metrics ended early");
    }
}

/// What the port answers with.
struct Answers {
    token: Option<Secret<String>>,
    health: Health,
    metrics: Option<Metrics>,
}

impl Answers {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        let is_known = self.knows(request.headers());
        match request.uri().path() {
            "/health/live" => text(StatusCode::OK, "live\n"),
            "/health/ready" => self.readiness(is_known).await,
            "/metrics" if !is_known => text(StatusCode::UNAUTHORIZED, "a token is needed\n"),
            "/metrics" => match &self.metrics {
                Some(metrics) => answer(StatusCode::OK, EXPOSITION, metrics.render()),
                None => text(StatusCode::NOT_FOUND, "metrics are off\n"),
            },
            _ => text(
                StatusCode::NOT_FOUND,
                "/metrics, /health/live, /health/ready\n",
            ),
        }
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let sent = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let sent = sent.and_then(|value| value.strip_prefix(b"Bearer "));
        sent.is_some_and(|sent| sent.ct_eq(token.expose().as_bytes()).into())
    }

    async fn readiness(&self, is_known: bool) -> Response<Full<Bytes>> {
        let ready = self.health.ready().await;
        let status = match ready {
            Ok(()) => StatusCode::OK,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        if !is_known {
            return text(
                status,
                if ready.is_ok() {
                    "ready\n"
                } else {
                    "not ready\n"
                },
            );
        }
        let parts: Vec<_> = self
            .health
            .look()
            .await
            .iter()
            .map(|part| {
                json!({
                    "name": part.name,
                    "up": part.is_up(),
                    "latencyMs": part.latency.map(|it| it.as_secs_f64() * 1e3),
                })
            })
            .collect();
        let told = json!({
            "ready": ready.is_ok(),
            "why": ready.err().map(|error| error.message().to_owned()),
            "uptimeSeconds": self.health.uptime().as_secs_f64(),
            "parts": parts,
        });
        answer(status, "application/json", format!("{told}\n"))
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    answer(status, "text/plain; charset=utf-8", text.to_owned())
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

//! One connection: what it speaks, how long it lives, how it ends.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::config::Limits;
use super::front::Front;
use super::meter::ConnectionMeter;
use super::tls::{HTTP2, Tls};

/// What a client that speaks HTTP/2 without TLS says first (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const MAX_STREAMS: u32 = 100;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
const MAX_HEADERS: u32 = 16 * 1024;
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long an HTTP/1 client may take to send the head of a request, and how long it
/// may idle before the next.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// What all connections share.
pub(super) struct Shared {
    pub(super) front: Front,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) stopping: CancellationToken,
    pub(super) meter: ConnectionMeter,
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: IpAddr, shared: Arc<Shared>) {
    let outcome = match &shared.tls {
        Some(tls) => encrypted(stream, peer, &shared, &tls.acceptor()).await,
        None => plain(stream, peer, &shared).await,
    };
    if let Err(error) = outcome {
        tracing::debug!(error = &*error, "a connection ended early");
    }
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn encrypted(
    stream: TcpStream,
    peer: IpAddr,
    shared: &Shared,
    acceptor: &TlsAcceptor,
) -> Outcome {
    let stream = in_time(shared, acceptor.accept(stream)).await??;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
    speak(stream, http2, peer, shared).await
}

async fn plain(stream: TcpStream, peer: IpAddr, shared: &Shared) -> Outcome {
    // HTTP/2 has no time limit for its own beginning, so it is waited for here.
    let http2 = in_time(shared, begins_with_preface(&stream)).await??;
    speak(stream, http2, peer, shared).await
}

/// What a client does before its first call must not take long.
async fn in_time<T>(shared: &Shared, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let outcome = timeout(shared.limits.handshake, work).await;
    if outcome.is_err() {
        shared.meter.silent.increment(1);
    }
    outcome
}

/// Whether the client speaks HTTP/2, by its first bytes, which stay unread.
async fn begins_with_preface(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0u8; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut first).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first[..seen] != PREFACE[..seen] {
            return Ok(false);
        }
        if seen == PREFACE.len() {
            return Ok(true);
        }
        // A part of the preface stays readable, so waiting for more needs a pause.
        sleep(Duration::from_millis(10)).await;
    }
}

async fn speak<I>(io: I, http2: bool, peer: IpAddr, shared: &Shared) -> Outcome
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let calls = Arc::new(AtomicU64::new(0));
    let service = Requests {
        front: shared.front.clone(),
        peer,
        calls: calls.clone(),
        stopping: shared.stopping.clone(),
        late: shared.meter.late.clone(),
    };
    let io = TokioIo::new(io);
    if http2 {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .serve_connection(io, service);
        live(connection, &calls, shared).await
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(4 * MAX_HEADERS as usize)
            .serve_connection(io, service);
        live(connection, &calls, shared).await
    }
}

/// Drives a connection until it ends, is idle or old, or the server stops. Then it is
/// asked to finish what is open, which is bounded: a peer may never hang up.
async fn live<C>(connection: C, calls: &AtomicU64, shared: &Shared) -> Outcome
where
    C: GracefulConnection,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let limits = &shared.limits;
    let mut connection = pin!(connection);
    let old = sleep(limits.age);
    let mut old = pin!(old);
    let mut idle = tokio::time::interval_at(Instant::now() + limits.idle, limits.idle);
    let mut seen = 0;
    loop {
        tokio::select! {
            outcome = connection.as_mut() => return Ok(outcome?),
            () = shared.stopping.cancelled() => break,
            () = old.as_mut() => break,
            _ = idle.tick() => {
                let now = calls.load(Ordering::Relaxed);
                if now == seen {
                    break;
                }
                seen = now;
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        outcome = connection => Ok(outcome?),
        () = sleep(limits.age) => Ok(()),
        () = drained(shared) => Ok(()),
    }
}

/// Ends when a stopping server waits no longer.
async fn drained(shared: &Shared) {
    shared.stopping.cancelled().await;
    sleep(shared.limits.drain).await;
}

/// The requests of one connection.
struct Requests {
    front: Front,
    peer: IpAddr,
    calls: Arc<AtomicU64>,
    stopping: CancellationToken,
    late: metrics::Counter,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.stopping.is_cancelled() {
            self.late.increment(1);
        }
        self.front.answer(self.peer, request)
    }
}

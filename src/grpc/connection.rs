//! One connection: what it speaks, how long it lives, how it ends.

use std::convert::Infallible;
use std::future::{Future, poll_fn, ready};
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{MapOk, TryFutureExt};
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::config::Limits;
use super::drain::{Activity, Tally};
use super::frames::Frames;
use super::front::{Answering, Front};
use super::heads::{Ambiguous, Heads};
use super::meter::ConnectionMeter;
use super::overhear::Overheard;
use super::paced::{Paced, Patience, while_read};
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
/// What waits in memory for the reader of one stream at the most, beyond one piece.
const SEND_BUFFER: usize = 64 * 1024;

/// What all connections share.
pub(super) struct Shared {
    pub(super) front: Front,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) stopping: CancellationToken,
    pub(super) tally: Tally,
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
    // Boxed, so that whoever says nothing does not cost what a conversation costs.
    Box::pin(speak(stream, http2, peer, shared)).await
}

async fn plain(stream: TcpStream, peer: IpAddr, shared: &Shared) -> Outcome {
    // Which of the two is spoken shows in the first bytes.
    let http2 = in_time(shared, begins_with_preface(&stream)).await??;
    Box::pin(speak(stream, http2, peer, shared)).await
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
    let activity = Arc::new(Activity::default());
    let ambiguous = Ambiguous::default();
    let service = Requests {
        front: shared.front.clone(),
        peer,
        activity: activity.clone(),
        ambiguous: ambiguous.clone(),
        stopping: shared.stopping.clone(),
        late: shared.meter.late.clone(),
    };
    if http2 {
        let executor = Answers {
            activity: activity.clone(),
            unread: shared.limits.unread,
        };
        let (begun, preface) = oneshot::channel();
        let io = Overheard::new(io, Frames::after(PREFACE.len(), begun));
        let connection = http2::Builder::new(executor)
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADERS)
            .max_send_buf_size(SEND_BUFFER)
            .keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .serve_connection(TokioIo::new(io), service);
        // Behind TLS a client may have chosen HTTP/2 and then say nothing, and the library
        // waits for the preface without end.
        tokio::select! {
            outcome = live(connection, &activity, true, shared) => outcome,
            Err(silent) = in_time(shared, preface) => Err(silent.into()),
        }
    } else {
        let io = Overheard::new(io, Heads::telling(ambiguous));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_header_size(MAX_HEADERS as usize)
            .max_buf_size(4 * MAX_HEADERS as usize)
            .serve_connection(TokioIo::new(io), service);
        live(connection, &activity, false, shared).await
    }
}

/// Drives a connection until it ends, is idle or old, or the server stops. Then it is
/// asked to finish what is open, which is bounded: a peer may never hang up.
async fn live<C>(connection: C, activity: &Activity, http2: bool, shared: &Shared) -> Outcome
where
    C: GracefulConnection,
    C::Error: std::error::Error + Send + Sync + 'static,
{
    let limits = &shared.limits;
    let mut connection = pin!(connection);
    // With HTTP/1 the connection itself drives its answer, one at a time.
    let mut patience = Patience::new(limits.unread);
    let old = sleep(limits.age);
    let mut old = pin!(old);
    let mut idle = tokio::time::interval_at(Instant::now() + limits.idle, limits.idle);
    let mut seen = 0;
    loop {
        tokio::select! {
            outcome = poll_fn(|cx| patience.poll(connection.as_mut(), cx)) => {
                return outcome.transpose().map(drop).map_err(Into::into);
            }
            () = shared.stopping.cancelled() => break,
            () = old.as_mut() => break,
            _ = idle.tick() => {
                let now = activity.begun();
                if now == seen {
                    break;
                }
                seen = now;
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        outcome = poll_fn(|cx| patience.poll(connection.as_mut(), cx)) => {
            outcome.transpose().map(drop).map_err(Into::into)
        }
        () = sleep(limits.age) => Ok(()),
        () = forgotten(activity, limits.unread), if http2 => Ok(()),
        () = drained(shared) => {
            shared.tally.cut(activity.opened());
            Ok(())
        }
    }
}

/// Ends when a stopping server waits no longer.
async fn drained(shared: &Shared) {
    shared.stopping.cancelled().await;
    sleep(shared.limits.drain).await;
}

/// Ends when nothing has been open for a while: what is left of the answers stands in
/// buffers that the peer does not empty.
async fn forgotten(activity: &Activity, unread: Duration) {
    let mut looks = tokio::time::interval(unread);
    let mut quiet = 0;
    while quiet < 2 {
        looks.tick().await;
        quiet = if activity.opened() == 0 { quiet + 1 } else { 0 };
    }
}

/// Runs the answers of an HTTP/2 connection, each only as long as somebody reads it.
#[derive(Clone)]
struct Answers {
    activity: Arc<Activity>,
    unread: Duration,
}

impl<F> Executor<F> for Answers
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, answer: F) {
        let (activity, unread) = (self.activity.clone(), self.unread);
        TokioExecutor::new().execute(async move {
            let _open = activity.open();
            while_read(answer, unread).await;
        });
    }
}

/// The requests of one connection.
struct Requests {
    front: Front,
    peer: IpAddr,
    activity: Arc<Activity>,
    ambiguous: Ambiguous,
    stopping: CancellationToken,
    late: metrics::Counter,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<Paced>;
    type Error = Infallible;
    type Future = MapOk<Answering, fn(Response<Body>) -> Response<Paced>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.activity.begin();
        if self.stopping.is_cancelled() {
            self.late.increment(1);
        }
        let has_no_length = request.headers().contains_key(TRANSFER_ENCODING);
        let answer = if has_no_length && self.ambiguous.is_so() {
            Box::pin(ready(Ok(ambiguous())))
        } else {
            self.front.answer(self.peer, request)
        };
        answer.map_ok(|response| response.map(Paced::new))
    }
}

/// Nobody knows where this request ends, so nothing after it can be believed.
fn ambiguous() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

#[cfg(test)]
mod tests;

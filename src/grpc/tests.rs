//! The layers over a real port, around a service that does as the test says.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::Service;
use tower::util::BoxCloneSyncService;

use super::*;
use crate::cache::LocalRateLimit;
use crate::db::Pulse;
use crate::kernel::task::Tasks;
use crate::kernel::{Caller, Clock, Error, Reason, Result};
use crate::pb::souk::ops::v1::ops_service_client::OpsServiceClient;
use crate::pb::souk::ops::v1::{HelloRequest, ListJobsRequest, PingCacheRequest};

mod places;

/// Answers `Hello` with nothing, panics on `GetInfo`, never answers `PingCache`.
#[derive(Clone)]
struct Puppet;

impl NamedService for Puppet {
    const NAME: &'static str = "souk.ops.v1.OpsService";
}

impl Service<Request<Body>> for Puppet {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            match request.uri().path().rsplit('/').next() {
                Some("GetInfo") => panic!("the table users is gone"),
                Some("PingCache") => std::future::pending::<()>().await,
                _ => {}
            }
            Ok(Status::unimplemented("the puppet has no answer").into_http())
        })
    }
}

/// Knows one token.
struct OneToken;

#[async_trait]
impl Authenticator for OneToken {
    async fn authenticate(&self, token: &str) -> Result<Caller> {
        match token {
            "good" => Ok(Caller::System),
            _ => Err(Error::new(Reason::TokenInvalid, "no")),
        }
    }
}

struct Port {
    address: SocketAddr,
    serving: Tasks,
}

pub(super) fn config() -> ServerConfig {
    ServerConfig {
        host: [127, 0, 0, 1].into(),
        port: 0,
        tls: None,
        tls_at_proxy: false,
        trusted_proxies: Vec::new(),
        origins: Origins::List(Vec::new()),
        credentials: false,
        reflection: false,
        development: false,
        limits: Limits {
            handshake: Duration::from_millis(100),
            deadline: Duration::from_millis(200),
            drain: Duration::from_millis(300),
            ..Limits::default()
        },
        rates: Rates::default(),
    }
}

pub(super) fn parts(config: &ServerConfig) -> (Calls, Edge) {
    let counts = Arc::new(LocalRateLimit::new(Clock::system()));
    let limits = Limiters {
        usual: counts.clone(),
        strict: counts.clone(),
        local: counts,
    };
    let calls = Calls::new(
        Routes::new(Puppet),
        Arc::new(OneToken),
        limits,
        Pulse::default(),
        config,
    );
    let edge = BoxCloneSyncService::new(tower::service_fn(|_: Request<Body>| async {
        Ok(Response::new(Body::empty()))
    }));
    (calls, edge)
}

fn serve(config: ServerConfig) -> Port {
    let (calls, edge) = parts(&config);
    let server = Server::bind(config).unwrap();
    let address = server.address().unwrap();
    let serving = Tasks::default();
    serving.spawn(server.with(calls, edge).unwrap().run(serving.stopping()));
    Port { address, serving }
}

impl Port {
    async fn client(&self) -> OpsServiceClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        OpsServiceClient::new(endpoint.connect().await.unwrap())
    }

    /// Whether the server hangs up on a client that says only this.
    async fn hangs_up_on(&self, words: &[u8]) -> bool {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(words).await.unwrap();
        let mut rest = [0u8; 256];
        let end = async { while socket.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
        tokio::time::timeout(Duration::from_secs(5), end)
            .await
            .is_ok()
    }
}

#[tokio::test]
async fn a_panic_is_a_fault_of_one_call() {
    let port = serve(config());
    let mut client = port.client().await;
    let request = crate::pb::souk::ops::v1::GetInfoRequest {};
    let fault = client.get_info(request).await.unwrap_err();
    assert_eq!(fault.code(), Code::Internal);
    assert_eq!(fault.message(), "internal error");
    let info = fault.get_details_error_info().unwrap();
    let id = fault.metadata().get("x-request-id").unwrap();
    assert_eq!(info.metadata["requestId"], id.to_str().unwrap());
    let next = client.hello(HelloRequest {}).await.unwrap_err();
    assert_eq!(next.message(), "the puppet has no answer");
}

#[tokio::test]
async fn the_shorter_deadline_ends_a_call() {
    let port = serve(config());
    let mut client = port.client().await;
    let late = client.ping_cache(PingCacheRequest {}).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    let info = late.get_details_error_info().unwrap();
    assert_eq!(info.reason, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let port = serve(config());
    let mut client = port.client().await;
    for (header, code) in [
        ("Bearer bad", Code::Unauthenticated),
        ("Basic good", Code::Unauthenticated),
        ("Bearer good", Code::Unimplemented),
    ] {
        let mut request = tonic::Request::new(HelloRequest {});
        let metadata = request.metadata_mut();
        metadata.insert("authorization", header.parse().unwrap());
        let refused = client.hello(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{header}");
    }
}

#[tokio::test]
async fn the_contract_decides_who_may_call() {
    let port = serve(config());
    let mut client = port.client().await;
    let refused = client.list_jobs(ListJobsRequest::default()).await;
    let info = refused.unwrap_err().get_details_error_info().unwrap();
    assert_eq!(info.reason, "TOKEN_MISSING");
}

#[tokio::test]
async fn a_spent_allowance_says_when_to_come_back() {
    let mut config = config();
    let once = std::num::NonZeroU32::MIN;
    let limit = Class::Read.limit(once, Duration::from_secs(60));
    config.rates.set(Class::Read, Some(limit));
    let port = serve(config);
    let mut client = port.client().await;
    let first = client.hello(HelloRequest {}).await.unwrap_err();
    assert_eq!(first.metadata().get("x-ratelimit-remaining").unwrap(), "0");
    let refused = client.hello(HelloRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.metadata().get("x-ratelimit-limit").unwrap(), "1");
    assert_eq!(refused.metadata().get("retry-after").unwrap(), "60");
    assert!(refused.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_request_whose_end_is_unclear_is_refused_and_the_last() {
    let port = serve(config());
    let pair = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\
                 Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n";
    let mut socket = TcpStream::connect(port.address).await.unwrap();
    socket.write_all(pair).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn peers_that_do_not_say_what_they_speak_are_hung_up_on() {
    let port = serve(config());
    assert!(port.hangs_up_on(b"").await);
    assert!(port.hangs_up_on(b"PRI * HTTP/2.0\r\n").await);
}

#[tokio::test]
async fn http_1_is_spoken_on_the_same_port() {
    let port = serve(config());
    let url = format!("http://{}/anything", port.address);
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers().contains_key("x-request-id"));
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn connections_over_the_limit_are_closed() {
    let mut config = config();
    config.limits.connections = 1;
    let port = serve(config);
    let _first = port.client().await;
    assert!(port.hangs_up_on(b"").await);
}

#[tokio::test]
async fn stopping_waits_for_open_calls_but_not_forever() {
    let mut config = config();
    config.limits.deadline = Duration::from_secs(60);
    let port = serve(config);
    let mut client = port.client().await;
    let started = CancellationToken::new();
    let guard = started.clone();
    let open = async move {
        guard.cancel();
        client.ping_cache(PingCacheRequest {}).await
    };
    let stop = async {
        started.cancelled().await;
        port.serving.stop(Duration::from_secs(5)).await
    };
    let (open, stopped) = tokio::join!(open, stop);
    assert!(stopped);
    assert!(open.is_err());
    assert!(TcpStream::connect(port.address).await.is_err());
}

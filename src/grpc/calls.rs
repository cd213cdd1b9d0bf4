//! The way of a call, shared by gRPC, gRPC-Web and JSON: what happens between its
//! arrival and its handler, in order.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::Service;
use tracing::Instrument;

use super::authenticate::{self, Authenticator};
use super::client_ip::{is_inside, owner};
use super::lanes::Lanes;
use super::large;
use super::lasting::Lasting;
use super::message::Messages;
use super::meter::CallMeters;
use super::record::{log, span, user_agent};
use super::reply::Admitted;
use super::streams::{Place, Streams};
use super::throttle::{self, Limiters, Throttle};
use super::{ServerConfig, access, request_id};
use crate::db::Pulse;
use crate::kernel::{Call, Caller, Error, Reason, Result};
use crate::pb::policy::{self, Access, MethodPolicy};

mod guard;

/// The one standard method that is no stream.
const CHECK: &str = "/grpc.health.v1.Health/Check";

/// What is known of a request on its arrival; the front leaves it in the extensions.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) request_id: Arc<str>,
    pub(super) ip: Option<IpAddr>,
    /// Who is at the other end of the connection, be it the client or a proxy.
    pub(super) peer: Option<IpAddr>,
}

/// The calls of every service. Clones share it.
#[derive(Clone)]
pub struct Calls(Arc<Shared>);

struct Shared {
    routes: Routes,
    authenticator: Arc<dyn Authenticator>,
    messages: Messages,
    lanes: Lanes,
    throttle: Throttle,
    streams: Streams,
    pulse: Pulse,
    stopping: CancellationToken,
    deadline: Duration,
    age: Duration,
    development: bool,
    trusted: Vec<IpNet>,
    meters: CallMeters,
}

impl Calls {
    /// Puts the layers around the services in `routes`; `pulse` is that of the database
    /// which they stand on.
    pub fn new(
        routes: Routes,
        authenticator: Arc<dyn Authenticator>,
        limits: Limiters,
        pulse: Pulse,
        config: &ServerConfig,
    ) -> Self {
        Self(Arc::new(Shared {
            routes: routes.prepare(),
            authenticator,
            messages: Messages::new(),
            lanes: Lanes::new(config.limits.calls),
            throttle: Throttle::new(limits, config.rates.clone()),
            streams: Streams::new(&config.limits),
            pulse,
            stopping: CancellationToken::new(),
            deadline: config.limits.deadline,
            age: config.limits.age,
            development: config.development,
            trusted: config.trusted_proxies.clone(),
            meters: CallMeters::new(),
        }))
    }

    /// Ends the standard's own streams; those of the contract end themselves.
    pub(super) fn stop(&self) {
        self.0.stopping.cancel();
    }

    /// How many calls run now, and how many streams are open.
    pub(super) fn open(&self) -> (usize, usize) {
        (self.0.lanes.running(), self.0.streams.count())
    }
}

impl Service<Request<Body>> for Calls {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Whether there is room is decided per call, where health can be let through.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move { Ok(shared.answer(request).await) })
    }
}

impl Shared {
    async fn answer(&self, mut request: Request<Body>) -> Response<Body> {
        let arrival = request.extensions_mut().remove::<Arrival>();
        let arrival = arrival.unwrap_or_else(|| Arrival {
            request_id: Arc::from("unknown"),
            ip: None,
            peer: None,
        });
        let found = policy::position(request.uri().path());
        let Some((index, policy)) = found.and_then(|at| Some((at, policy::ALL.get(at)?))) else {
            return self.standard(arrival, request).await;
        };
        let under_way = self.meters.begin(index, policy);
        let started = Instant::now();
        let id = arrival.request_id.clone();
        let span = span(policy, &id, request.headers());
        let work = self.guarded(policy, arrival, request, started);
        let work = request_id::scope(id.clone(), work);
        let response = work.instrument(span.clone()).await;
        // A refusal's status stands in the headers; success has its status in the trailers.
        let status = Status::from_header_map(response.headers());
        let code = status.map_or(Code::Ok, |status| status.code());
        if let Some(under_way) = under_way {
            under_way.answered(code);
        }
        span.record("rpc.grpc.status_code", code as i32);
        log(policy, &id, &span, started, code);
        response
    }

    /// Health and reflection are the standard's own; whatever else has no policy does not
    /// exist, and the routes say so. Their streams know no end, so they get one here.
    async fn standard(&self, arrival: Arrival, request: Request<Body>) -> Response<Body> {
        let is_check = request.uri().path() == CHECK;
        let work = tokio::time::timeout(self.deadline, self.route(request));
        let Ok(response) = work.await else {
            return refusal(Error::new(
                Reason::DeadlineExceeded,
                "the call took too long",
            ));
        };
        if is_check || http_body::Body::is_end_stream(response.body()) {
            return response;
        }
        match self.streams.take(&Caller::Anonymous, arrival.ip) {
            Err(error) => refusal(error),
            Ok(place) => {
                let (stopping, age) = (self.stopping.clone(), self.age);
                let end = Box::pin(async move {
                    tokio::time::timeout(age, stopping.cancelled()).await.ok();
                });
                response.map(|body| Lasting::until(body, place, Some(end)))
            }
        }
    }

    /// The message, then room, identity, permission, and how often: a call that is refused
    /// anyway takes nothing from its caller's allowance. That holds for want of room too:
    /// it is the server's fault as a rule, and to count would take a way to Redis just when
    /// a refusal must cost nothing. A place is held for work alone, so those who are over
    /// their rate hold one no longer than it takes to count them.
    async fn admit(
        &self,
        policy: &'static MethodPolicy,
        arrival: Arrival,
        mut request: Request<Body>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>> {
        if policy.max_bytes.is_none() {
            let owner = arrival.ip.and_then(|ip| owner(ip, &self.trusted));
            let body = std::mem::take(request.body_mut());
            match self.messages.whole(owner, body).await {
                Ok(whole) => *request.body_mut() = whole,
                Err(status) => return Ok(status.into_http()),
            }
        }
        let quick = self.lanes.enter(policy).await?;
        let headers = request.headers();
        let caller = authenticate::caller(&*self.authenticator, headers).await?;
        let is_inside = |peer| is_inside(peer, headers, &self.trusted);
        let place = access::Place {
            development: self.development,
            // Looked at only where it matters.
            inside: policy.access == Access::Network && arrival.peer.is_some_and(is_inside),
        };
        access::check(policy, &caller, place)?;
        let stream = self.stream(policy, &caller, &arrival)?;
        let quota = self.throttle.take(policy, &caller, arrival.ip).await?;
        let _place = match policy.max_bytes {
            None => quick,
            // Nothing of it was read so far, so that strangers fill no memory.
            Some(_) => {
                drop(quick);
                Some(self.lanes.enter_large(caller.user_id()).await?)
            }
        };
        let call = Call {
            caller,
            method: policy.path,
            request_id: arrival.request_id,
            ip: arrival.ip,
            user_agent: user_agent(headers),
            deadline,
            idempotency: None,
            audit: None,
        };
        request.extensions_mut().insert(Admitted { call, policy });
        let request = match policy.max_bytes {
            Some(max) => request.map(|body| large::within(max, body)),
            None => request,
        };
        let mut response = self.route(request).await;
        if let Some(quota) = quota {
            throttle::tell(&quota, response.headers_mut());
        }
        Ok(match stream {
            Some(place) => response.map(|body| Lasting::hold(body, place)),
            None => response,
        })
    }

    /// The place of a stream; nothing for other calls.
    fn stream(
        &self,
        policy: &MethodPolicy,
        caller: &Caller,
        arrival: &Arrival,
    ) -> Result<Option<Place>> {
        let is_stream = policy.server_streaming;
        let place = is_stream.then(|| self.streams.take(caller, arrival.ip));
        place.transpose()
    }

    async fn route(&self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.routes.clone().call(request).await;
        response
    }
}

fn refusal(error: Error) -> Response<Body> {
    let spent = throttle::spent(&error);
    let mut response = Status::from(error).into_http();
    if let Some(quota) = spent {
        throttle::tell(&quota, response.headers_mut());
    }
    response
}

//! The outermost part: what every HTTP request meets before anyone knows what it is.
//!
//! In order: an id, so that everything later can name the request; the client's address;
//! preflights, which are answered without waking anything; then gRPC-Web, gRPC or JSON
//! by content type; on the way back CORS, the headers for browsers, and the id again.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use http::header::{CONNECTION, CONTENT_TYPE, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use ipnet::IpNet;
use tonic::body::Body;
use tonic_web::{GrpcWebLayer, GrpcWebService};
use tower::util::BoxCloneSyncService;
use tower::{Layer, Service};

use super::calls::{Arrival, Calls};
use super::client_ip::{client_ip, owner};
use super::config::ServerConfig;
use super::cors::Cors;
use super::headers::secure;
use super::request_id::{self, Ids};
use crate::kernel::network::Owner;

/// What answers everything that is not gRPC.
pub type Edge = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// An answer on its way.
pub(super) type Answering =
    Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// The outermost service. Clones share it.
#[derive(Clone)]
pub(super) struct Front(Arc<Shared>);

struct Shared {
    calls: Calls,
    web: GrpcWebService<Calls>,
    edge: Edge,
    ids: Ids,
    cors: Cors,
    trusted: Vec<IpNet>,
    encrypted: bool,
}

impl Front {
    pub(super) fn new(calls: Calls, edge: Edge, config: &ServerConfig) -> Self {
        Self(Arc::new(Shared {
            web: GrpcWebLayer::new().layer(calls.clone()),
            calls,
            edge,
            ids: Ids::new(),
            cors: Cors::new(&config.origins, config.credentials),
            trusted: config.trusted_proxies.clone(),
            encrypted: config.tls.is_some() || config.tls_at_proxy,
        }))
    }

    /// Answers one request of a peer.
    pub(super) fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Answering {
        let shared = self.0.clone();
        Box::pin(async move { shared.answer(peer, request.map(Body::new)).await })
    }
}

impl Shared {
    async fn answer(
        &self,
        peer: IpAddr,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Infallible> {
        let id = self.ids.of(request.headers());
        let mut id_header = HeaderValue::from_str(&id).ok();
        if let Some(value) = &mut id_header {
            // No two answers share it, so it must not push others out of the tables that
            // compress the headers of a connection (RFC 7541, section 6.2.3).
            value.set_sensitive(true);
        }
        if let Some(id) = id_header.clone() {
            request.headers_mut().insert(request_id::HEADER, id);
        }
        let ip = client_ip(peer, request.headers(), &self.trusted);
        request
            .extensions_mut()
            .insert(Owner(owner(ip, &self.trusted)));
        request.extensions_mut().insert(Arrival {
            request_id: id,
            ip: Some(ip),
            peer: Some(peer),
        });
        let origin = request.headers().get(ORIGIN).cloned();
        let protocol = Protocol::of(request.headers());
        // A body without a length ends the connection: whoever stands between may have
        // seen its end elsewhere (RFC 9112, section 6.3).
        let is_last = request.headers().contains_key(TRANSFER_ENCODING);
        let mut response = match self.cors.preflight(&request) {
            Some(response) => response,
            None => self.hand_on(protocol, request).await?,
        };
        let headers = response.headers_mut();
        // Browsers cannot speak plain gRPC, so only the others need their headers.
        if protocol != Protocol::Grpc {
            secure(headers, self.encrypted);
        }
        if let Some(origin) = origin
            && !headers.contains_key(http::header::ACCESS_CONTROL_ALLOW_ORIGIN)
        {
            self.cors.expose(&origin, headers);
        }
        if let Some(id) = id_header {
            headers.insert(request_id::HEADER, id);
        }
        if is_last {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }

    /// Calls catch the panics of their handlers; what is left is the translation around
    /// them, where a plain 500 is all that can still be said.
    async fn hand_on(
        &self,
        protocol: Protocol,
        request: Request<Body>,
    ) -> Result<Response<Body>, Infallible> {
        match protocol {
            Protocol::Grpc => self.calls.clone().call(request).await,
            Protocol::GrpcWeb => self.web.clone().call(request).await,
            Protocol::Http => {
                let work = AssertUnwindSafe(self.edge.clone().call(request));
                work.catch_unwind().await.unwrap_or_else(|_| {
                    let mut response = Response::new(Body::empty());
                    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                    Ok(response)
                })
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Grpc,
    GrpcWeb,
    Http,
}

impl Protocol {
    fn of(headers: &HeaderMap) -> Self {
        let kind = headers
            .get(CONTENT_TYPE)
            .map_or(&b""[..], HeaderValue::as_bytes);
        if kind.starts_with(b"application/grpc-web") {
            Self::GrpcWeb
        } else if kind.starts_with(b"application/grpc") {
            Self::Grpc
        } else {
            Self::Http
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_decides_the_protocol() {
        let cases = [
            ("application/grpc", Protocol::Grpc),
            ("application/grpc+proto", Protocol::Grpc),
            ("application/grpc-web+proto", Protocol::GrpcWeb),
            ("application/grpc-web-text", Protocol::GrpcWeb),
            ("application/json", Protocol::Http),
            ("", Protocol::Http),
        ];
        for (kind, protocol) in cases {
            let value = HeaderValue::from_static(kind);
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value)]);
            assert_eq!(Protocol::of(&headers), protocol, "{kind}");
        }
        assert_eq!(Protocol::of(&HeaderMap::new()), Protocol::Http);
    }
}

//! The one HTTP client for the outside world. Every call is bounded in time and in the
//! size of its answer, follows no redirect, and reaches public addresses only: what a
//! name resolves to is judged after the resolution, so that no name leads inside.

mod reach;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, Request, RequestBuilder, Url};

pub use reach::{Names, Reach, SystemNames};

use super::outbound::{self, Outbound};
use crate::kernel::{Error, Reason, Result};
use reach::Guard;
use tracing::Instrument;

const USER_AGENT: &str = concat!("souk/", env!("CARGO_PKG_VERSION"));

/// The bounds of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a connection may take, name resolution and TLS included.
    pub connect: Duration,
    /// How long the whole call may take, to the last byte of the answer.
    pub total: Duration,
    /// The largest answer, in bytes.
    pub answer_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            answer_max: 1024 * 1024,
        }
    }
}

/// Calls the outside world. Clones share connections.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    reach: Reach,
    limits: Limits,
    meter: Outbound,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, within the bound.
    pub body: Bytes,
}

impl Answer {
    /// How long the other side asks to wait, in the form of whole seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
        text.trim().parse().ok().map(Duration::from_secs)
    }
}

impl Http {
    /// A client that resolves names as this host does. Metrics and traces name whom it
    /// calls by `provider`.
    ///
    /// # Errors
    /// INTERNAL when TLS cannot be set up.
    pub fn new(provider: &'static str, reach: Reach, limits: Limits) -> Result<Self> {
        Self::with_names(provider, reach, limits, Arc::new(SystemNames))
    }

    /// A client with its own way to resolve names.
    ///
    /// # Errors
    /// INTERNAL when TLS cannot be set up.
    pub fn with_names(
        provider: &'static str,
        reach: Reach,
        limits: Limits,
        names: Arc<dyn Names>,
    ) -> Result<Self> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .redirect(Policy::none())
            .referer(false)
            // A proxy of the environment would resolve names itself.
            .no_proxy()
            .dns_resolver(Arc::new(Guard::new(reach, names)))
            .build()
            .map_err(Error::internal)?;
        Ok(Self {
            client,
            reach,
            limits,
            meter: Outbound::to(provider),
        })
    }

    /// A request to be filled in, then given to [`Http::send`].
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Makes the call and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// UNAVAILABLE when no whole answer comes within the bounds; for good when the
    /// address is one that may not be called.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer> {
        let mut request = request
            .build()
            .map_err(|error| refused("the request cannot be made", error))?;
        self.check(&request)?;
        let span = self.meter.span();
        outbound::pass_on(&span, request.headers_mut());
        let began = Instant::now();
        let outcome = self.call(request).instrument(span).await;
        self.meter.count(began.elapsed(), &outcome);
        outcome
    }

    async fn call(&self, request: Request) -> Result<Answer> {
        let response = self.client.execute(request).await.map_err(away)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.read(response).await?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// Addresses in place of names never come to the resolver, so they are judged here.
    fn check(&self, request: &Request) -> Result<()> {
        let url = request.url();
        let is_allowed = self.reach.allows_scheme(url.scheme())
            && url.username().is_empty()
            && url.password().is_none()
            && literal(url).is_none_or(|address| self.reach.allows(address));
        if is_allowed {
            return Ok(());
        }
        Err(refused(
            "this address may not be called",
            "not a public address",
        ))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Bytes> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(away)? {
            if body.len() + chunk.len() > self.limits.answer_max {
                let max = self.limits.answer_max;
                let cause = format!("more than {max} bytes");
                return Err(Error::unavailable("the answer is too large", cause));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// A client for souk's own port without TLS, for the command line and the demo. It trusts
/// no certificate, so the host needs none.
///
/// # Errors
/// INTERNAL when the client cannot be made.
pub fn to_own_port() -> Result<Client> {
    let client = Client::builder().no_proxy().tls_certs_only([]).build();
    client.map_err(Error::internal)
}

/// The address that a URL names without a name.
fn literal(url: &Url) -> Option<std::net::IpAddr> {
    let host = url.host_str()?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok()
}

/// URLs may hold what nobody should read in a log.
fn away(error: reqwest::Error) -> Error {
    Error::unavailable("the other side does not answer", error.without_url())
}

fn refused(
    message: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::new(Reason::Unavailable, message)
        .caused_by(cause)
        .permanently()
}

#[cfg(test)]
mod tests;

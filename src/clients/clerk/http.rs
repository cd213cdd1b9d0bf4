//! Calls to Clerk: bounded in time and size, and never led elsewhere.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode, redirect};

use crate::kernel::{Error, Result};

const CONNECT_TIME: Duration = Duration::from_secs(3);

/// Makes the calls. Clones share its connections.
#[derive(Debug, Clone)]
pub(super) struct Http(reqwest::Client);

impl Http {
    pub(super) fn new() -> Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIME)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")))
            .build();
        // Without the authorities of this machine nobody at the other end can be known.
        let no_calls = |error| Error::unavailable("calls to Clerk cannot be made from here", error);
        Ok(Self(client.map_err(no_calls)?))
    }

    pub(super) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.0.request(method, url)
    }

    /// The status and the body of an answer that comes within `time` and has at most `max`
    /// bytes.
    ///
    /// # Errors
    /// UNAVAILABLE when there is no such answer.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        time: Duration,
        max: usize,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let mut response = request.timeout(time).send().await.map_err(away)?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(away)? {
            if body.len() + piece.len() > max {
                return Err(away("the answer is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok((response.status(), body))
    }
}

fn away(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable("the identity provider is not available", error)
}

//! Files on their way in.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::key;
use crate::clients::blob::{LocalBlobs, Permit, Receiving};
use crate::edge::{Body, Problem};
use crate::kernel::{Error, Reason};
use crate::pb::souk::common::v1::ErrorReason;

/// How long a client may send nothing.
const SILENCE: Duration = Duration::from_secs(20);
/// How long it may take at all: this, and what the slowest line needs.
const GRACE: Duration = Duration::from_secs(60);
/// Bytes per second of that line.
const SLOWEST: u64 = 32 * 1024;

/// Answers PUT.
///
/// # Errors
/// FORBIDDEN without a ticket that is good; 411, 400 or 413 for what is not what was
/// announced; 408 when it comes too slowly; CONFLICT when it is there already.
pub(super) async fn receive(
    blobs: &LocalBlobs,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let token = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
    let token = token.map_or(Default::default(), |(_, token)| token);
    let permit = blobs.permit(key(&request), &token)?;
    fits(&permit, request.headers())?;
    let receiving = blobs.receive(&permit).await?;
    let etag = take(request.into_body(), receiving, Pace::of(permit.size)).await?;
    let mut response = Response::new(Body::empty());
    let etag = HeaderValue::from_str(&etag).map_err(Error::internal)?;
    response.headers_mut().insert(ETAG, etag);
    Ok(response)
}

/// Whether the head of a request announces what the permit allows.
fn fits(permit: &Permit, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let length = text(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    let Some(length) = length else {
        return Err(Problem::length_required());
    };
    let expected = permit.size;
    if length > expected {
        let message = format!("only {expected} bytes were announced");
        return Err(Error::new(Reason::FileTooLarge, message).into());
    }
    if length < expected {
        let message = format!("{expected} bytes were announced");
        return Err(Problem::invalid(message));
    }
    match &permit.content_type {
        Some(announced) if text(CONTENT_TYPE) != Some(announced) => Err(Problem::invalid(format!(
            "the Content-Type header must be {announced}, as announced"
        ))),
        _ => Ok(()),
    }
}

/// How slowly bytes may come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) silence: Duration,
    pub(super) total: Duration,
}

impl Pace {
    fn of(size: u64) -> Self {
        Self {
            silence: SILENCE,
            total: GRACE + Duration::from_secs(size / SLOWEST),
        }
    }
}

/// Takes a body to its end; answers the etag of the file.
pub(super) async fn take(
    mut body: impl http_body::Body<Data = Bytes, Error: std::fmt::Display> + Unpin,
    mut receiving: Receiving,
    pace: Pace,
) -> Result<String, Problem> {
    let end = Instant::now() + pace.total;
    loop {
        let frame = timeout_at(end, timeout(pace.silence, body.frame()));
        let Ok(Ok(frame)) = frame.await else {
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                ErrorReason::DeadlineExceeded,
                "the bytes came too slowly",
            ));
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| Problem::invalid("the body broke off"))?;
        if let Ok(bytes) = frame.into_data() {
            receiving.write(bytes).await?;
        }
    }
    Ok(receiving.finish().await?)
}

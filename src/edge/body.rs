//! The bodies of requests: those that are read whole before their call, and the length of
//! those that are passed on as they come.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use tower::BoxError;

use super::arriving::Room;
use super::problem::Problem;
use crate::pb::souk::common::v1::ErrorReason;

/// The largest body that is read.
const MAX_BODY: usize = 256 * 1024;
/// Of a request whose body is a file, what the path and headers may take.
const BESIDE: usize = 16 * 1024;
/// How long a client may take to send it.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The length of a body that is passed on as it comes.
///
/// # Errors
/// 411 when the client does not say it; PAYLOAD_TOO_LARGE beyond `max`.
pub fn length<B: http_body::Body>(body: &B, max: usize) -> Result<usize, Problem> {
    let length = body.size_hint().exact();
    let length = length.ok_or_else(Problem::length_required)?;
    // What else is in the message needs room too.
    match usize::try_from(length) {
        Ok(length) if length <= max.saturating_sub(BESIDE) => Ok(length),
        _ => Err(too_large(max)),
    }
}

/// Reads the JSON body of a request that has one.
///
/// # Errors
/// Those of [`read_raw`]; UNSUPPORTED_MEDIA when it is not JSON.
pub async fn read_json<B>(headers: &HeaderMap, body: B, room: Room) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let bytes = read_raw(body, room).await?;
    if !bytes.is_empty() && !is_json(headers) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorReason::UnsupportedMedia,
            "send the body as application/json",
        ));
    }
    Ok(bytes)
}

/// Reads a body of any type.
///
/// # Errors
/// PAYLOAD_TOO_LARGE beyond 256 KiB; DEADLINE_EXCEEDED when it does not arrive in time;
/// RATE_LIMIT_EXCEEDED while too much of others has half arrived.
pub async fn read_raw<B>(body: B, room: Room) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_large(MAX_BODY));
    }
    match body.is_end_stream() {
        true => Ok(Bytes::new()),
        false => tokio::time::timeout(BODY_TIME, collect(body, room))
            .await
            .map_err(|_| {
                Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    ErrorReason::DeadlineExceeded,
                    "the body did not arrive in time",
                )
            })?,
    }
}

async fn collect<B>(body: B, mut room: Room) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = std::pin::pin!(body);
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame
            .map_err(|_| Problem::invalid("the body broke off"))?
            .into_data()
        else {
            continue;
        };
        if read.len() + data.len() > MAX_BODY {
            return Err(too_large(MAX_BODY));
        }
        // Most bodies come in one piece, which is then taken as it is.
        if read.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        room.reach(read.len() + data.len())?;
        read.extend_from_slice(&data);
    }
    Ok(Bytes::from(read))
}

fn too_large(max: usize) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        ErrorReason::PayloadTooLarge,
        format!("the body is larger than {} KiB", max / 1024),
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let kind = value.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

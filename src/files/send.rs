//! Files on their way out.

use std::path::Path;

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_RANGE, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use tower_http::services::ServeFile;
use tower_http::services::fs::ServeFileSystemResponseBody;

use super::{key, not_found};
use crate::clients::blob::LocalBlobs;
use crate::edge::{Body, Problem};
use crate::kernel::Error;
use crate::pb::souk::common::v1::ErrorReason;

/// What is shown in place, by the end of its key; everything else is only saved.
const SHOWN: [(&str, &str); 8] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("avi", "video/x-msvideo"),
];

/// Whatever somebody smuggles into a file, a browser runs none of it. The bytes of a key
/// never change, so they are kept for a year, and pages of others may show them.
const SAFE: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
    (
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    ),
];

/// Answers GET and HEAD.
///
/// # Errors
/// NOT_FOUND for what is not published; 416 for a range beyond the end.
pub(super) async fn send(
    blobs: &LocalBlobs,
    request: Request<Body>,
    request_id: &str,
) -> Result<Response<Body>, Problem> {
    let path = blobs.path(key(&request)).ok_or_else(not_found)?;
    let is_file = tokio::fs::metadata(&path)
        .await
        .is_ok_and(|meta| meta.is_file());
    if !is_file {
        return Err(not_found());
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    let shown = SHOWN.iter().find(|(known, _)| Some(*known) == ending);
    let (parts, _) = request.into_parts();
    let mut headers = parts.headers;
    // A range is of what is read, and only while the file is what the reader has a part of.
    if parts.method == Method::HEAD || !continues(&path, &headers).await? {
        headers.remove(RANGE);
    }
    let mut response = serve(&path, parts.method, headers).await?;
    match response.status() {
        StatusCode::NOT_FOUND => return Err(not_found()),
        StatusCode::RANGE_NOT_SATISFIABLE => return Ok(beyond(response.headers(), request_id)),
        _ => {}
    }
    let headers = response.headers_mut();
    headers.extend(SAFE);
    if headers.contains_key(CONTENT_TYPE) {
        let (content_type, how) = match shown {
            Some((_, content_type)) => (*content_type, "inline"),
            None => ("application/octet-stream", "attachment"),
        };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(how));
    }
    Ok(response.map(Body::new))
}

async fn serve(
    path: &Path,
    method: Method,
    headers: HeaderMap,
) -> Result<Response<ServeFileSystemResponseBody>, Problem> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    let mut file = ServeFile::new(path).ignore_multi_range_requests(true);
    let served = file.try_call(request).await;
    served.map_err(|error| Error::unavailable("the file cannot be read", error).into())
}

/// Whether the file is the one that `If-Range` names; without that header it is.
async fn continues(path: &Path, headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(asked) = headers
        .get(IF_RANGE)
        .filter(|_| headers.contains_key(RANGE))
    else {
        return Ok(true);
    };
    let now = serve(path, Method::HEAD, HeaderMap::new()).await?;
    let is = |name| now.headers().get(name) == Some(asked);
    Ok(is(ETAG) || is(LAST_MODIFIED))
}

fn beyond(headers: &HeaderMap, request_id: &str) -> Response<Body> {
    let problem = Problem::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        ErrorReason::ValidationError,
        "the file ends before this range",
    );
    let mut response = problem.into_response(request_id);
    if let Some(size) = headers.get(CONTENT_RANGE) {
        response.headers_mut().insert(CONTENT_RANGE, size.clone());
    }
    response
}

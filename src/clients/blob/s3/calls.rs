//! The calls that are made to a bucket.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH, RANGE};
use http::{HeaderName, Method, StatusCode};
use rusty_s3::S3Action;
use rusty_s3::actions::{DeleteObject, GetObject, HeadObject, PutObject};

use super::answer::{is_absent, is_busy, is_done, refused};
use super::{FOR_A_YEAR, S3Blobs, incoming};
use crate::clients::blob::Arrival;
use crate::clients::http::Answer;
use crate::kernel::{Error, Result};

/// How long our own calls are signed for: longer than any of them may take.
const OWN: Duration = Duration::from_secs(60);
const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");
const COPY_IF: HeaderName = HeaderName::from_static("x-amz-copy-source-if-match");
const DIRECTIVE: HeaderName = HeaderName::from_static("x-amz-metadata-directive");

impl S3Blobs {
    /// Makes one call. The headers are signed with it.
    pub(super) async fn call<'a>(
        &self,
        method: Method,
        mut action: impl S3Action<'a>,
        headers: &[(HeaderName, String)],
        body: Bytes,
    ) -> Result<Answer> {
        for (name, value) in headers {
            action
                .headers_mut()
                .insert(name.as_str().to_owned(), value.clone());
        }
        let url = self.signed(&action, OWN)?;
        let mut request = self.http.request(method.clone(), &url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        // A body that is empty has a length too.
        if method == Method::PUT || method == Method::POST {
            request = request.header(CONTENT_LENGTH, body.len()).body(body);
        }
        let permit = self.breaker.enter()?;
        let outcome = self.http.send(request).await;
        match &outcome {
            // One that says "later" is well.
            Ok(answer) if answer.status.is_server_error() && !is_busy(answer) => permit.failed(),
            Ok(_) => permit.succeeded(),
            Err(_) => permit.failed(),
        }
        let answer = outcome?;
        match answer.status.is_server_error() || is_busy(&answer) {
            true => Err(refused(&answer)),
            false => Ok(answer),
        }
    }

    pub(super) async fn head_of(&self, object: &str) -> Result<Option<Answer>> {
        let action = HeadObject::new(&self.bucket, Some(&self.credentials), object);
        let answer = self.call(Method::HEAD, action, &[], Bytes::new()).await?;
        match answer.status {
            StatusCode::OK => Ok(Some(answer)),
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(refused(&answer)),
        }
    }

    /// Some bytes of an object; NOT_FOUND when it is not there, or has another etag.
    pub(super) async fn read_of(
        &self,
        object: &str,
        etag: Option<&str>,
        range: Range<u64>,
    ) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let action = GetObject::new(&self.bucket, Some(&self.credentials), object);
        let bytes = format!("bytes={}-{}", range.start, range.end - 1);
        let mut headers = vec![(RANGE, bytes)];
        headers.extend(etag.map(|etag| (IF_MATCH, etag.to_owned())));
        let answer = self
            .call(Method::GET, action, &headers, Bytes::new())
            .await?;
        match answer.status {
            StatusCode::PARTIAL_CONTENT => Ok(answer.body),
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Bytes::new()),
            StatusCode::PRECONDITION_FAILED => Err(Error::not_found("file")),
            _ if is_absent(&answer) => Err(Error::not_found("file")),
            _ => Err(refused(&answer)),
        }
    }

    pub(super) async fn remove(&self, object: &str) -> Result<()> {
        let action = DeleteObject::new(&self.bucket, Some(&self.credentials), object);
        let answer = self.call(Method::DELETE, action, &[], Bytes::new()).await?;
        match answer.status.is_success() || is_absent(&answer) {
            true => Ok(()),
            false => Err(refused(&answer)),
        }
    }

    /// Copies what came in to its key, if it is what it was.
    pub(super) async fn copy(&self, arrival: &Arrival, content_type: &str) -> Result<()> {
        let source = format!("/{}/{}", self.bucket.name(), incoming(&arrival.key)?);
        let action = PutObject::new(&self.bucket, Some(&self.credentials), &arrival.key);
        let headers = [
            (COPY_SOURCE, source),
            (COPY_IF, arrival.etag.clone()),
            (DIRECTIVE, "REPLACE".to_owned()),
            (CONTENT_TYPE, content_type.to_owned()),
            (CACHE_CONTROL, FOR_A_YEAR.to_owned()),
        ];
        let answer = self
            .call(Method::PUT, action, &headers, Bytes::new())
            .await?;
        match answer.status {
            StatusCode::OK if is_done(&answer, "CopyObjectResult") => Ok(()),
            StatusCode::PRECONDITION_FAILED => Err(Error::not_found("file")),
            _ if is_absent(&answer) => Err(Error::not_found("file")),
            _ => Err(refused(&answer)),
        }
    }
}

//! A bucket of any provider that speaks S3.
//!
//! What clients send lies below `incoming/` in the bucket, which nobody may read there.
//! Publishing copies it to its key, within the bucket, and only if it is what was looked at.

mod answer;
mod calls;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{Method, StatusCode};
use jiff::Timestamp;
use rusty_s3::actions::{
    AbortMultipartUpload, CompleteMultipartUpload, CompleteMultipartUploadResponse,
    CreateMultipartUpload, GetObject, PutObject, UploadPart,
};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};

use super::key::{self, INCOMING};
use super::{Arrival, Blobs, Head, NewBlob, Part, SentPart, Ticket};
use crate::clients::breaker::Breaker;
use crate::clients::http::{Http, Limits};
use crate::kernel::{Clock, Error, Result, Secret};
use answer::{is_absent, refused, text};

/// The bytes of a key never change, so whoever has them keeps them.
const FOR_A_YEAR: &str = "public, max-age=31536000, immutable";
/// The largest range that is read at once, in bytes.
const READ_MAX: usize = 16 * 1024 * 1024;
/// The longest that a call may take: less than those wait who ask for it, so that a bucket
/// that does not answer is found out.
const TOTAL_MAX: Duration = Duration::from_secs(8);

/// The bounds of calls to a bucket: the usual ones, but answers may be files.
pub fn limits(usual: Limits) -> Limits {
    Limits {
        answer_max: READ_MAX,
        total: usual.total.min(TOTAL_MAX),
        ..usual
    }
}

/// A bucket, and the key to it.
#[derive(Debug, Clone)]
pub struct S3Bucket {
    /// Where the provider's interface is.
    pub endpoint: String,
    /// The key's name.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret<String>,
    /// The bucket's name.
    pub name: String,
    /// Where everybody reads what is published in it, without a slash at the end.
    pub public_url: String,
    /// Where it is.
    pub region: String,
    /// Its name stands in the path of addresses, not in their host.
    pub path_style: bool,
}

/// Files in a bucket.
pub struct S3Blobs {
    http: Http,
    breaker: Breaker,
    clock: Clock,
    bucket: Bucket,
    credentials: Credentials,
    public_url: String,
}

impl S3Blobs {
    /// Files in a bucket.
    ///
    /// # Errors
    /// INTERNAL when its name and endpoint make no address.
    pub fn new(http: Http, clock: Clock, bucket: S3Bucket) -> Result<Self> {
        let style = match bucket.path_style {
            true => UrlStyle::Path,
            false => UrlStyle::VirtualHost,
        };
        let endpoint = bucket.endpoint.parse().map_err(Error::internal)?;
        let secret = bucket.secret_access_key.expose().clone();
        Ok(Self {
            http,
            breaker: Breaker::new("s3", clock.clone()),
            clock,
            bucket: Bucket::new(endpoint, style, bucket.name, bucket.region)
                .map_err(Error::internal)?,
            credentials: Credentials::new(bucket.access_key_id, secret),
            public_url: bucket.public_url,
        })
    }

    /// The address that makes a call, good for `lasts` by the clock that everything else
    /// goes by.
    fn signed<'a>(&self, action: &impl S3Action<'a>, lasts: Duration) -> Result<String> {
        let now = Timestamp::from_microsecond(self.clock.now().micros());
        let url = action.sign_with_time(lasts, &now.map_err(Error::internal)?);
        Ok(url.into())
    }
}

#[async_trait]
impl Blobs for S3Blobs {
    fn ticket(&self, blob: &NewBlob, lasts: Duration) -> Result<Ticket> {
        let object = incoming(&blob.key)?;
        let mut action = PutObject::new(&self.bucket, Some(&self.credentials), &object);
        let headers = [
            (CONTENT_TYPE, blob.content_type.clone()),
            // What has come in is not replaced: a ticket is good once.
            (IF_NONE_MATCH, "*".to_owned()),
        ];
        for (name, value) in &headers {
            action.headers_mut().insert(name.as_str(), value.clone());
        }
        // Clients send it by themselves.
        let signed = action.headers_mut();
        signed.insert(CONTENT_LENGTH.as_str(), blob.size.to_string());
        Ok(Ticket {
            url: self.signed(&action, lasts)?,
            headers: headers
                .map(|(name, value)| (name.to_string(), value))
                .to_vec(),
        })
    }

    fn part_ticket(&self, blob: &NewBlob, part: &Part<'_>, lasts: Duration) -> Result<Ticket> {
        let object = incoming(&blob.key)?;
        let number = u16::try_from(part.number).map_err(Error::internal)?;
        let key = Some(&self.credentials);
        let mut action = UploadPart::new(&self.bucket, key, &object, number, part.upload_id);
        let signed = action.headers_mut();
        signed.insert(CONTENT_LENGTH.as_str(), part.size.to_string());
        Ok(Ticket {
            url: self.signed(&action, lasts)?,
            headers: Vec::new(),
        })
    }

    async fn begin_parts(&self, blob: &NewBlob) -> Result<String> {
        let object = incoming(&blob.key)?;
        let action = CreateMultipartUpload::new(&self.bucket, Some(&self.credentials), &object);
        let headers = [(CONTENT_TYPE, blob.content_type.clone())];
        let answer = self
            .call(Method::POST, action, &headers, Bytes::new())
            .await?;
        if !answer.status.is_success() {
            return Err(refused(&answer));
        }
        let begun = CreateMultipartUpload::parse_response(text(&answer)?);
        let begun = begun.map_err(answer::unread)?;
        Ok(begun.upload_id().to_owned())
    }

    async fn finish_parts(&self, key: &str, upload_id: &str, parts: &[SentPart]) -> Result<()> {
        let object = incoming(key)?;
        let etags = key::etags(parts)?;
        if etags.len() > usize::from(u16::MAX) {
            return Err(Error::not_found("part"));
        }
        let action = CompleteMultipartUpload::new(
            &self.bucket,
            Some(&self.credentials),
            &object,
            upload_id,
            etags.into_iter(),
        );
        let body = Bytes::from(action.clone().body());
        let answer = self.call(Method::POST, action, &[], body).await?;
        match answer.status {
            // It says OK before it is done, and what came of it at the end.
            StatusCode::OK => CompleteMultipartUploadResponse::parse(text(&answer)?)
                .map(drop)
                .map_err(answer::unread),
            _ if is_absent(&answer) || answer.status == StatusCode::BAD_REQUEST => {
                Err(Error::not_found("part").caused_by(answer::words(&answer)))
            }
            _ => Err(refused(&answer)),
        }
    }

    async fn abort_parts(&self, key: &str, upload_id: &str) -> Result<()> {
        let object = incoming(key)?;
        let credentials = Some(&self.credentials);
        let action = AbortMultipartUpload::new(&self.bucket, credentials, &object, upload_id);
        let answer = self.call(Method::DELETE, action, &[], Bytes::new()).await?;
        match answer.status.is_success() || is_absent(&answer) {
            true => Ok(()),
            false => Err(refused(&answer)),
        }
    }

    async fn arrived(&self, key: &str) -> Result<Option<Arrival>> {
        let Some(answer) = self.head_of(&incoming(key)?).await? else {
            return Ok(None);
        };
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
        Ok(Some(Arrival {
            key: key.to_owned(),
            size: answer::size(&answer)?,
            // Without one nobody could say what was looked at.
            etag: etag.ok_or_else(|| answer::unread("no etag"))?.to_owned(),
        }))
    }

    async fn read_arrived(&self, arrival: &Arrival, range: Range<u64>) -> Result<Bytes> {
        let object = incoming(&arrival.key)?;
        self.read_of(&object, Some(&arrival.etag), range).await
    }

    async fn publish(&self, arrival: &Arrival, content_type: &str) -> Result<()> {
        let key = key::check(&arrival.key)?;
        // What is published stays as it is, whatever comes in behind it.
        if self.head_of(key).await?.is_none() {
            self.copy(arrival, content_type).await?;
        }
        if let Err(error) = self.remove(&incoming(key)?).await {
            // A rule of the bucket removes it later.
            tracing::warn!(?error, "what is published also lies where it came in");
        }
        Ok(())
    }

    async fn put(&self, blob: &NewBlob, bytes: Bytes) -> Result<()> {
        let key = key::check(&blob.key)?;
        let action = PutObject::new(&self.bucket, Some(&self.credentials), key);
        let headers = [
            (CONTENT_TYPE, blob.content_type.clone()),
            (CACHE_CONTROL, FOR_A_YEAR.to_owned()),
            (IF_NONE_MATCH, "*".to_owned()),
        ];
        let answer = self.call(Method::PUT, action, &headers, bytes).await?;
        match answer.status {
            StatusCode::PRECONDITION_FAILED => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(refused(&answer)),
        }
    }

    async fn head(&self, key: &str) -> Result<Option<Head>> {
        let answer = self.head_of(key::check(key)?).await?;
        let size = answer.as_ref().map(answer::size).transpose()?;
        Ok(size.map(|size| Head { size }))
    }

    async fn read(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        self.read_of(key::check(key)?, None, range).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.remove(key::check(key)?).await?;
        self.remove(&incoming(key)?).await
    }

    fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.public_url)
    }

    fn key_of(&self, url: &str) -> Option<String> {
        key::of(url.strip_prefix(&self.public_url)?)
    }

    fn source(&self, key: &str, lasts: Duration) -> Result<String> {
        let key = key::check(key)?;
        let action = GetObject::new(&self.bucket, Some(&self.credentials), key);
        self.signed(&action, lasts)
    }
}

/// Where a file lies before it is published.
fn incoming(key: &str) -> Result<String> {
    Ok(format!("{INCOMING}/{}", key::check(key)?))
}

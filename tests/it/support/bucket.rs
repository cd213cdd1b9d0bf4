//! A server of the test's own that keeps its files in a bucket.

use std::time::Duration;

use souk::clients::http::Limits;
use souk::kernel::Time;

use super::TestApp;
use super::app::START;
use super::s3::FakeS3;

impl TestApp {
    /// A server that keeps files in a bucket, and the bucket, whose clock stands where every
    /// test begins.
    pub async fn on_s3() -> (Self, FakeS3) {
        Self::on_s3_within(Limits::default().total).await
    }

    /// The same, where no call to the bucket takes longer.
    pub async fn on_s3_within(most: Duration) -> (Self, FakeS3) {
        let s3 = FakeS3::start(beginning).await;
        let public_url = s3.public_url();
        let settings = s3.settings(&public_url);
        let app = Self::adjusted(&settings, |parts| {
            parts.http.total = most;
            parts.blobs = None;
        });
        (app.await, s3)
    }
}

/// When every test begins.
pub fn beginning() -> Time {
    START
}

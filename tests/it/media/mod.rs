//! Files: bringing them, what is refused, what shows them, and what becomes of them.

mod hostile;
mod images;
mod life;
mod pictures;
mod race;
mod roundtrip;
mod uploads;

use std::time::Duration;

use bytes::Bytes;
use souk::pb::souk::media::v1::media::{Purpose, Status as FileStatus};
use souk::pb::souk::media::v1::{
    CompleteUploadRequest, CreateUploadRequest, CreateUploadResponse, GetMediaRequest, Media,
    SentPart, UploadProductImageRequest, UploadProductImageResponse,
};
use tonic::Status;

use crate::support::{Client, TestApp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A file to be announced.
pub fn wish(purpose: Purpose, content_type: &str, size: usize) -> CreateUploadRequest {
    CreateUploadRequest {
        purpose: purpose.into(),
        file_name: "Photo été.bin".into(),
        content_type: content_type.into(),
        size: size as i64,
        product_id: String::new(),
    }
}

impl Client {
    /// Announces a file.
    pub async fn announce(
        &self,
        wish: CreateUploadRequest,
    ) -> Result<CreateUploadResponse, Status> {
        let created = self.media().create_upload(wish).await?;
        Ok(created.into_inner())
    }

    /// Says that a file is there.
    pub async fn complete(&self, id: &str, parts: Vec<SentPart>) -> Result<Media, Status> {
        let request = CompleteUploadRequest {
            id: id.into(),
            parts,
        };
        let done = self.media().complete_upload(request).await?;
        Ok(done.into_inner().media.unwrap())
    }

    /// One of the caller's files.
    pub async fn file(&self, id: &str) -> Result<Media, Status> {
        let request = GetMediaRequest { id: id.into() };
        let found = self.media().get_media(request).await?;
        Ok(found.into_inner().media.unwrap())
    }

    /// Adds a picture to a product.
    pub async fn add_image(
        &self,
        product: &str,
        bytes: Vec<u8>,
        content_type: &str,
    ) -> Result<UploadProductImageResponse, Status> {
        let request = UploadProductImageRequest {
            product_id: product.into(),
            file: bytes,
            content_type: content_type.into(),
        };
        let added = self.media().upload_product_image(request).await?;
        Ok(added.into_inner())
    }
}

/// The id of an announced file.
pub fn id_of(created: &CreateUploadResponse) -> String {
    created.media.as_ref().unwrap().id.clone()
}

impl TestApp {
    /// Sends the bytes of a file by its ticket; gives their `ETag`.
    pub fn put(&self, created: &CreateUploadResponse, bytes: Vec<u8>) -> String {
        self.put_at(created, &created.upload_url, bytes)
    }

    /// The same, for one of its parts.
    pub fn put_at(&self, created: &CreateUploadResponse, url: &str, bytes: Vec<u8>) -> String {
        let headers = created.headers.iter();
        let headers: Vec<(&str, &str)> = headers.map(|(name, value)| (&**name, &**value)).collect();
        self.blobs.send(url, &headers, Bytes::from(bytes)).unwrap()
    }

    /// Brings a file that nothing uses, as far as it is taken in.
    pub async fn upload(
        &self,
        by: &Client,
        purpose: Purpose,
        content_type: &str,
        bytes: Vec<u8>,
    ) -> Media {
        let created = by.announce(wish(purpose, content_type, bytes.len())).await;
        let created = created.unwrap();
        self.put(&created, bytes);
        let file = by.complete(&id_of(&created), Vec::new()).await.unwrap();
        assert_eq!(file.status(), FileStatus::Processing);
        file
    }

    /// The same person, signed in anew after time has passed.
    pub async fn again(&self, person: &Client) -> Client {
        self.sign_in(&person.phone).await
    }

    /// Sweeps what nothing has used for a day, and erases it.
    pub async fn a_day_later(&self) {
        self.run_jobs().await;
        self.advance(DAY);
        self.run_jobs().await;
        self.run_jobs().await;
        self.assert_sound().await;
    }

    /// Runs what is due now and, an hour and a bit later, what waits for late bytes; then
    /// nothing of what is over may be left.
    pub async fn settle_files(&self) {
        self.run_jobs().await;
        self.advance(Duration::from_secs(81 * 60));
        self.run_jobs().await;
    }
}

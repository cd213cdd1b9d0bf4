//! Files on the wire.

use prost::Message;

use super::product_image::{Added, NewImage};
use super::upload::{NewUpload, tickets};
use super::{File, Purpose, Status};
use crate::clients::blob::{Blobs, SentPart};
use crate::grpc;
use crate::grpc::convert::time_to_pb;
use crate::kernel::id::MediaId;
use crate::kernel::{Error, Result, Time};
use crate::pb::souk::media::v1 as pb;
use pb::media::{Purpose as PbPurpose, Status as PbStatus};

/// A file; where it can be read `blobs` knows.
pub fn media_to_pb(file: &File, blobs: &dyn Blobs) -> pb::Media {
    let is_shown = file.status().is_shown();
    let url = |key: &str| match is_shown && !key.is_empty() {
        true => blobs.url(key),
        false => String::new(),
    };
    pb::Media {
        id: MediaId::from(file.id).to_string(),
        purpose: purpose_to_pb(file.purpose()).into(),
        status: status_to_pb(file.status()).into(),
        key: file.key.clone(),
        url: url(&file.key),
        thumbnail_url: url(&file.thumbnail_key),
        content_type: file.content_type.clone(),
        size: file.size,
        width: file.width,
        height: file.height,
        duration_ms: file.duration_ms,
        failure: file.failure.clone(),
        created_at: Some(time_to_pb(Time::from_micros(file.created_at))),
    }
}

/// What those who follow a file receive of a change.
pub fn event(file: &File, blobs: &dyn Blobs) -> Vec<u8> {
    media_to_pb(file, blobs).encode_to_vec()
}

/// A file to be announced.
///
/// # Errors
/// VALIDATION_ERROR, UNSUPPORTED_MEDIA and FILE_TOO_LARGE.
pub fn new_upload(request: &pb::CreateUploadRequest) -> Result<NewUpload> {
    let product = grpc::optional_id("productId", &request.product_id)?;
    let purpose = purpose(request.purpose())?;
    if (purpose == Purpose::ProductImage) != product.is_some() {
        let message = match product {
            Some(_) => "is for pictures of products alone",
            None => "must name the product of the picture",
        };
        return Err(Error::field("productId", message));
    }
    let size = u64::try_from(request.size).unwrap_or(0);
    Ok(NewUpload {
        purpose,
        product,
        name: request.file_name.clone(),
        kind: purpose.admit(&request.content_type, size)?,
        size,
    })
}

/// An announced file and where its bytes go.
pub fn upload_to_pb(file: &File, blobs: &dyn Blobs) -> Result<pb::CreateUploadResponse> {
    let tickets = tickets(file, blobs)?;
    Ok(pb::CreateUploadResponse {
        media: Some(media_to_pb(file, blobs)),
        upload_url: tickets.url,
        headers: tickets.headers.into_iter().collect(),
        parts: tickets
            .parts
            .into_iter()
            .map(|part| {
                Ok(pb::UploadPart {
                    number: i32::try_from(part.number).map_err(Error::internal)?,
                    url: part.url,
                    offset: i64::try_from(part.offset).map_err(Error::internal)?,
                    size: i64::try_from(part.size).map_err(Error::internal)?,
                })
            })
            .collect::<Result<_>>()?,
        expires_at: Some(time_to_pb(file.expires())),
    })
}

/// A picture of a product as it comes.
///
/// # Errors
/// VALIDATION_ERROR.
pub fn new_image(request: pb::UploadProductImageRequest) -> Result<NewImage> {
    Ok(NewImage {
        product: grpc::id("productId", &request.product_id)?,
        bytes: request.file.into(),
        content_type: request.content_type,
    })
}

/// A picture that a product shows now.
pub fn added_to_pb(added: &Added, blobs: &dyn Blobs) -> pb::UploadProductImageResponse {
    pb::UploadProductImageResponse {
        image_url: blobs.url(&added.file.key),
        image_id: added.image.to_string(),
        media: Some(media_to_pb(&added.file, blobs)),
    }
}

/// Parts that have been sent, in the order of their numbers.
pub fn sent_parts(parts: Vec<pb::SentPart>) -> Vec<SentPart> {
    let mut parts: Vec<SentPart> = parts
        .into_iter()
        .map(|part| SentPart {
            number: u32::try_from(part.number).unwrap_or(0),
            etag: part.etag,
        })
        .collect();
    parts.sort_by_key(|part| part.number);
    parts
}

fn purpose(purpose: PbPurpose) -> Result<Purpose> {
    Ok(match purpose {
        PbPurpose::ProductImage => Purpose::ProductImage,
        PbPurpose::ReelVideo => Purpose::ReelVideo,
        PbPurpose::ReelThumbnail => Purpose::ReelThumbnail,
        PbPurpose::Avatar => Purpose::Avatar,
        PbPurpose::Unspecified => return Err(Error::field("purpose", "must be given")),
    })
}

const fn purpose_to_pb(purpose: Option<Purpose>) -> PbPurpose {
    match purpose {
        Some(Purpose::ProductImage) => PbPurpose::ProductImage,
        Some(Purpose::ReelVideo) => PbPurpose::ReelVideo,
        Some(Purpose::ReelThumbnail) => PbPurpose::ReelThumbnail,
        Some(Purpose::Avatar) => PbPurpose::Avatar,
        None => PbPurpose::Unspecified,
    }
}

const fn status_to_pb(status: Status) -> PbStatus {
    match status {
        Status::Pending => PbStatus::Pending,
        Status::Processing => PbStatus::Processing,
        Status::Ready => PbStatus::Ready,
        Status::Failed => PbStatus::Failed,
        Status::Aborted => PbStatus::Aborted,
        Status::Deleted => PbStatus::Deleted,
    }
}

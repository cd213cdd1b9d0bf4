//! Files on the wire.

use prost::Message;

use super::product_image::{Added, NewImage};
use super::upload::{NewUpload, Tickets};
use super::{File, Media, Purpose, Status, key};
use crate::grpc;
use crate::grpc::convert::time_to_pb;
use crate::kernel::id::MediaId;
use crate::kernel::{Error, Result, Time};
use crate::pb::souk::media::v1 as pb;
use pb::media::{Purpose as PbPurpose, Status as PbStatus};

/// A file; where it can be read `media` knows.
pub fn media_to_pb(file: &File, media: &Media) -> pb::Media {
    let is_shown = file.status().is_shown();
    let url = |key: &str| match is_shown && !key.is_empty() {
        true => media.url(key),
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
pub fn event(file: &File, media: &Media) -> Vec<u8> {
    media_to_pb(file, media).encode_to_vec()
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
    key::check_name("fileName", &request.file_name)?;
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
///
/// # Errors
/// INTERNAL for numbers beyond all limits.
pub fn upload_to_pb(
    file: &File,
    tickets: Tickets,
    media: &Media,
) -> Result<pb::CreateUploadResponse> {
    Ok(pb::CreateUploadResponse {
        media: Some(media_to_pb(file, media)),
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
pub fn added_to_pb(added: &Added, media: &Media) -> pb::UploadProductImageResponse {
    pb::UploadProductImageResponse {
        image_url: media.url(&added.file.key),
        image_id: added.image.to_string(),
        media: Some(media_to_pb(&added.file, media)),
    }
}

/// Numbers and `ETag`s of the parts that have been sent, in the order of their numbers.
pub fn sent_parts(parts: Vec<pb::SentPart>) -> Vec<(u32, String)> {
    let number = |number: i32| u32::try_from(number).unwrap_or(0);
    let parts = parts.into_iter();
    let mut parts: Vec<_> = parts.map(|part| (number(part.number), part.etag)).collect();
    parts.sort_unstable();
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

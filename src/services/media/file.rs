//! A file, what it may be for, and where it is in its life. Pure.

use super::File;
use super::check::Kind;
use crate::kernel::id::{MediaId, UserId};
use crate::kernel::{Error, Reason, Result, Time};

/// The largest picture in bytes.
pub const PICTURE_MAX: u64 = 10 * 1024 * 1024;
/// The largest video in bytes.
pub const VIDEO_MAX: u64 = 100 * 1024 * 1024;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Picture of a product.
    ProductImage,
    /// Video of a reel.
    ReelVideo,
    /// Picture that stands for a reel.
    ReelThumbnail,
    /// Picture of a person or store.
    Avatar,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 4] = [
        Self::ProductImage,
        Self::ReelVideo,
        Self::ReelThumbnail,
        Self::Avatar,
    ];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProductImage => "PRODUCT_IMAGE",
            Self::ReelVideo => "REEL_VIDEO",
            Self::ReelThumbnail => "REEL_THUMBNAIL",
            Self::Avatar => "AVATAR",
        }
    }

    /// The purpose of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }

    /// The format of a file for this purpose that has this type and size.
    ///
    /// # Errors
    /// UNSUPPORTED_MEDIA and FILE_TOO_LARGE.
    pub fn admit(self, content_type: &str, size: u64) -> Result<Kind> {
        let is_video = self == Self::ReelVideo;
        let kind = Kind::of_type(content_type).filter(|kind| kind.is_picture() != is_video);
        let kind = kind.ok_or_else(|| {
            let formats = match is_video {
                true => "must be video/mp4, video/quicktime or video/x-msvideo",
                false => "must be image/jpeg, image/png, image/gif or image/webp",
            };
            Error::new(Reason::UnsupportedMedia, formats).at("contentType")
        })?;
        let most = if is_video { VIDEO_MAX } else { PICTURE_MAX };
        if size > most {
            let message = format!("the file may have {most} bytes at the most");
            let error = Error::new(Reason::FileTooLarge, message).at("size");
            return Err(error.with("max", most));
        }
        Ok(kind)
    }
}

/// Where a file is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Announced.
    Pending,
    /// There and checked.
    Processing,
    /// There, checked and measured.
    Ready,
    /// Not usable.
    Failed,
    /// Given up by its owner.
    Aborted,
    /// Deleted, or never used.
    Deleted,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Processing,
        Self::Ready,
        Self::Failed,
        Self::Aborted,
        Self::Deleted,
    ];

    /// The word of the contract and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Processing => "PROCESSING",
            Self::Ready => "READY",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
            Self::Deleted => "DELETED",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether everybody may read the bytes.
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Processing | Self::Ready)
    }

    /// Whether the bytes are gone, or about to go.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Failed | Self::Aborted | Self::Deleted)
    }
}

impl File {
    /// The typed id.
    pub fn media_id(&self) -> MediaId {
        self.id.into()
    }

    /// Who brought it.
    pub fn owner(&self) -> UserId {
        self.owner_id.into()
    }

    /// Where it is in its life. The table knows no other word; if it did, nobody could
    /// use the file.
    pub fn status(&self) -> Status {
        Status::from_word(&self.status).unwrap_or(Status::Deleted)
    }

    /// What it is for.
    pub fn purpose(&self) -> Option<Purpose> {
        Purpose::from_word(&self.purpose)
    }

    /// Its format.
    ///
    /// # Errors
    /// INTERNAL when the table holds a type that is none of ours.
    pub(super) fn kind(&self) -> Result<Kind> {
        Kind::of_type(&self.content_type)
            .ok_or_else(|| Error::internal("a file has an unknown type"))
    }

    /// Its size in bytes.
    pub(super) fn bytes(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(0)
    }

    /// The size of its parts but the last, where it comes in parts.
    pub(super) fn part_bytes(&self) -> Option<u64> {
        self.part_size.and_then(|size| u64::try_from(size).ok())
    }

    /// Until when its bytes may come.
    pub fn expires(&self) -> Time {
        Time::from_micros(self.expires_at)
    }
}

/// How many parts of `part_size` bytes a file has.
pub fn part_count(size: u64, part_size: u64) -> u64 {
    size.div_ceil(part_size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_admits_its_formats_up_to_its_size() {
        use Reason::{FileTooLarge, UnsupportedMedia};
        for (purpose, content_type, size, expected) in [
            (Purpose::ProductImage, "image/jpeg", 1, Ok(Kind::Jpeg)),
            (Purpose::Avatar, "IMAGE/JPG", PICTURE_MAX, Ok(Kind::Jpeg)),
            (Purpose::ReelThumbnail, "image/webp", 1, Ok(Kind::Webp)),
            (
                Purpose::ProductImage,
                "image/png",
                PICTURE_MAX + 1,
                Err(FileTooLarge),
            ),
            (
                Purpose::ProductImage,
                "image/svg+xml",
                1,
                Err(UnsupportedMedia),
            ),
            (Purpose::ProductImage, "video/mp4", 1, Err(UnsupportedMedia)),
            (Purpose::Avatar, "text/html", 1, Err(UnsupportedMedia)),
            (Purpose::Avatar, "", 1, Err(UnsupportedMedia)),
            (Purpose::ReelVideo, "video/mp4", VIDEO_MAX, Ok(Kind::Mp4)),
            (Purpose::ReelVideo, "video/avi", 1, Ok(Kind::Avi)),
            (
                Purpose::ReelVideo,
                "video/quicktime",
                VIDEO_MAX + 1,
                Err(FileTooLarge),
            ),
            (Purpose::ReelVideo, "image/gif", 1, Err(UnsupportedMedia)),
        ] {
            let admitted = purpose.admit(content_type, size);
            let admitted = admitted.map_err(|refused| refused.reason());
            assert_eq!(admitted, expected, "{purpose:?} {content_type} {size}");
        }
    }

    #[test]
    fn words_and_statuses_lead_to_one_another() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.as_str()), Some(status));
            assert!(!(status.is_shown() && status.is_over()));
        }
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::from_word(purpose.as_str()), Some(purpose));
        }
    }
}

//! Which formats files may have.

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A JPEG picture.
    Jpeg,
    /// A PNG picture.
    Png,
    /// A GIF picture.
    Gif,
    /// A WebP picture.
    Webp,
    /// An MP4 video.
    Mp4,
    /// A QuickTime video.
    Mov,
    /// An AVI video.
    Avi,
}

impl Kind {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Mp4,
        Self::Mov,
        Self::Avi,
    ];

    /// The type that files of it are kept and shown as.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::Avi => "video/x-msvideo",
        }
    }

    /// What the names of such files end in.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Webp => "webp",
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Avi => "avi",
        }
    }

    /// Whether it is a picture, and no video.
    pub const fn is_picture(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Gif | Self::Webp)
    }

    /// The format of a type as clients write it, other names of it included.
    pub fn of_type(content_type: &str) -> Option<Self> {
        let name = content_type.trim().to_ascii_lowercase();
        let name = match name.as_str() {
            "image/jpg" | "image/pjpeg" => "image/jpeg",
            "video/avi" | "video/msvideo" => "video/x-msvideo",
            other => other,
        };
        Self::ALL
            .into_iter()
            .find(|kind| kind.content_type() == name)
    }

    /// The format that the first bytes of a file show.
    pub fn sniff(start: &[u8]) -> Option<Self> {
        match infer::get(start)?.mime_type() {
            // A brand of Apple's for the same format.
            "video/x-m4v" => Some(Self::Mp4),
            name => Self::of_type(name),
        }
    }
}

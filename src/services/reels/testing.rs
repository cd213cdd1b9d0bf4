//! Reels and files that the tests beside the code stand on.

use super::Reel;
use crate::kernel::Time;
use crate::kernel::id::{MediaId, ProductId, StoreId, UserId};
use crate::services::media::{Purpose, Shown};

pub const NOW: Time = Time::from_micros(1_780_000_000_000_000);

/// A reel without a video.
pub fn reel() -> Reel {
    let (product, store) = (ProductId::new(NOW), StoreId::new(NOW));
    Reel::draft(product, store, UserId::new(NOW), "", NOW)
}

/// A video, measured or not.
pub fn video(is_ready: bool) -> Shown {
    Shown {
        id: MediaId::new(NOW),
        purpose: Some(Purpose::ReelVideo),
        is_ready,
        url: "https://files/video.mp4".to_owned(),
        thumbnail_url: "https://files/poster.jpg".to_owned(),
        size: 1000,
        width: Some(720),
        height: Some(1280),
        duration_ms: Some(12_400),
    }
}

/// A picture that stands for a reel.
pub fn picture() -> Shown {
    Shown {
        purpose: Some(Purpose::ReelThumbnail),
        url: "https://files/own.jpg".to_owned(),
        duration_ms: None,
        ..video(true)
    }
}

//! Reels and files that the tests beside the code stand on.

use super::{Reel, store};
use crate::db::Db;
use crate::db::testing::fill;
use crate::kernel::Time;
use crate::kernel::id::{MediaId, ProductId, StoreId, UserId};
use crate::services::catalog::testing::{insert_product, insert_store};
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

/// A seller's store with a product on sale.
pub async fn shop(db: &Db) -> (UserId, StoreId, ProductId) {
    let now = db.clock().now();
    let (owner, store, product) = (UserId::new(now), StoreId::new(now), ProductId::new(now));
    insert_store(db, owner, store).await;
    insert_product(db, owner, store, product).await;
    (owner, store, product)
}

/// A file of the owner that is in use once.
pub async fn insert_file(db: &Db, owner: UserId, file: &Shown) {
    let (id, purpose) = (file.id, file.purpose.map_or("", Purpose::as_str));
    let sql = format!(
        "INSERT INTO media (id, owner_id, purpose, status, key, content_type, size, upload_id, \
         thumbnail_key, failure, uses, checked_at, expires_at, version, created_at, updated_at) \
         VALUES ($1, $2, '{purpose}', 'PROCESSING', '{id}', '', 1, '', '', '', 1, 1, 1, 1, 1, 1)"
    );
    fill(db, &sql, &[id.uuid(), owner.uuid()]).await;
}

/// Adds a reel as it is.
pub async fn insert_reel(db: &Db, reel: &Reel) {
    db.transact(|tx| async move { store::insert(&tx, reel).await })
        .await
        .unwrap();
}

//! Reels that stand in the database without having been uploaded.

use sea_orm::Value;
use souk::kernel::id::{MediaId, ProductId, ReelId, StoreId, UserId};

use super::{Seller, TestApp};

impl TestApp {
    /// A published reel of a product.
    pub async fn reel(&self, seller: &Seller, product: &str) -> String {
        let now = self.clock.now();
        let (reel, media) = (ReelId::new(now), MediaId::new(now));
        let owner: UserId = seller.client.user_id.parse().unwrap();
        let store: StoreId = seller.store.parse().unwrap();
        let product: ProductId = product.parse().unwrap();
        let video = "INSERT INTO media (id, owner_id, purpose, status, key, content_type, size, \
             upload_id, thumbnail_key, failure, uses, checked_at, expires_at, version, \
             created_at, updated_at) \
             VALUES ($1, $2, 'REEL_VIDEO', 'READY', $3, 'video/mp4', 1000, '', '', '', 1, 0, 0, \
             1, 0, 0)";
        let key: Value = format!("reels/{media}").into();
        let values = [media.uuid().into(), owner.uuid().into(), key];
        self.execute(video, values).await;
        let row = "INSERT INTO reels (id, product_id, store_id, seller_id, status, caption, \
             video_media_id, video_url, thumbnail_url, size, failure, hidden, version, \
             published_at, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, 'READY', 'Look at this', $5, 'https://example.test/v.mp4', \
             '', 1000, '', FALSE, 1, 0, 0, 0)";
        let values = [reel.uuid(), product.uuid(), store.uuid(), owner.uuid()];
        let values = values.into_iter().chain([media.uuid()]);
        self.execute(row, values.map(Value::from)).await;
        reel.to_string()
    }
}

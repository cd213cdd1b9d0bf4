//! Arranging reels: files that are there already, and reels that show them.

use serde_json::{Value, json};
use souk::kernel::id::{MediaId, UserId};

use super::{Client, Seller, TestApp};

impl TestApp {
    /// A checked file of somebody, put behind the server's back: its id.
    pub async fn file(&self, owner: &Client, purpose: &str, status: &str) -> String {
        let id = MediaId::new(self.clock.now());
        let owner: UserId = owner.user_id.parse().unwrap();
        let sql = format!(
            "INSERT INTO media (id, owner_id, purpose, status, key, content_type, size, \
             upload_id, thumbnail_key, width, height, duration_ms, failure, uses, unused_since, \
             checked_at, expires_at, version, created_at, updated_at) \
             VALUES ($1, $2, '{purpose}', '{status}', 'reels/{id}.mp4', 'video/mp4', 1000, '', \
             'reels/{id}-small.jpg', 720, 1280, 12400, '', 0, 1, 1, 1, 1, 1, 1)"
        );
        self.execute(&sql, [id.uuid().into(), owner.uuid().into()])
            .await;
        id.to_string()
    }

    /// How often a file is used.
    pub async fn uses_of(&self, file: &str) -> i64 {
        let id: MediaId = file.parse().unwrap();
        let key = format!("reels/{id}.mp4");
        self.number(&format!("SELECT sum(uses) FROM media WHERE key = '{key}'"))
            .await
    }

    /// A reel of a seller's product that everyone sees: its id.
    pub async fn reel(&self, seller: &Seller, product: &str) -> String {
        let reel = self.reel_called(seller, product, "Look at this").await;
        reel["id"].as_str().unwrap().to_owned()
    }

    /// The same with a caption, as its maker is shown it.
    pub async fn reel_called(&self, seller: &Seller, product: &str, caption: &str) -> Value {
        let video = self.file(&seller.client, "REEL_VIDEO", "READY").await;
        let request = json!({
            "productId": product, "caption": caption, "videoMediaId": video,
        });
        let created = seller
            .client
            .call("ReelService/CreateReel", &request.to_string())
            .await;
        created.unwrap()["reel"].clone()
    }
}

//! What reels sold: whose product a buyer was led to.

use std::collections::HashMap;

use super::store;
use crate::db::Conn;
use crate::kernel::Result;
use crate::kernel::id::{ProductId, ReelId};

/// The product that each of these reels shows, or showed before it was hidden or deleted;
/// what was never published is absent. One statement, and none for no reel.
///
/// # Errors
/// Those of the database.
pub async fn products_of(conn: &impl Conn, reels: &[ReelId]) -> Result<HashMap<ReelId, ProductId>> {
    if reels.is_empty() {
        return Ok(HashMap::new());
    }
    store::attribution::products_of(conn, reels).await
}
